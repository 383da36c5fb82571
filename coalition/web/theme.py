"""The community's colours and mark as files of their own, because our policy lets no style stand in a page."""

from functools import lru_cache
from hashlib import sha256

from flask import Blueprint, Response, render_template, request

from coalition.theme import Palette, Theme
from coalition.web.shared import resources

pages = Blueprint("theme", __name__)


@pages.get("/theme.css")
def colours() -> Response:
    """The palettes, as the custom properties that `coalition.css` is written in."""
    return _file(stylesheet(_theme()), "text/css")


@pages.get("/mark.svg")
def mark() -> Response:
    """The mark as an icon; in the head of a page it stands in the page itself, where it takes the page's colours."""
    return _file(drawing(), "image/svg+xml")


@pages.app_context_processor
def context() -> dict[str, object]:
    """What the layouts need to name the present files."""
    return {"theme": _theme(), "theme_version": _version(_theme())}


def drawing() -> str:
    """The mark as it is served."""
    return render_template("layouts/mark.svg")


@lru_cache(maxsize=8)
def stylesheet(theme: Theme) -> str:
    """The custom properties of both schemes."""
    light, dark = _properties(theme.light), _properties(theme.dark)
    return f":root {{\n{light}}}\n@media (prefers-color-scheme: dark) {{\n:root {{\n{dark}}}\n}}\n"


@lru_cache(maxsize=8)
def _version(theme: Theme) -> str:
    """Changes with whatever the two files show, so that browsers may keep them for good."""
    return sha256(f"{stylesheet(theme)}{theme.mark}".encode()).hexdigest()[:16]


def _properties(palette: Palette) -> str:
    return "".join(f"  --{role.replace('_', '-')}: {colour};\n" for role, colour in palette.colours().items())


def _file(content: str, mimetype: str) -> Response:
    """Kept for good under the address that names its version, and asked for anew under any other."""
    response = Response(content, mimetype=mimetype)
    kept = request.args.get("v") == _version(_theme())
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
    return response


def _theme() -> Theme:
    return resources().config.community.theme
