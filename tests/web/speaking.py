"""A house that speaks another language, and catalogues in which each of our texts can be seen."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from werkzeug.test import TestResponse

from coalition.languages import OWN_NAMES
from coalition.mail.letters import Letters
from coalition.paths import TRANSLATIONS
from coalition.services import forms
from tests.house import House
from tests.web.doors import community_with
from tests.web.reading import parse, words

_OPEN, _CLOSE = "⟦", "⟧"
_SAID = {"aria-label", "alt", "placeholder", "title"}


def in_language(house: House, code: str) -> House:
    """The same house, started again as the house of a community of this language; its form speaks all."""
    community = community_with(house, locale=code)
    config, letters = replace(house.config, community=community), Letters(community, house.resources.links)
    with house.database.transaction() as session:
        forms.edit(session, "main", wording="").locale = code
    return House(replace(house.resources, config=config, letters=letters), house.relay)


def speak_all(house: House) -> None:
    """Give the form our wording, which is there in every language."""
    with house.database.transaction() as session:
        forms.edit(session, "main", wording="")


def bracket(folder: Path, code: str) -> None:
    """Write catalogues in which every text of this language is the English one in brackets."""
    for each in set(OWN_NAMES) - {"en"}:
        place = folder / each / "LC_MESSAGES"
        place.mkdir(parents=True)
        with (TRANSLATIONS / each / "LC_MESSAGES" / "coalition.po").open("rb") as texts:
            catalogue = read_po(texts, locale=each)
        for message in catalogue if each == code else ():
            if message.id and message.pluralizable:
                message.string = tuple(f"{_OPEN}{message.id[1]}{_CLOSE}" for _ in range(catalogue.num_plurals))
            elif message.id:
                message.string = f"{_OPEN}{message.id}{_CLOSE}"
        with (place / "coalition.mo").open("wb") as compiled:
            write_mo(compiled, catalogue)


def strays(house: House, answer: TestResponse) -> list[str]:
    """The words of a page that come from no catalogue, though nothing marks them as somebody else's."""
    document = parse(answer)
    text = "".join(_ours(document))
    title = words(next(document.iter("title"))).removesuffix(house.config.community.name)
    for theirs in document.iter("bdi"):
        title = title.replace(words(theirs), "")
    said = [value for each in document.iter() for name, value in each.attrib.items() if name in _SAID]
    said = [value for value in said if value not in _titles_of_feeds(document)]
    found = [_outside(each) for each in (text, title, *said)]
    return [each for each in found if re.search(r"[^\W\d_]", each)]


def _ours(element: Element) -> Iterator[str]:
    """The text of a page without what is marked as somebody else's: by a direction, or as the name of a zone."""
    is_theirs = element.tag == "bdi" or ("dir" in element.attrib and element.tag != "html")
    if not is_theirs and element.tag != "title" and element.get("name") != "timezone":
        yield element.text or ""
        for child in element:
            yield from _ours(child)
    yield element.tail or ""


def _outside(text: str) -> str:
    """What stands outside of all brackets."""
    while (shorter := re.sub(f"{_OPEN}[^{_OPEN}{_CLOSE}]*{_CLOSE}", "", text)) != text:
        text = shorter
    return " ".join(text.split())


def _titles_of_feeds(document: Element) -> set[str]:
    return {each.get("title", "") for each in document.iter("link")}
