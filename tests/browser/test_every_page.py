"""Every page that Coalition can show, as a real browser draws it: light and dark, on a phone and on a desk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, ViewportSize
from werkzeug.test import TestResponse

from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.house import House, Template
from tests.themes import dress
from tests.web.gallery import every_page

pytestmark = pytest.mark.browser

FILES = ("/static/coalition.css", "/theme.css", "/mark.svg")
PHONE: ViewportSize = {"width": 320, "height": 640}
DESK: ViewportSize = {"width": 1200, "height": 800}

Scheme = Literal["light", "dark"]
# One page of each kind of thing that has a colour.
IN_ANOTHER_THEME = {"/", "/embed/main", "errors", "press", "confirm", "confirmed", "preferences", "data", "left", "404"}

LOOKS: list[tuple[Scheme, ViewportSize]] = [("light", PHONE), ("dark", PHONE), ("dark", DESK), ("light", DESK)]


@dataclass(frozen=True)
class Shown:
    """A page as it went over the wire."""

    name: str
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Gallery:
    """Pages, and the files that they ask for, by path."""

    pages: list[Shown]
    files: dict[str, Shown]

    @classmethod
    def of(cls, house: House) -> "Gallery":
        """All that a house shows."""
        pages = [
            _shown(name, answer)
            for name, answer in every_page(house)
            if answer.mimetype == "text/html" and answer.location is None
        ]
        return cls(pages, {path: _shown(path, house.browser.get(path, buffered=True)) for path in FILES})


@pytest.fixture(scope="module")
def gallery(sqlite_house: Template, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    home = tmp_path_factory.mktemp("gallery") / "home"
    house = House.move_in(home, sqlite_house, sqlite_house.copy_sqlite(home))
    try:
        return Gallery.of(house)
    finally:
        house.close()


def test_broken_rules_are_found(new_page: NewPage) -> None:
    page = new_page()
    page.set_content("<html lang='en'><title>x</title><main><h1>x</h1><p style='color: #999'>Pale.</p><input></main>")

    assert {found.split()[0] for found in violations(page)} == {"color-contrast", "label"}
    assert {found.split()[0] for found in violations(page, look_only=True)} == {"color-contrast"}


def test_no_page_breaks_a_rule_of_accessibility(gallery: Gallery, new_page: NewPage) -> None:
    page = new_page(color_scheme="light", viewport=DESK)
    broken = {}

    for name in _drawn(page, gallery):
        broken[name] = violations(page)
        for scheme, size in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            broken[f"{name}, {scheme}, {size['width']}"] = violations(page, look_only=True)

    assert {name: found for name, found in broken.items() if found} == {}


def test_pages_in_another_theme_can_be_read_in_both_schemes(plain_house: House, new_page: NewPage) -> None:
    page = new_page(viewport=DESK)
    every = Gallery.of(dress(plain_house))
    some = [shown for shown in every.pages if shown.name in IN_ANOTHER_THEME or shown.name.startswith("/archive/")]
    broken = {}

    for name in _drawn(page, Gallery(some, every.files)):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            broken[f"{name}, {scheme}"] = violations(page, look_only=True)

    assert len(broken) == 2 * (len(IN_ANOTHER_THEME) + 1)
    assert {name: found for name, found in broken.items() if found} == {}


def test_no_page_scrolls_sideways_on_a_phone(gallery: Gallery, new_page: NewPage) -> None:
    page = new_page(viewport=PHONE)

    wide = {name: page.evaluate("document.documentElement.scrollWidth") for name in _drawn(page, gallery)}

    assert {name: width for name, width in wide.items() if width > 320} == {}


def test_no_page_asks_for_anything_that_its_own_policy_forbids(gallery: Gallery, new_page: NewPage) -> None:
    page = new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "status of" not in message.text else None)

    names = list(_drawn(page, gallery))

    assert len(names) > 40
    assert complaints == []


def _shown(name: str, answer: TestResponse) -> Shown:
    return Shown(name, answer.status_code, dict(answer.headers), answer.get_data())


def _drawn(page: Page, gallery: Gallery) -> Iterator[str]:
    """Open each page with the headers it came with, and say its name."""
    now: list[Shown] = []

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/gallery":
            route.fulfill(status=now[-1].status, headers=now[-1].headers, body=now[-1].body)
        elif path in gallery.files and route.request.url.startswith("http://localhost/"):
            file = gallery.files[path]
            route.fulfill(status=file.status, headers=file.headers, body=file.body)
        else:
            raise AssertionError(f"a page asks for {route.request.url}")

    page.context.route("**/*", answer)
    for shown in gallery.pages:
        now.append(shown)
        page.goto("http://localhost/gallery")
        yield shown.name
