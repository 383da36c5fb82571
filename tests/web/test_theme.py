"""Pages wear the community's colours, mark and words; the browser may keep the colours until they change."""

import re
from xml.etree import ElementTree

import pytest
from werkzeug.test import TestResponse

from coalition.paths import STATIC
from coalition.services import forms
from tests.house import House, heading
from tests.themes import OURS, THEIRS, dress
from tests.web.gallery import open_confirm_link
from tests.web.reading import faults_of, parse, words

_PAGES = ("/", "/join/main", "/embed/main", "/join/main/sent", "/preferences", "/privacy", "/archive", "/nowhere")


def _colours(text: str) -> set[str]:
    return set(re.findall(r"#[0-9a-fA-F]{3,8}\b", text))


def _named(page: TestResponse, ending: str) -> str:
    """Where a page says that one of its files is."""
    [found] = [each.get("href", "") for each in parse(page).iter("link") if ending in each.get("href", "")]
    return found


def test_every_colour_of_the_style_sheet_is_one_of_the_theme(house: House) -> None:
    sheet, theme = house.browser.get("/static/coalition.css", buffered=True).text, house.browser.get("/theme.css").text

    defined = re.findall(r"^\s*--([a-z-]+):", f"{sheet}\n{theme}", re.MULTILINE)
    used = set(re.findall(r"var\(--([a-z-]+)\)", sheet))
    assert used == set(defined)
    assert _colours(sheet) == set()
    assert not re.search(r"(rgba?|hsla?)\(|: (white|black|red|gr[ae]y)\b", sheet)


def test_both_schemes_give_every_colour(house: House) -> None:
    light, dark = dress(house).browser.get("/theme.css").text.split("@media (prefers-color-scheme: dark)")

    assert re.findall("--[a-z-]+", light) == re.findall("--[a-z-]+", dark)
    assert "--on-accent: #fff7d6;" in light
    assert "--on-accent: #1a1400;" in dark


def test_another_theme_leaves_no_colour_of_the_samples_on_any_file(house: House) -> None:
    other = dress(house)

    for path in ("/theme.css", "/mark.svg", *_PAGES):
        assert not _colours(other.browser.get(path).text) & OURS, path
    assert _colours(other.browser.get("/theme.css").text) > THEIRS
    assert _colours(house.browser.get("/theme.css").text) > OURS


def test_a_file_of_the_theme_is_kept_for_good_under_the_address_that_pages_give(house: House) -> None:
    for ending in ("theme.css", "mark.svg"):
        url = _named(house.browser.get("/"), ending)
        other = dress(house).browser

        assert re.fullmatch(rf"/{ending}\?v=[0-9a-f]{{16}}", url)
        assert house.browser.get(url).headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert _named(other.get("/"), ending) != url
        for address in (url, f"/{ending}", f"/{ending}?v=", f"/{ending}?v=x"):
            assert other.get(address).headers["Cache-Control"] == "no-cache", "the present one under an old address"


@pytest.mark.parametrize(("path", "kind"), [("/theme.css", "text/css"), ("/mark.svg", "image/svg+xml")])
def test_a_file_of_the_theme_is_taken_for_nothing_else(house: House, path: str, kind: str) -> None:
    answer = house.browser.get(path)

    assert (answer.status_code, answer.mimetype) == (200, kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; ")
    assert "Set-Cookie" not in answer.headers
    assert house.browser.post(path).status_code == 405


def test_pages_in_another_theme_keep_every_rule(house: House) -> None:
    other = dress(house)

    assert {path: found for path in _PAGES if (found := faults_of(other.browser.get(path)))} == {}


def test_the_mark_stands_in_the_head_of_each_page_and_is_its_icon(house: House) -> None:
    own, built_in = dress(house), house

    for each, shape in ((own, "M1 9 5 1l4 8z"), (built_in, 'cx="16.5"')):
        page = each.browser.get("/")
        [masthead] = parse(page).iter("header")
        assert shape in ElementTree.tostring(masthead, "unicode")
        assert page.text.count('aria-hidden="true" focusable="false"') == 1
        icon = each.browser.get(_named(page, "mark.svg")).text
        assert shape in icon
        assert ElementTree.fromstring(icon).tag == "{http://www.w3.org/2000/svg}svg"
    assert "mark" not in re.sub("<link.*", "", own.browser.get("/embed/main").text)


def test_a_page_says_the_communitys_own_words_and_shows_no_markup_of_theirs(house: House) -> None:
    page = dress(house).browser.get("/")

    assert "Join &lt;us&gt; &amp; friends" in page.text
    assert words(parse(page)).count("News from your street, in a few lines.") == 1
    assert house.config.community.tagline not in page.text
    [foot] = parse(page).iter("footer")
    assert "A registered charity, no. 0000000" in words(foot)


def test_words_of_one_language_are_said_in_that_language_only(house: House) -> None:
    with house.database.transaction() as session:
        forms.edit(session, "main", wording="")  # ours, which speaks every language
    other = dress(house).browser

    assert heading(other.get("/?lang=cy")) == "Ymunwch â ni"
    assert "registered charity" not in other.get("/?lang=cy").text
    assert heading(other.get("/?lang=de")) == heading(house.browser.get("/?lang=de"))


def test_who_confirms_is_welcomed_in_the_communitys_words(house: House) -> None:
    other = dress(house)

    page = other.press(open_confirm_link(other), answer="yes")

    assert "See you on Tuesday at seven!" in page.text
    assert faults_of(page) == []


def test_the_style_sheet_in_the_package_is_the_one_that_is_served(house: House) -> None:
    assert house.browser.get("/static/coalition.css", buffered=True).text == (STATIC / "coalition.css").read_text(
        "utf-8"
    )
    assert not (STATIC / "mark.svg").exists()
