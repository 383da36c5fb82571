"""Rules for how a digest is built: small enough, readable aloud, and with no gap where a fact was missing."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from coalition.mail.lint.findings import Faults, short
from coalition.mail.lint.finished import HTML, TEXT, Finished
from coalition.mail.markdown import WIDTH

# Gmail cuts a letter off near 102 kB (H6) and ignores style sheets over 8 kB (H11).
MOST_HTML = 90_000
MOST_CSS = 8_000

_SALUTATION = r"\b(?:Dear|Annwyl|Cher|Chère|Liebe|Lieber|Estimado|Estimada|عزيزي)\s+(?:[,،]|None\b)"
# "None" begins sentences and ends titles of books; after a small word it is a value that was not there.
_LEFTOVER = re.compile(rf"{_SALUTATION}|(?<!\w)[a-z]+ None\b|\bobject at 0x[0-9a-f]+|[\ue000\ue001]")
_WIDTHLESS = frozenset({"Mn", "Me", "Cf"})  # vowel signs of Arabic, marks of direction
_URL = re.compile(r"(?:https?://|mailto:)\S+")


def _missing(finished: Finished) -> Faults:
    for part, (words, _) in finished.forms.items():
        if not words.strip():
            yield part, "There is nothing to read in it."


def _too_large(finished: Finished) -> Faults:
    size = len((finished.letter.html or "").encode(errors="replace"))
    if size > MOST_HTML:
        yield HTML, f"It has {size // 1000} kB, and mail programs cut off long letters: at most {MOST_HTML // 1000} kB."


def _large_styles(finished: Finished) -> Faults:
    if finished.page and len(finished.page.sheets) > MOST_CSS:
        yield HTML, f"The style sheet has over {MOST_CSS // 1000} kB, and Gmail would ignore it: shorten it."


def _broken(finished: Finished) -> Faults:
    if finished.page and finished.page.is_broken:
        yield HTML, "It holds a mark of the form <![…] that no program can read: remove it."


def _language(finished: Finished) -> Faults:
    if finished.page:
        said = [
            each.tag
            for each in finished.page.elements
            if {"lang", "dir"} <= {k for k, v in each.attributes.items() if v}
        ]
        if "html" not in said:
            yield HTML, "The <html> element has no lang or no dir: screen readers need both."
        if not set(said) - {"html"}:
            yield HTML, "No element within has lang and dir: web mail drops the <html> element, so say it again."


def _title(finished: Finished) -> Faults:
    if finished.page and not finished.page.title.strip():
        yield HTML, "There is no <title>: give it the subject."


def _one_h1(finished: Finished) -> Faults:
    if finished.page:
        count = len(finished.page.tagged("h1"))
        if count != 1:
            yield HTML, f"There are {count} headings of level 1: a letter has one."


def _heading_levels(finished: Finished) -> Faults:
    if finished.page:
        headings = finished.page.tagged("h1", "h2", "h3", "h4", "h5", "h6")
        for before, level in sorted(set(pairwise([0, *(int(each.tag[1]) for each in headings)]))):
            if level > before + 1:
                after = f"one of level {before}" if before else "no other"
                yield HTML, f"A heading of level {level} follows {after}: no level is left out."


def _images(finished: Finished) -> Faults:
    for image in finished.page.tagged("img") if finished.page else []:
        if not image.attributes.get("alt", "").strip():
            yield HTML, f"The image “{short(image.attributes.get('src', ''))}” has no alt: say what it shows."


def _tables(finished: Finished) -> Faults:
    if finished.page and any(each.attributes.get("role") != "presentation" for each in finished.page.tagged("table")):
        yield HTML, 'A table has no role="presentation": screen readers would count its cells.'


def _anchors(finished: Finished) -> Faults:
    """A contents list must lead to its topics; of two elements with one id, a program would find only the first."""
    if finished.page:
        for anchor in dict.fromkeys(finished.page.anchors):
            if anchor not in finished.page.ids:
                yield HTML, f"A link leads to “#{short(anchor)}”, and nothing in the letter is called so."
        for name, count in Counter(finished.page.ids).items():
            if count > 1:
                yield HTML, f"{count} elements are called “{short(name)}”: an id stands for one."


def _leftovers(finished: Finished) -> Faults:
    code = "\n".join(finished.page.code) if finished.page else ""
    texts = [("subject", finished.letter.subject), (TEXT, finished.letter.text)]
    texts += [(HTML, finished.page.words)] if finished.page else []
    for where, text in texts:
        for found in dict.fromkeys(_LEFTOVER.findall(text)):
            if found not in code:
                yield where, f"“{short(found)}”: a fact is missing here."


def _long_lines(finished: Finished) -> Faults:
    for number, line in enumerate(finished.letter.text.split("\n"), 1):
        breakable = " " in line.lstrip("> -*0123456789.")
        columns = sum(unicodedata.category(character) not in _WIDTHLESS for character in line)
        if columns > WIDTH and breakable:
            yield f"text line {number}", f"The line has {columns} columns: break it before column {WIDTH + 1}."


def _url_punctuation(finished: Finished) -> Faults:
    known = {*finished.allowed, *(finished.page.hrefs if finished.page else [])}
    for number, line in enumerate(finished.letter.text.split("\n"), 1):
        for url in _URL.findall(line):
            if re.search(r"[.,;:!?\"'\u2019\u201d\u00bb\]>]$|^[^(]*\)$", url) and url not in known:
                yield f"text line {number}", f"Programs take the last sign of “{short(url)}” for a part of the address."


RULES: dict[str, Callable[[Finished], Faults]] = {
    "part-missing": _missing,
    "html-too-large": _too_large,
    "styles-too-large": _large_styles,
    "broken-html": _broken,
    "language-missing": _language,
    "title-missing": _title,
    "one-h1": _one_h1,
    "skipped-heading-level": _heading_levels,
    "letter-image-without-alt": _images,
    "table-without-role": _tables,
    "lost-anchor": _anchors,
    "leftover": _leftovers,
    "long-line": _long_lines,
    "url-punctuation": _url_punctuation,
}
