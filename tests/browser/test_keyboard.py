"""Everything can be reached and seen with a keyboard alone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.site import Site

pytestmark = pytest.mark.browser

_OUTLINE = "node => [getComputedStyle(node).outlineStyle, parseFloat(getComputedStyle(node).outlineWidth)]"


def test_a_reader_signs_up_by_keyboard_and_always_sees_where_they_are(site: Site, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{site.origin}/")

    stops = []
    for _ in range(8):
        page.keyboard.press("Tab")
        stops.append(_focused(page))
        style, width = page.locator(":focus").evaluate(_OUTLINE)
        assert style == "solid"
        assert width >= 2
        if page.locator(":focus").get_attribute("value") == "housing":
            page.keyboard.press("Space")
        if page.locator(":focus").get_attribute("id") == "email":
            page.keyboard.type("ada@example.org")
    page.keyboard.press("Enter")

    assert stops == [
        "Skip to the content",
        "Coalition of Collaborators",
        "topic-housing",
        "topic-events",
        "topic-tools",
        "email",
        "How we keep your data private",
        "Sign up",
    ]
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mailbox")


def test_the_first_stop_skips_to_the_content(site: Site, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{site.origin}/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert _focused(page) == "topic-housing"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_summary_of_errors_has_the_focus_and_leads_to_each_field(
    site: Site, new_page: NewPage, scripts: bool
) -> None:
    page = new_page(java_script_enabled=scripts)
    page.goto(f"{site.origin}/")

    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: Become part of"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Housing")).to_be_focused()
    page.get_by_role("link", name="Enter your e-mail address").click()

    field = page.get_by_role("textbox", name="Your e-mail address")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description("Enter your e-mail address")


def _focused(page: Page) -> str:
    """The id of what has the focus, or its text."""
    focused = page.locator(":focus")
    return focused.get_attribute("id") or (focused.text_content() or "").strip()
