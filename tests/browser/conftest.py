"""One Chromium for the whole folder, and a Coalition for it to visit."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from coalition.mailbox.server import Mailbox
from tests.browser.serving import Served, a_page
from tests.browser.site import Site
from tests.conftest import skip
from tests.house import House, Template

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium itself must be as quiet as the pages; the last two it needs as root in a container.
_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--no-sandbox",
]

NewPage = Callable[..., Page]


# For the folder and no longer: while it lives, its event loop counts as running, and other tests want their own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The system's own browser."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[NewPage]:
    """Make a page in a fresh profile. Options are those of a Playwright context."""
    with ExitStack() as opened:

        def make(**options: Any) -> Page:
            context: BrowserContext = chromium.new_context(**options)
            context.set_default_timeout(30_000)
            opened.callback(context.close)
            return context.new_page()

        yield make


@pytest.fixture
def plain_house(sqlite_house: Template, tmp_path: Path) -> Iterator[House]:
    """A house on SQLite: what a browser sees doesn't depend on the database."""
    made = House.move_in(tmp_path / "home", sqlite_house, sqlite_house.copy_sqlite(tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def site(sqlite_house: Template, tmp_path: Path) -> Iterator[Site]:
    """A Coalition under a real address, with a local mailbox."""
    with Served() as server, Mailbox(page_port=0, site_url=server.origin) as mailbox:
        house = House.move_in(tmp_path / "home", sqlite_house, sqlite_house.copy_sqlite(tmp_path / "home"))
        made = Site.open(house, server, mailbox)
        yield made
    made.house.close()


@pytest.fixture
def partner() -> Iterator[Callable[[str], str]]:
    """Serve some HTML as another web site's page: another origin, and to a browser another site too."""
    with ExitStack() as opened:

        def serve(html: str, server: Served | None = None) -> str:
            server = server or opened.enter_context(Served("localhost"))
            server.show(a_page(html))
            return server.origin

        yield serve
