"""The HTML of letters: valid, accessible, small, and alone in the world. Standards H1-H3, H5-H7, H9, H11, H12."""

import re
from itertools import pairwise

import pytest

from coalition.mail.lint import lint_page
from tests.mail.desk import WITH_HTML, Desk, part
from tests.mail.reading import anchors, declarations, elements, hrefs, tree, words_of
from tests.mail.words import EVERY, SPOKEN, Words

every_letter = pytest.mark.parametrize(
    ("kind", "words"), [(kind, words) for kind in WITH_HTML for words in EVERY], ids=lambda value: str(value)
)


@every_letter
def test_the_html_is_valid_and_says_its_language(kind: str, words: str, desk: Desk) -> None:
    html = part(desk.write(kind, EVERY[words]), "html")

    page = tree(html)  # strict: it raises at any fault
    assert html.lower().startswith("<!doctype html>")
    expected = (EVERY[words].locale, "rtl" if EVERY[words].locale == "ar" else "ltr")
    assert (page.attrib["lang"], page.attrib["dir"]) == expected
    [title] = words_of(html, "title")
    assert title
    outermost = next(each for each in elements(html) if each.tag == "div")
    assert (outermost.attrib["lang"], outermost.attrib["dir"]) == expected


@every_letter
def test_nothing_is_loaded_and_nothing_lives(kind: str, words: str, desk: Desk) -> None:
    html = part(desk.write(kind, EVERY[words]), "html")

    assert lint_page(html, kind, None) == []


@every_letter
def test_links_lead_only_to_the_web_or_a_mailbox(kind: str, words: str, desk: Desk) -> None:
    for url in hrefs(part(desk.write(kind, EVERY[words]), "html")):
        assert re.match(r"(https?://[^/]|mailto:)", url)


@every_letter
def test_a_link_within_the_letter_leads_to_a_heading_and_no_id_stands_twice(kind: str, words: str, desk: Desk) -> None:
    html = part(desk.write(kind, EVERY[words]), "html")

    ids = [each.attrib["id"] for each in elements(html) if "id" in each.attrib]
    assert len(set(ids)) == len(ids)
    assert anchors(html) == (ids if kind == "digest_long" else [])
    assert {each.tag for each in elements(html) if "id" in each.attrib} <= {"h2"}


@every_letter
def test_headings_begin_with_one_h1_and_skip_no_level(kind: str, words: str, desk: Desk) -> None:
    levels = [int(each.tag[1]) for each in elements(part(desk.write(kind, EVERY[words]), "html")) if _heading(each.tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@every_letter
def test_tables_only_lay_out_and_words_are_not_hidden(kind: str, words: str, desk: Desk) -> None:
    html = part(desk.write(kind, EVERY[words]), "html")

    for each in elements(html):
        style = declarations(each.attrib.get("style", ""))
        assert each.tag != "table" or each.attrib["role"] == "presentation"
        assert each.tag != "th"
        assert style.get("display") != "none"
        assert style.get("visibility") != "hidden"
        assert float(style.get("font-size", "16px").removesuffix("px")) >= 16
        assert "hidden" not in each.attrib
        assert "aria-hidden" not in each.attrib


@pytest.mark.parametrize("words", ["plain", *SPOKEN])
@pytest.mark.parametrize("kind", WITH_HTML)
def test_links_are_underlined_and_say_where_they_lead(kind: str, words: str, desk: Desk) -> None:
    html = part(desk.write(kind, EVERY[words]), "html")

    links = [each for each in elements(html) if each.tag == "a"]
    said: dict[str, str] = {}
    for each in links:
        name = " ".join("".join(each.itertext()).split())
        assert len(name) > 3
        assert name.casefold() not in {"click here", "here", "more", "read more", "link"}
        if each.attrib.get("class") != "button":  # which looks like one
            assert declarations(each.attrib["style"])["text-decoration"] == "underline"
        assert said.setdefault(name, each.attrib["href"]) == each.attrib["href"], "one name for two places"


@pytest.mark.parametrize("kind", WITH_HTML)
def test_the_style_sheet_is_in_the_elements_and_the_rest_is_small(kind: str, desk: Desk) -> None:
    html = part(desk.write(kind), "html")

    [style] = words_of(html, "style")
    assert len(style) <= 8000
    assert "prefers-color-scheme: dark" in style
    schemes = {each.attrib["name"]: each.attrib["content"] for each in elements(html) if "name" in each.attrib}
    assert schemes["color-scheme"] == schemes["supported-color-schemes"] == "light dark"
    for each in elements(html):
        if each.tag in {"h1", "h2", "h3", "p", "a", "body"}:
            assert each.attrib.get("style"), each.tag


def test_long_words_may_break_on_a_small_screen(desk: Desk) -> None:
    html = part(desk.write("digest"), "html")

    cells = [each for each in elements(html) if each.attrib.get("class") in {"inner", "foot"}]
    assert [declarations(each.attrib["style"])["overflow-wrap"] for each in cells] == ["anywhere"] * 2
    widths = [declarations(each.attrib.get("style", "")).get("width") for each in elements(html)]
    assert {width for width in widths if width} == {"100%"}


def test_a_digest_of_thirty_items_is_not_clipped(desk: Desk) -> None:
    text = "Rents fell in every part of the town, and nobody knows why. " * 12 + "[More](https://www.example.org/m)\n"
    news = [Words(title=f"Item {number}", text=text, url=f"https://www.example.org/{number}") for number in range(30)]

    envelope = desk.digest_of(news)

    html = part(envelope, "html")
    assert len(words_of(html, "h3")) == 30
    assert len(html.encode()) <= 90_000
    assert len(envelope.message) <= 200_000


@pytest.mark.parametrize("words", EVERY)
def test_what_people_wrote_is_shown_as_they_wrote_it(words: str, desk: Desk) -> None:
    wrote = EVERY[words]

    html = part(desk.write("digest", wrote), "html")

    assert " ".join(wrote.title.split()) in words_of(html, "h3")
    assert " ".join(wrote.topic.split()) in words_of(html, "h2")
    assert words_of(html, "h1") == [" ".join(wrote.subject.split())]


def _heading(tag: str) -> bool:
    return re.fullmatch("h[1-6]", tag) is not None
