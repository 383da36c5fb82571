"""A digest is joined from fragments: each item is rendered once, each reader's copy only gets its few slots filled."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

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

# Whole lines: fixed texts with the names of slots between them.
Block = tuple[str, ...]
# Blocks that stand together in many copies, as the news of one topic do for all who begin at the same item.
Run = tuple[Block, ...]


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
    fragments: tuple[str, ...]
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
    """A digest that lacks only its reader: blocks in runs, most of which other copies have too."""

    subject: str
    text: tuple[Run, ...]
    html: tuple[Run, ...] | None

    def fill(self, slots: Slots) -> Letter:
        """The letter for one reader."""
        values = {name: slots.value(name) for run in self.text for block in run for name in block[1::2]}
        return Letter(
            subject=self.subject,
            text=_join(self.text, values),
            html=None if self.html is None else _join(self.html, {name: escape(values[name]) for name in values}),
        )


def html_fragment(letters: Letters, locale: str, title: str, summary_md: str, url: str | None) -> str:
    """One item as inlined HTML."""
    words = f"{title}\n{summary_md}"
    html = letters.template(
        "digest/item.html", locale, words=words, title=title, url=url, html=clean_html(summary_md, "h4")
    )
    return letters.inline_fragment(html, direction(words, language(locale).direction))


def text_fragment(letters: Letters, locale: str, title: str, summary_md: str, url: str | None) -> str:
    """One item as text."""
    body = markdown.to_text(summary_md)
    text = letters.template("digest/item.txt", locale, title=markdown.wrap(title), url=url, text=body)
    return text.strip()


def has_marker(text: str) -> bool:
    """Whether a text holds one of the characters that mark slots."""
    return _OPEN in text or _CLOSE in text


def mark(name: str) -> str:
    """What stands for a slot while a piece of a letter is made."""
    return f"{_OPEN}{name:.<{WIDEST_DATE - 2}}{_CLOSE}"


def split(text: str, known: Collection[str]) -> Block:
    """A text at its marks. Raises ValueError for one that is not known, or is none any more."""
    pieces = tuple(_SLOT.split(text))
    if not set(pieces[1::2]).issubset(known) or any(has_marker(piece) for piece in pieces):
        raise ValueError("a slot of the digest was damaged while it was made")
    return pieces


def clean_html(source: str, heading: str) -> Markup:
    """Staff's Markdown as HTML that a template takes as it is."""
    return Markup(markdown.to_html(source, heading))  # noqa: S704  # cleaned there


def _join(runs: Iterable[Run], values: Mapping[str, str]) -> str:
    blocks = (block for run in runs for block in run)
    return "".join(values[piece] if index % 2 else piece for block in blocks for index, piece in enumerate(block))
