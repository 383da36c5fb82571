"""Pages in other languages as a real browser draws them: from right to left, and with longer words than English has."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from coalition.languages import OWN_NAMES, language
from coalition.services import wordings
from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.browser.drawing import DESK, PHONE, Gallery, drawn
from tests.browser.site import Site
from tests.house import House, Template
from tests.web.speaking import in_language, speak_all

pytestmark = pytest.mark.browser

_WIDTH = "document.documentElement.scrollWidth"
# In a page that runs from right to left, what is wider than the page hangs out on the left.
_HANGING = """() => [...document.body.querySelectorAll("*")]
    .filter(each => !each.closest(".trap, .skip") && each.getClientRects().length)
    .filter(each => { const box = each.getBoundingClientRect(); return box.left < -1 || box.right > innerWidth + 1; })
    .map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def arabic(sqlite_house: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """Every page in Arabic."""
    home = tmp_path_factory.mktemp("arabic") / "home"
    house = House.move_in(home, sqlite_house, sqlite_house.copy_sqlite(home))
    try:
        yield Gallery.of(in_language(house, "ar"))
    finally:
        house.close()


def test_no_page_in_arabic_breaks_a_rule_of_accessibility(arabic: Gallery, new_page: NewPage) -> None:
    page = new_page(viewport=DESK)
    broken = {}

    for name in drawn(page, arabic):
        broken[name] = violations(page)

    assert {name: found for name, found in broken.items() if found} == {}
    assert len(broken) > 40


def test_no_page_in_arabic_is_wider_than_a_phone_or_a_desk(arabic: Gallery, new_page: NewPage) -> None:
    page = new_page(viewport=PHONE)
    wide = {}

    for name in drawn(page, arabic):
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            hanging = page.evaluate(_HANGING)
            if hanging or page.evaluate(_WIDTH) > size["width"]:
                wide[f"{name}, {size['width']}"] = hanging

    assert wide == {}


@pytest.mark.parametrize("code", sorted(set(OWN_NAMES) - {"en", "ar"}))
def test_no_page_with_longer_words_is_wider_than_a_phone(plain_house: House, new_page: NewPage, code: str) -> None:
    page = new_page(viewport=PHONE)
    every = Gallery.of(in_language(plain_house, code))

    wide = {name: page.evaluate(_WIDTH) for name in drawn(page, every)}

    assert {name: width for name, width in wide.items() if width > PHONE["width"]} == {}


def test_a_reader_from_right_to_left_skips_signs_up_and_switches(site: Site, new_page: NewPage) -> None:
    speak_all(site.house)
    page, said = new_page(viewport=DESK, locale="ar"), language("ar").gettext
    page.goto(f"{site.origin}/")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name=said("Skip to the content"))
    expect(skip).to_be_in_viewport()
    assert (_side(page, ".skip"), _side(page, ".mark")) == ("right", "right")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator("#email").fill("ada@example.org")
    assert page.locator("#email").evaluate("each => getComputedStyle(each).direction") == "ltr"
    expect(page.locator(".consent")).to_contain_text(said(wordings.OURS))
    page.get_by_role("button", name=said("Sign up")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(said("Look in your mailbox"))

    page.goto(f"{site.origin}/privacy")
    page.get_by_role("link", name="Cymraeg").click()
    expect(page.locator("html")).to_have_attribute("lang", "cy")
    page.get_by_role("banner").get_by_role("link").click()
    expect(page.locator("html")).to_have_attribute("lang", "cy")
    assert (page.url, page.context.cookies()) == (f"{site.origin}/?lang=cy", [])


def _side(page: Page, selector: str) -> str:
    """The half of the page in which the beginning of an element lies."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return "left" if box["x"] < DESK["width"] - box["x"] - box["width"] else "right"
