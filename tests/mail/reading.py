"""Reads the HTML of letters as strictly as a parser can."""

import re
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element

import html5lib


@lru_cache(maxsize=1_000)
def tree(html: str) -> Element:
    """The letter as elements; an error of the parser is an error of the letter."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found = parser.parse(html)
    assert isinstance(found, Element)
    return found


def elements(html: str) -> Iterator[Element]:
    """All elements in reading order."""
    yield from (each for each in tree(html).iter() if isinstance(each.tag, str))


def hrefs(html: str) -> list[str]:
    """Where the links out of a letter lead, in order."""
    return [href for href in _every_href(html) if not href.startswith("#")]


def anchors(html: str) -> list[str]:
    """The ids that the links within a letter lead to, in order."""
    return [href.removeprefix("#") for href in _every_href(html) if href.startswith("#")]


def _every_href(html: str) -> list[str]:
    return [each.attrib["href"] for each in elements(html) if each.tag == "a"]


def words_of(html: str, *tags: str) -> list[str]:
    """The text of each element of these kinds, in order."""
    return [" ".join("".join(each.itertext()).split()) for each in elements(html) if each.tag in tags]


def declarations(css: str) -> dict[str, str]:
    """The declarations of one rule or style attribute."""
    pairs = (each.partition(":") for each in css.split(";") if each.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def rules(css: str) -> list[tuple[list[str], dict[str, str]]]:
    """Flat rules of a style sheet: selectors and declarations, in order."""
    return [
        ([each.strip() for each in selectors.split(",")], declarations(body))
        for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css)
    ]
