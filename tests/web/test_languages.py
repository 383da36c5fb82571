"""Every page in every language: it says which, runs in its direction, and leaves no sentence of ours in English."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from coalition import languages
from coalition.languages import OWN_NAMES, language
from coalition.paths import TRANSLATIONS
from tests.house import House, Template
from tests.web.gallery import every_page
from tests.web.reading import faults_of, parse, words
from tests.web.speaking import bracket, in_language, strays


@pytest.fixture
def house(sqlite_house: Template, tmp_path: Path) -> Iterator[House]:
    """On SQLite alone: what a page says does not depend on the database."""
    made = House.move_in(tmp_path / "home", sqlite_house, sqlite_house.copy_sqlite(tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def bracketed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A language whose catalogue puts brackets around each text."""
    bracket(tmp_path / "translations", "ar")
    monkeypatch.setattr(languages, "TRANSLATIONS", tmp_path / "translations")
    language.cache_clear()
    yield "ar"
    language.cache_clear()


def test_no_sentence_of_ours_stays_in_english(house: House, bracketed: str) -> None:
    speaking = in_language(house, bracketed)

    pages = {name: page for name, page in every_page(speaking) if page.mimetype == "text/html" and not page.location}
    del pages["/privacy?version=1"]  # shown in the words of then, as they were stored

    assert {name: found for name, page in pages.items() if (found := strays(speaking, page))} == {}
    assert len(pages) > 60


@pytest.mark.parametrize("code", OWN_NAMES)
def test_every_page_says_which_language_it_speaks_and_keeps_the_rules(house: House, code: str) -> None:
    speaking = in_language(house, code)
    seen = set()

    for name, page in every_page(speaking):
        assert faults_of(page) == [], name
        if page.mimetype == "text/html" and not page.location:
            root = parse(page)
            direction = "rtl" if code == "ar" else "ltr"
            assert (root.get("lang"), root.get("dir")) == (code, direction), name
            assert page.headers["Content-Language"] == code, name
            seen |= {words(each) for each in root.iter("h1")}
    assert len(seen) > 20


@pytest.mark.parametrize("code", sorted(set(OWN_NAMES) - {"en"}))
def test_a_translation_holds_no_mark_that_could_end_an_attribute_or_begin_a_tag(code: str) -> None:
    with (TRANSLATIONS / code / "LC_MESSAGES" / "coalition.po").open("rb") as texts:
        catalogue = read_po(texts, locale=code)
    for message in catalogue:
        for form in [message.string] if isinstance(message.string, str) else message.string or ():
            bare = re.sub(r"<[^<>]*>|&[a-z]+;", "", form) if message.id else ""
            assert not set('"<>&') & set(bare), form


# Traces of a hurried hand: a typewriter's apostrophe, a French colon that could begin a line, another word for our
# letters than everywhere else (one on paper may keep it), and familiarity with readers who are addressed politely.
_SLIPS = {
    "cy": r"\w'\w|lythyr(?!\?)",
    "fr": r"\w'\w| [;:!?»]|« |[Ll]ettres?\b(?! spéciales)",
    "de": r"\w'\w|Briefe|\b[Dd](?:u|ich|ir|ein\w*)\b",
    "es": r"\b(?:tú|tus?|te|ti|puedes|quieres)\b|[Cc]artas",
    "ar": r"(?:عنوان|عن|إلي|بيانات|رسائل|اختيارات|يمكن|تصل)ك\b",
}


@pytest.mark.parametrize("code", _SLIPS)
def test_a_catalogue_speaks_with_one_voice(code: str) -> None:
    with (TRANSLATIONS / code / "LC_MESSAGES" / "coalition.po").open("rb") as texts:
        catalogue = read_po(texts, locale=code)
    found = {
        form
        for message in catalogue
        for form in ([message.string] if isinstance(message.string, str) else message.string or ())
        if message.id and re.search(_SLIPS[code], re.sub(r"<[^<>]*>", "", form))
    }
    assert found == set()
