"""A digest is joined from fragments: each item is rendered once, each reader's copy only gets its few slots filled."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from html import escape

from markupsafe import Markup

from coalition.mail import markdown
from coalition.mail.letters import Letters
from coalition.mail.message import Letter

# A private-use character on either side marks a slot while the letter is made; content that holds one is refused.
_OPEN, _CLOSE = "\ue000", "\ue001"
_SLOT = re.compile(f"{_OPEN}([a-z]+){_CLOSE}")


@dataclass(frozen=True)
class Slots:
    """What differs from reader to reader."""

    preferences: str
    unsubscribe: str
    confirmed: str


_MARKERS = Slots(**{field.name: f"{_OPEN}{field.name}{_CLOSE}" for field in fields(Slots)})


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
    """What all copies of an issue share."""

    subject: str
    intro_md: str
    rhythm: str
    dated: datetime


@dataclass(frozen=True)
class Copy:
    """A digest that lacks only its reader: fixed pieces with the names of slots between them."""

    subject: str
    text: tuple[str, ...]
    html: tuple[str, ...] | None

    def fill(self, slots: Slots) -> Letter:
        """The letter for one reader."""
        plain = {field.name: getattr(slots, field.name) for field in fields(Slots)}
        escaped = {name: escape(value) for name, value in plain.items()}
        return Letter(
            subject=self.subject,
            text=_join(self.text, plain),
            html=None if self.html is None else _join(self.html, escaped),
        )


def html_fragment(letters: Letters, locale: str, title: str, summary_md: str, url: str | None) -> str:
    """One item as inlined HTML."""
    html = letters.template(
        "digest/item.html",
        locale,
        title=title,
        url=url,
        html=Markup(markdown.to_html(summary_md)),  # noqa: S704  # cleaned
    )
    return letters.inline_fragment(html)


def text_fragment(letters: Letters, locale: str, title: str, summary_md: str, url: str | None) -> str:
    """One item as text."""
    body = markdown.to_text(summary_md)
    text = letters.template("digest/item.txt", locale, title=markdown.wrap(title), url=url, text=body)
    return text.strip()


def compose_text(letters: Letters, locale: str, edition: Edition, sections: Sequence[Section]) -> tuple[str, ...]:
    """The text form of one variant, as pieces around its slots."""
    contents = "\n\n\n".join(
        letters.template(
            "digest/topic.txt",
            locale,
            name=section.name,
            slug=section.slug,
            more=section.more,
            archive=section.archive,
            items="\n\n\n".join(section.fragments),
            slots=_MARKERS,
        ).strip()
        for section in sections
    )
    shell = letters.template(
        "digest/body.txt",
        locale,
        subject=edition.subject,
        dated=edition.dated,
        intro=_OPEN + "intro" + _CLOSE if edition.intro_md else "",
        rhythm=edition.rhythm,
        contents=_OPEN + "contents" + _CLOSE,
        slots=_MARKERS,
    )
    # What staff wrote is wrapped already; wrapped again, a line of code would lose its shape.
    whole = {"intro": markdown.to_text(edition.intro_md), "contents": contents}
    text = markdown.wrap(shell)
    for name, value in whole.items():
        text = text.replace(_OPEN + name + _CLOSE, value)
    return _split(text.strip() + "\n")


def compose_html(letters: Letters, locale: str, edition: Edition, sections: Sequence[Section]) -> tuple[str, ...]:
    """The HTML form of one variant. The shell is inlined with its marker, the fragments were inlined before."""
    shell = letters.inline(
        letters.template(
            "digest/body.html",
            locale,
            subject=edition.subject,
            dated=edition.dated,
            intro=Markup(markdown.to_html(edition.intro_md, heading="h2")),  # noqa: S704  # cleaned
            rhythm=edition.rhythm,
            contents=_OPEN + "contents" + _CLOSE,
            slots=_MARKERS,
        )
    )
    contents = "\n".join(
        letters.inline_fragment(
            letters.template(
                "digest/topic.html",
                locale,
                name=section.name,
                slug=section.slug,
                more=section.more,
                archive=section.archive,
                items=_OPEN + "items" + _CLOSE,
                slots=_MARKERS,
            )
        ).replace(_OPEN + "items" + _CLOSE, "\n".join(section.fragments))
        for section in sections
    )
    return _split(shell.replace(_OPEN + "contents" + _CLOSE, contents))


def has_marker(text: str) -> bool:
    """Whether a text holds one of the characters that mark slots."""
    return _OPEN in text or _CLOSE in text


def _split(text: str) -> tuple[str, ...]:
    pieces = tuple(_SLOT.split(text))
    unknown = set(pieces[1::2]) - {field.name for field in fields(Slots)}
    if unknown or any(has_marker(piece) for piece in pieces):
        raise ValueError("a slot of the digest was damaged while it was made")
    return pieces


def _join(pieces: tuple[str, ...], slots: dict[str, str]) -> str:
    return "".join(slots[piece] if index % 2 else piece for index, piece in enumerate(pieces))
