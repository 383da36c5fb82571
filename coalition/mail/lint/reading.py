"""Staff's Markdown as the lint sees it: lines of prose without code, links as they were written, images, headings."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from markdown_it import MarkdownIt
from markdown_it.token import Token

from coalition.mail.lint.findings import Place, short

_BARE = re.compile(r"https?://[^\s<>]+", re.IGNORECASE)


@dataclass(frozen=True)
class ItemSource:
    """An item as staff wrote it; the fields are those of the item's row."""

    position: int
    title: str
    summary_md: str
    url: str | None = None


@dataclass(frozen=True)
class Line:
    """One line of prose."""

    place: Place
    text: str


@dataclass(frozen=True)
class Link:
    """A link: where it stands, what it is called and where it leads, both as written."""

    place: Place
    text: str
    url: str


@dataclass(frozen=True)
class Image:
    """An image."""

    place: Place
    alt: str
    url: str


@dataclass
class Reading:
    """What one text holds."""

    lines: list[Line] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    bare: list[tuple[Place, str]] = field(default_factory=list)  # addresses of pages that are no links
    hollow: list[Line] = field(default_factory=list)  # headings with nothing under them
    is_empty: bool = True


@dataclass(frozen=True)
class Written:
    """All that staff wrote for one issue."""

    subject: Line
    intro: Reading
    items: Sequence[tuple[ItemSource, Place, Reading]]
    own_host: str
    year: int

    @classmethod
    def read(cls, subject: str, intro_md: str, items: Sequence[ItemSource], own_host: str, year: int) -> "Written":
        """Read everything once, for all rules."""
        places = [
            Place(part, 0, f"item {item.position} “{short(item.title, 40)}”") for part, item in enumerate(items, 2)
        ]
        return cls(
            subject=Line(Place(0, 0, "subject"), subject),
            intro=read(Place(1, 0, "intro"), intro_md),
            items=[(item, place, read(place, item.summary_md)) for item, place in zip(items, places, strict=True)],
            own_host=own_host,
            year=year,
        )

    @property
    def readings(self) -> list[Reading]:
        """Every text, in order."""
        return [self.intro, *(reading for _, _, reading in self.items)]

    def lines(self) -> Iterator[Line]:
        """Every line of prose: the subject, the intro, titles and texts."""
        yield self.subject
        yield from self.intro.lines
        for item, place, reading in self.items:
            yield Line(place, item.title)
            yield from reading.lines

    def links(self) -> list[Link]:
        """Every link, in order; an item's title is a link where the item has an address."""
        titles = ([Link(place, item.title, item.url)] if item.url else [] for item, place, _ in self.items)
        texts = (reading.links for _, _, reading in self.items)
        return list(chain(self.intro.links, *(chain(*pair) for pair in zip(titles, texts, strict=True))))


class _AsWritten(MarkdownIt):
    """Sees every link, those too that the parser of letters leaves as text because mail may not lead there."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802  # the parser's own name
        return url

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True


_PARSER = _AsWritten("commonmark", {"html": False})
_PARSER.enable("strikethrough")


def read(place: Place, source: str) -> Reading:
    """Read one text that begins under a place."""
    reading = Reading()
    last: tuple[int, Line] | None = None  # the heading that nothing followed yet, with its level
    tokens = _PARSER.parse(source)
    for before, token in zip([None, *tokens], tokens, strict=False):
        here = place.down(token.map[0] + 1 if token.map else 1)
        if before is not None and before.type == "heading_open":
            level = int(before.tag[1])
            if last and last[0] >= level:
                reading.hollow.append(last[1])
            last = level, Line(here, token.content)
        elif _says_something(token):
            last, reading.is_empty = None, False
        if token.type == "inline":
            _read_inline(reading, token.children or [], here)
    if last:
        reading.hollow.append(last[1])
    return reading


def _says_something(token: Token) -> bool:
    children = token.children or []
    return token.type in {"fence", "code_block"} or any(
        child.type in {"text", "code_inline"} and child.content.strip() for child in children
    )


def _read_inline(reading: Reading, tokens: Sequence[Token], place: Place) -> None:
    words, label = "", ""
    opened: tuple[Place, str] | None = None
    for token in tokens:
        match token.type:
            case "softbreak" | "hardbreak":
                reading.lines.append(Line(place, words))
                words, label, place = "", label + " ", place.down()
            case "link_open":
                opened, label = (place, str(token.attrGet("href") or "")), ""
            case "link_close" if opened:
                reading.links.append(Link(opened[0], label, opened[1]))
                opened, words = None, words + ("" if "://" in label else label)
            case "image":
                reading.images.append(Image(place, token.content, str(token.attrGet("src") or "")))
                label += token.content
            case "text" if opened is None:
                words += token.content
                reading.bare += [(place, found) for found in _BARE.findall(token.content)]
            case "text" | "code_inline" if opened:
                label += token.content
            case "code_inline":
                words += " "
    reading.lines.append(Line(place, words))
