"""No request leaves our origin, no letter asks for anything, and no page keeps anything in the browser."""

from collections.abc import Callable
from pathlib import Path

import pytest

from coalition.languages import OWN_NAMES
from coalition.paths import TEMPLATES
from tests.browser.conftest import NewPage
from tests.browser.drawing import Gallery, drawn
from tests.browser.site import Site
from tests.browser.watching import Watch
from tests.house import House
from tests.mail.desk import WITH_HTML, Desk, part
from tests.mail.words import Words

pytestmark = pytest.mark.browser

_PUBLIC = (
    *("/", "/join/main", "/embed/main", "/join/main/sent", "/preferences", "/archive", "/nowhere"),
    *("/privacy", "/privacy?version=1", "/privacy/proof", "/privacy/grievance", "/privacy/grievance?done=sent"),
)

_KEEPING = """<script>
document.cookie = "a=b";
localStorage.setItem("a", "b");
sessionStorage.setItem("a", "b");
Promise.all([
    new Promise(done => { indexedDB.open("a").onsuccess = done; }),
    caches.open("a"),
    navigator.storage.getDirectory().then(folder => folder.getFileHandle("a", {create: true})),
]).then(() => { document.body.append("Kept."); });
</script>"""


def test_whoever_loads_or_keeps_something_is_seen(partner: Callable[[str], str], new_page: NewPage) -> None:
    elsewhere = partner("")
    page = new_page()
    watch = Watch.over(page)

    origin = partner(f"<img src='{elsewhere}/x.png' alt=''>{_KEEPING}")
    page.goto(origin)
    page.get_by_text("Kept.").wait_for()

    assert watch.origins == {origin, elsewhere}
    assert set(watch.kept()) == {"cookies", "localStorage", "sessionStorage", "indexedDB", "caches", "files"}


def test_no_public_page_asks_anybody_else_or_keeps_anything(site: Site, new_page: NewPage) -> None:
    kept = {}
    for path in _PUBLIC:
        page = new_page()
        watch = Watch.over(page)
        page.goto(f"{site.origin}{path}", wait_until="networkidle")
        assert watch.origins == {site.origin}, path
        assert f"{site.origin}{path}" in watch.asked
        assert f"{site.origin}/static/coalition.css" in watch.asked, path
        kept[path] = watch.kept()

    assert kept == {path: {} for path in _PUBLIC}


def test_of_all_pages_there_are_none_asks_anybody_else_or_keeps_anything(plain_house: House, new_page: NewPage) -> None:
    page = new_page()
    watch = Watch.over(page)

    kept = {name: watch.kept() for name in drawn(page, Gallery.of(plain_house))}

    assert watch.origins == {"http://localhost"}
    assert {name: found for name, found in kept.items() if found} == {}
    assert len(kept) > 80


def test_what_the_page_about_it_says_of_our_files_can_be_seen(site: Site, new_page: NewPage) -> None:
    page = new_page()
    watch = Watch.over(page)

    page.goto(f"{site.origin}/privacy")
    page.get_by_role("link", name="See what was checked").click()

    page.get_by_text("There is nothing that loads from anybody else").wait_for()
    assert page.get_by_role("definition").first.inner_text() == str(_templates_of_pages())
    assert watch.origins == {site.origin}


@pytest.mark.parametrize("code", OWN_NAMES)
def test_every_letter_is_whole_without_a_network(tmp_path: Path, new_page: NewPage, code: str) -> None:
    page = new_page(offline=True)
    watch = Watch.over(page)
    opened = []

    desk = Desk(tmp_path / "home")
    for kind in WITH_HTML:
        path = tmp_path / f"{kind}.html"
        path.write_text(part(desk.write(kind, Words(locale=code)), "html"), "utf-8")
        page.goto(path.as_uri(), wait_until="networkidle")
        assert page.get_by_role("heading", level=1).inner_text()
        opened.append(path.as_uri())
    desk.close()

    assert watch.asked == opened
    assert len(opened) == len(WITH_HTML)


def _templates_of_pages() -> int:
    return sum(len(list((TEMPLATES / room).glob("*.html"))) for room in ("layouts", "pages"))
