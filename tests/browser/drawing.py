"""Pages as they went over the wire, and a browser that draws them without a server."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, ViewportSize
from werkzeug.test import TestResponse

from tests.house import House
from tests.web.gallery import every_page

FILES = ("/static/coalition.css", "/theme.css", "/mark.svg")
PHONE: ViewportSize = {"width": 320, "height": 640}
DESK: ViewportSize = {"width": 1200, "height": 800}


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


def drawn(page: Page, gallery: Gallery) -> Iterator[str]:
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


def _shown(name: str, answer: TestResponse) -> Shown:
    return Shown(name, answer.status_code, dict(answer.headers), answer.get_data())
