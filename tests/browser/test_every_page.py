"""Every page that Coalition can show, as a real browser draws it: light and dark, on a phone and on a desk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, Route, ViewportSize

from coalition.paths import STATIC
from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.house import House, Template
from tests.web.gallery import every_page

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 320, "height": 640}
DESK: ViewportSize = {"width": 1200, "height": 800}

Scheme = Literal["light", "dark"]
LOOKS: list[tuple[Scheme, ViewportSize]] = [("light", PHONE), ("dark", PHONE), ("dark", DESK), ("light", DESK)]


@dataclass(frozen=True)
class Shown:
    """A page as it went over the wire."""

    name: str
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def gallery(sqlite_house: Template, tmp_path_factory: pytest.TempPathFactory) -> list[Shown]:
    home = tmp_path_factory.mktemp("gallery") / "home"
    house = House.move_in(home, sqlite_house, sqlite_house.copy_sqlite(home))
    try:
        return [
            Shown(name, answer.status_code, dict(answer.headers), answer.get_data())
            for name, answer in every_page(house)
            if answer.mimetype == "text/html" and answer.location is None
        ]
    finally:
        house.close()


def test_broken_rules_are_found(new_page: NewPage) -> None:
    page = new_page()
    page.set_content("<html lang='en'><title>x</title><main><h1>x</h1><p style='color: #999'>Pale.</p><input></main>")

    assert {found.split()[0] for found in violations(page)} == {"color-contrast", "label"}
    assert {found.split()[0] for found in violations(page, look_only=True)} == {"color-contrast"}


def test_no_page_breaks_a_rule_of_accessibility(gallery: list[Shown], new_page: NewPage) -> None:
    page = new_page(color_scheme="light", viewport=DESK)
    broken = {}

    for name in _drawn(page, gallery):
        broken[name] = violations(page)
        for scheme, size in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            broken[f"{name}, {scheme}, {size['width']}"] = violations(page, look_only=True)

    assert {name: found for name, found in broken.items() if found} == {}


def test_no_page_scrolls_sideways_on_a_phone(gallery: list[Shown], new_page: NewPage) -> None:
    page = new_page(viewport=PHONE)

    wide = {name: page.evaluate("document.documentElement.scrollWidth") for name in _drawn(page, gallery)}

    assert {name: width for name, width in wide.items() if width > 320} == {}


def test_no_page_asks_for_anything_that_its_own_policy_forbids(gallery: list[Shown], new_page: NewPage) -> None:
    page = new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "status of" not in message.text else None)

    names = list(_drawn(page, gallery))

    assert len(names) > 40
    assert complaints == []


def _drawn(page: Page, gallery: list[Shown]) -> Iterator[str]:
    """Open each page with the headers it came with, and say its name."""
    now: list[Shown] = []

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix("http://localhost")
        if path == "/gallery":
            route.fulfill(status=now[-1].status, headers=now[-1].headers, body=now[-1].body)
        elif path.startswith("/static/"):
            route.fulfill(path=Path(STATIC) / path.removeprefix("/static/"))
        else:
            raise AssertionError(f"a page asks for {route.request.url}")

    page.context.route("**/*", answer)
    for shown in gallery:
        now.append(shown)
        page.goto("http://localhost/gallery")
        yield shown.name
