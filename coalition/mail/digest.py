"""A digest is joined from fragments: each item is rendered once, each reader's copy only gets its few slots filled."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from markupsafe import Markup

from coalition.languages import language
from coalition.mail import markdown
from coalition.mail.letters import Letters
from coalition.mail.message import Letter
from coalition.mail.staffs_words import direction

# A private-use character on either side marks a slot while the letter is made; content that holds one is refused.
_OPEN, _CLOSE = "\ue000", "\ue001"
_SLOT = re.compile(rf"{_OPEN}([a-z0-9-]+)\.*{_CLOSE}")
_SINCE = "since-"
# Text is wrapped with its marks in it, so a mark is as wide as the widest date: 28 de septiembre de 2026.
WIDEST_DATE = 24

# From here on a letter begins with a list of what it holds (RFC 1153).
_MANY_TOPICS = 4
_MANY_ITEMS = 9


@dataclass(frozen=True)
class Slots:
    """What differs from reader to reader."""

    preferences: str
    unsubscribe: str
    since: Mapping[str, str]  # slug of a topic -> the date on which this reader agreed to get it

    def value(self, name: str) -> str:
        """What stands in the slot of this name: `preferences`, `unsubscribe`, or `since-housing` and so on."""
        if name.startswith(_SINCE):
            return self.since[name.removeprefix(_SINCE)]
        return {"preferences": self.preferences, "unsubscribe": self.unsubscribe}[name]


@dataclass(frozen=True)
class Section:
    """One topic of one copy, with the fragments of its items in order."""

    name: str
    slug: str
    fragments: Sequence[str]
    more: int = 0  # items that are only in the archive
    archive: str = ""  # where they are


@dataclass(frozen=True)
class Edition:
    """What all copies of an issue share in one language."""

    subject: str
    intro_md: str
    cadence: str
    dated: datetime
    titled: bool = True  # whether the subject is staff's, in their language; otherwise it is ours, in the reader's


@dataclass(frozen=True)
class Copy:
    """A digest that lacks only its reader: fixed pieces with the names of slots between them."""

    subject: str
    text: tuple[str, ...]
    html: tuple[str, ...] | None

    def fill(self, slots: Slots) -> Letter:
        """The letter for one reader."""
        values = {name: slots.value(name) for name in set(self.text[1::2])}
        return Letter(
            subject=self.subject,
            text=_join(self.text, values),
            html=None if self.html is None else _join(self.html, {name: escape(values[name]) for name in values}),
        )


def html_fragment(letters: Letters, locale: str, title: str, summary_md: str, url: str | None) -> str:
    """One item as inlined HTML."""
    words = f"{title}\n{summary_md}"
    html = letters.template(
        "digest/item.html", locale, words=words, title=title, url=url, html=_clean_html(summary_md, "h4")
    )
    return letters.inline_fragment(html, direction(words, language(locale).direction))


def text_fragment(letters: Letters, locale: str, title: str, summary_md: str, url: str | None) -> str:
    """One item as text."""
    body = markdown.to_text(summary_md)
    text = letters.template("digest/item.txt", locale, title=markdown.wrap(title), url=url, text=body)
    return text.strip()


def compose_text(letters: Letters, locale: str, edition: Edition, sections: Sequence[Section]) -> tuple[str, ...]:
    """The text form of one variant, as pieces around its slots."""
    facts = _facts(edition, sections)
    shell = letters.wrapped("digest/body.txt", locale, **facts)
    contents = "\n\n\n".join(
        letters.template(
            "digest/topic.txt", locale, topic=section, items="\n\n\n".join(section.fragments), slots=facts["slots"]
        ).strip()
        for section in sections
    )
    # What staff wrote is wrapped already; wrapped again, a line of code would lose its shape.
    text = _put_in(shell, {"intro": markdown.to_text(edition.intro_md), "contents": contents})
    return _split(text.strip() + "\n", facts["slots"])


def compose_html(letters: Letters, locale: str, edition: Edition, sections: Sequence[Section]) -> tuple[str, ...]:
    """The HTML form of one variant. The shell is inlined with its marks, the fragments were inlined before."""
    facts = _facts(edition, sections)
    shell = letters.inline(letters.template("digest/body.html", locale, **facts), locale)
    contents = "\n".join(_html_section(letters, locale, section, facts["slots"]) for section in sections)
    intro = _html_intro(letters, locale, edition.intro_md)
    return _split(_put_in(shell, {"intro": intro, "contents": contents}), facts["slots"])


def has_marker(text: str) -> bool:
    """Whether a text holds one of the characters that mark slots."""
    return _OPEN in text or _CLOSE in text


def _facts(edition: Edition, sections: Sequence[Section]) -> dict[str, Any]:
    """What the shell of either form is given."""
    items = sum(len(section.fragments) for section in sections)
    return {
        "subject": edition.subject,
        "titled": edition.titled,
        "dated": edition.dated,
        "cadence": edition.cadence,
        "topics": sections,
        "is_long": len(sections) >= _MANY_TOPICS or (len(sections) > 1 and items >= _MANY_ITEMS),
        "intro": _mark("intro") if edition.intro_md else "",
        "contents": _mark("contents"),
        "slots": Slots(
            preferences=_mark("preferences"),
            unsubscribe=_mark("unsubscribe"),
            since={section.slug: _mark(_SINCE + section.slug) for section in sections},
        ),
    }


def _html_section(letters: Letters, locale: str, section: Section, slots: Slots) -> str:
    html = letters.template("digest/topic.html", locale, topic=section, items=_mark("items"), slots=slots)
    inlined = letters.inline_fragment(html, language(locale).direction)
    return _put_in(inlined, {"items": "\n".join(section.fragments)})


def _html_intro(letters: Letters, locale: str, intro_md: str) -> str:
    html = letters.template("digest/intro.html", locale, words=intro_md, html=_clean_html(intro_md, "h2"))
    return letters.inline_fragment(html, direction(intro_md, language(locale).direction))


def _clean_html(source: str, heading: str) -> Markup:
    return Markup(markdown.to_html(source, heading))  # noqa: S704  # cleaned there


def _mark(name: str) -> str:
    return f"{_OPEN}{name:.<{WIDEST_DATE - 2}}{_CLOSE}"


def _put_in(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(_mark(name), value)
    return text


def _split(text: str, slots: Slots) -> tuple[str, ...]:
    pieces = tuple(_SLOT.split(text))
    known = {"preferences", "unsubscribe", *(_SINCE + slug for slug in slots.since)}
    if not known.issuperset(pieces[1::2]) or any(has_marker(piece) for piece in pieces):
        raise ValueError("a slot of the digest was damaged while it was made")
    return pieces


def _join(pieces: tuple[str, ...], values: Mapping[str, str]) -> str:
    return "".join(values[piece] if index % 2 else piece for index, piece in enumerate(pieces))
