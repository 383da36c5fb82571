"""Every letter, opened from a file as a mail program would show it: nothing is unreadable.

One language that is read from the left and one from the right; the long digest holds whatever staff can write.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.mail.desk import WITH_HTML, Desk, part
from tests.mail.words import Words

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("code", ["en", "ar"])]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a letter of each kind in each language as a file."""
    folder = tmp_path_factory.mktemp("letters")
    desk = Desk(folder / "home")
    for code in ("en", "ar"):
        for kind in WITH_HTML:
            path = folder / f"{code}-{kind}.html"
            path.write_text(part(desk.write(kind, Words(locale=code)), "html"), "utf-8")
    desk.close()
    return folder


@pytest.fixture
def letters(written: Path, code: str) -> list[Path]:
    """The letters in one language."""
    return sorted(written.glob(f"{code}-*.html"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_letter_breaks_a_rule_of_accessibility(letters: list[Path], new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme)

    found = [each for path in letters for each in violations(_opened(page, path))]

    # A letter is no page of a site, so it has no landmarks.
    assert [each for each in found if not each.startswith(("region ", "landmark-one-main "))] == []
    assert len(letters) == len(WITH_HTML)


def test_every_letter_fits_a_phone_and_its_buttons_a_thumb(letters: list[Path], new_page: NewPage) -> None:
    page = new_page(viewport={"width": 320, "height": 640})

    for path in letters:
        _opened(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        for button in page.locator("a.button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44


def test_the_contents_list_leads_to_each_topic(letters: list[Path], new_page: NewPage) -> None:
    page = new_page(viewport={"width": 320, "height": 300})
    [long] = [path for path in letters if path.stem.endswith("digest_long")]

    for number in range(4):
        link = _opened(page, long).locator("a[href^='#']").nth(number)
        link.click()

        heading = page.locator(f"[id='{page.url.partition('#')[2]}']")
        assert heading.inner_text() in link.inner_text()
        assert page.evaluate("element => element.getBoundingClientRect().top < innerHeight", heading.element_handle())


def test_our_words_and_those_of_staff_begin_at_their_own_sides(
    letters: list[Path], new_page: NewPage, code: str
) -> None:
    page = new_page(viewport={"width": 800, "height": 640})
    [long] = [path for path in letters if path.stem.endswith("digest_long")]
    _opened(page, long)

    ours, theirs = page.locator("p.note").first, page.locator("h3").first

    sheet = page.locator(".inner").bounding_box()
    assert sheet is not None
    assert _begins(page, theirs) == pytest.approx(sheet["x"] + 40, abs=2)
    expected = sheet["x"] + sheet["width"] - 40 if code == "ar" else sheet["x"] + 40
    assert _begins(page, ours, from_the_right=code == "ar") == pytest.approx(expected, abs=2)


# The element itself is as wide as the sheet; its words are not.
_FIRST_LINE = """element => {
    const words = document.createRange();
    words.selectNodeContents(element);
    return words.getClientRects()[0];
}"""


def _begins(page: Page, element: Locator, *, from_the_right: bool = False) -> float:
    """Where the first line of an element begins, in pixels from the left of the page."""
    line = page.evaluate(_FIRST_LINE, element.element_handle())
    return float(line["right" if from_the_right else "left"])


def _opened(page: Page, path: Path) -> Page:
    page.goto(path.as_uri())
    return page
