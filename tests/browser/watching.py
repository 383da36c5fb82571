"""What a browser was asked for, and what it keeps afterwards, as its own tools show it."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

# What a site can keep beside cookies: every kind of storage that Chromium has, read by its own interfaces.
_KEPT = """async () => {
    const databases = await indexedDB.databases();
    const workers = navigator.serviceWorker ? await navigator.serviceWorker.getRegistrations() : [];
    const folder = navigator.storage ? await navigator.storage.getDirectory() : null;
    const files = [];
    if (folder) { for await (const name of folder.keys()) { files.push(name); } }
    return {
        localStorage: Object.keys(localStorage),
        sessionStorage: Object.keys(sessionStorage),
        indexedDB: databases.map(each => each.name),
        caches: window.caches ? await caches.keys() : [],
        serviceWorkers: workers.map(each => each.scope),
        files,
    };
}"""


@dataclass
class Watch:
    """Every request of a browser profile, from the moment of watching on."""

    page: Page
    asked: list[str] = field(default_factory=list)

    @classmethod
    def over(cls, page: Page) -> "Watch":
        """Begin to watch the whole profile of a page: frames, workers and windows that it opens included."""
        watch = cls(page)
        page.context.on("request", lambda request: watch.asked.append(request.url))
        return watch

    @property
    def origins(self) -> set[str]:
        """Who was asked."""
        return {f"{url.scheme}://{url.netloc}" for url in map(urlsplit, self.asked)}

    def kept(self) -> dict[str, Any]:
        """What the browser keeps of the present page, by kind; kinds without anything are left out."""
        found = {"cookies": [each.get("name") for each in self.page.context.cookies()], **self.page.evaluate(_KEPT)}
        return {kind: names for kind, names in found.items() if names}
