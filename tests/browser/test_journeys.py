"""The whole way of a reader in a real browser: in through the sign-up page and the local mailbox, out, and back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.browser.site import Site
from tests.browser.watching import Watch

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_reader_comes_in_chooses_leaves_and_comes_back(site: Site, new_page: NewPage, scripts: bool) -> None:
    page = new_page(java_script_enabled=scripts)

    _sign_up(page, site, "ada@example.org", "Housing", "Events")
    page = _open_letter(page, site, "Please confirm", "Open the page to confirm")
    expect(page.get_by_role("listitem")).to_have_text(["Housing All about housing.", "Events All about events."])
    page.get_by_role("button", name="Yes, subscribe me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in. Welcome!")

    page = _open_letter(page, site, "Welcome", "Your choices")
    page.get_by_role("checkbox", name="Events").uncheck()
    page.get_by_role("combobox", name="How often for Housing").select_option("Daily")
    page.get_by_role("radio", name="Plain text").check()
    page.get_by_role("button", name="Save my choices").click()
    expect(page.get_by_role("status")).to_have_text("Your choices are saved.")
    expect(page.get_by_role("checkbox", name="Events")).not_to_be_checked()
    expect(page.get_by_role("combobox", name="How often for Housing")).to_have_value("daily")

    page.get_by_role("button", name="Leave everything").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have left")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to have you back")


def test_a_journey_keeps_nothing_in_the_browser_and_asks_no_other_host(site: Site, new_page: NewPage) -> None:
    page = new_page()
    watch = Watch.over(page)

    _sign_up(page, site, "ada@example.org", "Housing")
    page = _open_letter(page, site, "Please confirm", "Open the page to confirm")
    page.get_by_role("button", name="Yes, subscribe me").click()
    page = _open_letter(page, site, "Welcome", "leave the list")
    page.get_by_role("button", name="Leave everything").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have left")

    assert watch.origins == {site.origin, site.mailbox.rstrip("/")}
    assert Watch(page).kept() == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_local_mailbox_breaks_no_rule_of_accessibility(site: Site, new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 320, "height": 640})
    page.goto(site.mailbox)
    empty = violations(page)

    _sign_up(page, site, "ada@example.org", "Housing")
    page.goto(site.mailbox)
    full = violations(page)
    page.get_by_role("link", name="Please confirm").click()
    read = violations(page)

    assert [empty, full, read] == [[], [], []]


def _sign_up(page: Page, site: Site, address: str, *topics: str) -> None:
    page.goto(f"{site.origin}/")
    for topic in topics:
        page.get_by_role("checkbox", name=topic).check()
    page.get_by_role("textbox", name="Your e-mail address").fill(address)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mailbox")
    site.house.drain()


def _open_letter(page: Page, site: Site, subject: str, link: str) -> Page:
    """Open the newest letter with this subject in the local mailbox, and one of its links in a new tab.

    A mail program hands the browser an address; so does this. A press inside the sandboxed frame would do the same,
    but Chromium loses one now and then while the frame is still being put on the screen.
    """
    site.house.drain()
    page.goto(site.mailbox)
    page.get_by_role("link", name=subject).first.click()
    anchor = page.frame_locator("iframe").get_by_role("link", name=link)
    address = anchor.get_attribute("href")
    assert address is not None
    opened = page.context.new_page()
    opened.goto(address)
    return opened
