"""The HTML of a letter as the lint sees it: its elements in order, its words, its style sheets, and what is hidden."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser

from coalition.mail.lint import styles

_EMPTY = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_WITHIN_LINES = frozenset(
    {"a", "b", "bdi", "bdo", "code", "del", "em", "i", "s", "small", "span", "strong", "sub", "sup", "u"}
)
_NO_PROSE = frozenset({"head", "style", "script", "title", "template"})

# What Outlook alone reads: HTML within a comment.
_CONDITION = re.compile(r"\[if[^\]]*\]>(.*?)(?:<!\[endif\])?", re.DOTALL)


@dataclass(frozen=True)
class Element:
    """An opened tag with its attributes."""

    tag: str
    attributes: dict[str, str]

    @property
    def style(self) -> styles.Declarations:
        """Its own style."""
        return styles.declarations(self.attributes.get("style", ""))


@dataclass(frozen=True)
class _Open:
    tag: str
    colour: str | None
    ground: str | None


@dataclass
class Page:
    """What was found in one HTML part."""

    elements: list[Element] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)  # pieces of what a person reads, code apart
    code: list[str] = field(default_factory=list)
    title: str = ""
    sheets: str = ""
    pale: list[str] = field(default_factory=list)  # texts in the colour of their ground
    is_broken: bool = False

    @cached_property
    def words(self) -> str:
        """What a person reads, code apart."""
        return "".join(self.prose)

    @cached_property
    def hrefs(self) -> list[str]:
        """Where the links out of the letter lead, in order."""
        return [href for href in self._every_href if not href.startswith("#")]

    @cached_property
    def anchors(self) -> list[str]:
        """The ids that links within the letter lead to, in order."""
        return [href.removeprefix("#") for href in self._every_href if href.startswith("#")]

    @cached_property
    def ids(self) -> list[str]:
        """The ids of elements, in order."""
        return [each.attributes["id"] for each in self.elements if each.attributes.get("id")]

    @cached_property
    def _every_href(self) -> list[str]:
        return [
            each.attributes["href"]
            for each in self.elements
            if each.tag in {"a", "area"} and each.attributes.get("href")
        ]

    def tagged(self, *tags: str) -> list[Element]:
        """The elements of some kinds."""
        return [each for each in self.elements if each.tag in tags]


def read(html: str) -> Page:
    """Read a letter's HTML. What can't be read leaves a page that is broken; nothing is raised."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:  # how some versions of Python meet a mark like <![x[
        reader.page.is_broken = True
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._open: list[_Open] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.page.elements.append(element)
        self._end_line(tag)
        if tag not in _EMPTY:
            self._open.append(self._coloured(element))

    def handle_endtag(self, tag: str) -> None:
        self._end_line(tag)
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth].tag == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        tags = {each.tag for each in self._open}
        if "style" in tags:
            self.page.sheets += data
        elif "title" in tags:
            self.page.title += data
        elif tags.isdisjoint(_NO_PROSE):
            if tags & {"code", "pre"}:
                self.page.code.append(data)
            else:
                self.page.prose.append(data)
            top = self._open[-1] if self._open else None
            if top and top.colour and top.colour == top.ground and data.strip():
                self.page.pale.append(data)

    def handle_comment(self, data: str) -> None:
        found = _CONDITION.fullmatch(data)
        if found:
            within = read(found[1])
            self.page.elements += within.elements
            self.page.sheets += within.sheets

    def _end_line(self, tag: str) -> None:
        if tag not in _WITHIN_LINES:
            self.page.prose.append("\n")

    def _coloured(self, element: Element) -> _Open:
        around = self._open[-1] if self._open else _Open("", None, None)
        style = element.style
        ground = (
            style.get("background-color") or style.get("background") or element.attributes.get("bgcolor", "").lower()
        )
        return _Open(
            element.tag,
            styles.colour(style["color"]) if "color" in style else around.colour,
            styles.colour(ground) if ground else around.ground,
        )
