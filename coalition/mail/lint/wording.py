"""Rules for words: what was forgotten, left over from a template, or shouted."""

import re
from collections.abc import Callable

from coalition.mail.lint.findings import Place, Spots, short
from coalition.mail.lint.reading import Written

# "todo" in small letters is a word of Spanish, and .tk ends real addresses: these stand only in capitals.
_PLACEHOLDER = re.compile(
    r"\b(?:(?:TK)+|TODO|FIXME|XXX+)\b|\b(?i:lorem(?:\s+ipsum)?)\b|\[(?i:insert|your|add)\s[^\]\n]*\]"
)

# Jinja and Handlebars, Jinja's blocks, shells, ERB, Mailchimp (Markdown takes its asterisks for emphasis), Python.
_TEMPLATE_MARK = re.compile(
    r"\{\{[^{}]*\}{0,2}|\{%[^%]*(?:%\})?|\$\{[^}]*\}?|<%[^%]*(?:%>)?|\*?\|[A-Z][A-Z0-9_:]+\|\*?"
    r"|(?<![\w%])%(?:\(\w+\))?[sd]\b|\{\w{0,20}(?i:name|mail|date|title)\w{0,20}\}"
)

_TAGS = (
    "a|b|blockquote|body|br|button|center|code|del|div|em|embed|font|form|h[1-6]|head|hr|html|i|iframe|img|input|li"
    "|link|meta|object|ol|p|pre|s|script|small|span|strong|style|sub|sup|svg|table|td|th|tr|u|ul|video|audio"
)
_RAW_HTML = re.compile(rf"</?(?:{_TAGS})(?:(?:\s[^<>]*)?/?>|\s[^<>=]*=[^<>]*$)|<!--", re.IGNORECASE)

_STORM = re.compile(r"!\s?!")

# A bare year: no price, no part of an address or of a longer number, no span such as 2025-26.
_YEAR = re.compile(r"(?<![\w/.,:#£$€\u2013-])20\d\d(?![\w/%]|[.,:]\d|[\u2013-]\d\d?\b(?!-))")


def _text_missing(written: Written) -> Spots:
    if not written.items and written.intro.is_empty:
        yield Place(1, 0, "intro"), "There is neither an intro nor an item: there is nothing to send."


def _untitled(written: Written) -> Spots:
    for item, place, _ in written.items:
        if not item.title.strip():
            yield place, "The item has no title: give it one."


def _textless(written: Written) -> Spots:
    for _, place, reading in written.items:
        if reading.is_empty:
            yield place, "The item has no text: write a few words, or withdraw it."


def _empty_sections(written: Written) -> Spots:
    for reading in written.readings:
        for heading in reading.hollow:
            yield heading.place, f"There is nothing under the heading “{short(heading.text)}”: fill it or remove it."


def _placeholders(written: Written) -> Spots:
    for line in written.lines():
        for found in _PLACEHOLDER.findall(line.text):
            yield line.place, f"“{short(found)}” holds the place of something: write what belongs there."


def _template_marks(written: Written) -> Spots:
    texts = [(line.place, line.text) for line in written.lines()] + [(link.place, link.url) for link in written.links()]
    for place, text in texts:
        for found in sorted(set(_TEMPLATE_MARK.findall(text))):
            yield place, f"“{short(found)}” is a mark of a template, and nothing fills it: write the words themselves."


def _raw_html(written: Written) -> Spots:
    for line in written.lines():
        found = _RAW_HTML.search(line.text)
        if found:
            yield line.place, f"“{short(found[0])}” is HTML, which readers would see as it is: use Markdown."


def _storms(written: Written) -> Spots:
    for line in written.lines():
        many_in_subject = line is written.subject and line.text.count("!") > 1
        if many_in_subject or _STORM.search(line.text):
            yield line.place, "There are too many exclamation marks: one is loud enough."


def _other_year(written: Written) -> Spots:
    for line in [written.subject, *written.intro.lines]:
        years = {int(year) for year in _YEAR.findall(line.text)}
        if written.year not in years:
            for year in sorted(years):
                yield line.place, f"It says {year}, and this is {written.year}: is the year right?"


def _images(written: Written) -> Spots:
    for reading in written.readings:
        for image in reading.images:
            yield image.place, f"Letters carry no images: say it in words, or link to “{short(image.url)}”."


def _images_without_alt(written: Written) -> Spots:
    for reading in written.readings:
        for image in reading.images:
            if not image.alt.strip():
                yield image.place, f"The image “{short(image.url)}” has no words for those who can't see it."


RULES: dict[str, Callable[[Written], Spots]] = {
    "text-missing": _text_missing,
    "item-without-title": _untitled,
    "item-without-text": _textless,
    "empty-section": _empty_sections,
    "placeholder-words": _placeholders,
    "template-marks": _template_marks,
    "raw-html": _raw_html,
    "exclamation-storm": _storms,
    "another-year": _other_year,
    "image": _images,
    "image-without-alt": _images_without_alt,
}
