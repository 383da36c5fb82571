"""Accessibility rules (WCAG 2.0 to 2.2 A and AA, and good practice), by axe."""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

_AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
_EVERY = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# All others look at what stands in a page, which is the same in every scheme and at every width.
_OF_THE_LOOK = {
    "type": "rule",
    "values": ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"],
}


def violations(page: Page, *, look_only: bool = False) -> list[str]:
    """Each broken rule with the places that break it; `look_only` for those that colours and width can break."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    options = {"runOnly": _OF_THE_LOOK if look_only else _EVERY, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['id']} ({rule['help']}): " + "; ".join(node["html"][:160] for node in rule["nodes"])
        for rule in found["violations"]
    ]
