"""Signing up on a page of another web site: a plain form, and a frame where the site is allowed to show one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage
from tests.browser.serving import Served
from tests.browser.site import Site

pytestmark = pytest.mark.browser

Serve = Callable[..., str]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_plain_form_works_on_any_site_and_asks_for_one_more_press(
    site: Site, partner: Serve, new_page: NewPage, scripts: bool
) -> None:
    page = new_page(java_script_enabled=scripts)

    page.goto(partner(site.snippet("main")))
    page.get_by_role("checkbox", name="Housing").check()
    page.get_by_role("textbox", name="Your e-mail address").fill("ada@example.org")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One more press")
    expect(page.get_by_text("ada@example.org")).to_be_visible()
    page.get_by_role("button", name="Sign up").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mailbox")
    site.house.drain()
    page.goto(site.mailbox)
    expect(page.get_by_role("link", name="Please confirm")).to_be_visible()


def test_the_frame_works_on_a_site_that_the_form_allows(site: Site, partner: Serve, new_page: NewPage) -> None:
    with Served("localhost") as server:
        site.add_form("partner", origins=[server.origin])
        page = new_page(viewport={"width": 400, "height": 1200})

        page.goto(partner(site.snippet("partner", "--frame"), server))
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Sign up").click()
        expect(frame.get_by_role("alert")).to_contain_text("Choose at least one topic")
        frame.get_by_role("checkbox", name="Tools").check()
        frame.get_by_role("textbox", name="Your e-mail address").fill("ada@example.org")
        frame.get_by_role("button", name="Sign up").click()

        expect(frame.get_by_role("heading", level=1)).to_have_text("Look in your mailbox")
        assert page.url == f"{server.origin}/"
        assert page.context.cookies() == []


def test_a_fresh_frame_is_as_high_as_its_form(site: Site, partner: Serve, new_page: NewPage) -> None:
    with Served("localhost") as server:
        site.add_form("one", origins=[server.origin], topics=("housing",))
        site.add_form("all", origins=[server.origin], topics=("housing", "events", "tools"))
        page = new_page(viewport={"width": 336, "height": 640})  # 320 inside the margins of an unstyled page

        page.goto(partner(site.snippet("one", "--frame") + site.snippet("all", "--frame"), server))
        page.locator("iframe").last.scroll_into_view_if_needed()
        expect(page.frame_locator("iframe").last.get_by_role("button")).to_be_visible()

        for frame in page.frames[1:]:
            frame.wait_for_load_state()
            high, room = frame.evaluate("[document.documentElement.scrollHeight, innerHeight]")
            assert high <= room


def test_a_site_that_the_form_does_not_allow_sees_an_empty_frame(site: Site, partner: Serve, new_page: NewPage) -> None:
    page = new_page()
    site.add_form("partner", origins=["https://partner.example.org"])

    with page.expect_event("console", lambda message: "frame-ancestors" in message.text):
        page.goto(partner(site.snippet("partner", "--frame")))

    expect(page.frame_locator("iframe").locator("form")).to_have_count(0)
