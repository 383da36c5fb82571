"""What looking at something would fetch, run or send: the one place that knows how a tracker gets in."""

import re
from collections.abc import Iterator

from coalition.mail.lint import page as pages
from coalition.mail.lint import styles
from coalition.mail.lint.findings import Finding, short
from coalition.mail.lint.page import Element, Page

# Attributes from which programs fetch by themselves (H7), or tell of a click; `data` is the one of <object>.
_LOADING = frozenset({"src", "background", "poster", "data", "lowsrc", "dynsrc", "ping", "attributionsrc"})
_LISTS = frozenset({"srcset", "imagesrcset"})
_DRAWN = frozenset({"image", "use", "feimage"})  # in a drawing, where `href` loads
_SIZE = re.compile(r"[\d.]+[wx]")

# Elements that run, frame or replace something.
_RUNNING = ("script", "iframe", "frame", "object", "embed", "applet", "video", "audio", "base")
# Those that send something: a page has some, no mail program that people use wants them.
_SENDING = ("form", "input", "button")

# What stands before the address in a style sheet: url('/mark.svg'.
_IN_SHEET = re.compile(r"^(?:@import\b\s*)?(?:(?:url|src|image-set)\(\s*)?[\"']?", re.IGNORECASE)


def fetched(page: Page) -> Iterator[str]:
    """Every address that a program would fetch to show this, or tell of a click."""
    for element in page.elements:
        for name, value in element.attributes.items():
            if name in _LOADING or (element.tag in _DRAWN and name in {"href", "xlink:href"}):
                yield value
            elif name in _LISTS:
                yield from (each for each in value.replace(",", " ").split() if not _SIZE.fullmatch(each))
        if element.tag == "link":
            yield element.attributes.get("href", "")
        if element.tag == "meta" and element.attributes.get("http-equiv", "").lower() == "refresh":
            yield element.attributes.get("content", "")
        yield from styles.loads(element.attributes.get("style", ""))
    yield from styles.loads(page.sheets)


def running(page: Page) -> list[str]:
    """The kinds of elements that run, frame or replace something."""
    return sorted({element.tag for element in page.tagged(*_RUNNING)})


def sending(page: Page) -> list[str]:
    """The kinds of elements that send something."""
    return sorted({element.tag for element in page.tagged(*_SENDING)})


def handlers(page: Page) -> list[str]:
    """The attributes by which elements act by themselves."""
    return sorted({name for each in page.elements for name in each.attributes if name.startswith("on")})


def comes_along(url: str) -> bool:
    """Whether something is fetched from nowhere, because the letter or page brings it along."""
    return url.strip().lower().startswith(("cid:", "data:", "#"))


def lint_page(html: str, where: str, own_origin: str | None = "") -> list[Finding]:
    """What a page of ours must not hold.

    It may fetch paths, and from its own origin, written without a slash at its end; where there is None, as in a letter
    or a sentence that may stand in one, nothing at all, and send nothing.
    """
    return [Finding(name, where, text) for name, text in _faults(pages.read(html), own_origin)]


def lint_sheet(css: str, where: str, own_origin: str | None = "") -> list[Finding]:
    """What a style sheet of ours must not hold."""
    foreign = (load for load in styles.loads(css) if not _is_own(load, own_origin))
    return [Finding("remote-load", where, _fetching(load)) for load in foreign]


def _faults(page: Page, own_origin: str | None) -> Iterator[tuple[str, str]]:
    for load in dict.fromkeys(fetched(page)):
        if not comes_along(load) and not _is_own(load, own_origin):
            yield "remote-load", _fetching(load)
    for tag in [*running(page), *(sending(page) if own_origin is None else [])]:
        yield "active-element", f"There is a <{tag}>: a page holds text, links and plain forms, a letter no form."
    for name in handlers(page):
        yield "active-element", f"An element acts by itself ({short(name)}): a page has no script."
    for target in dict.fromkeys(_targets(page.elements)):
        if not _is_own(target, own_origin):
            yield "foreign-form", f"A form would send to “{short(target)}”: what people write goes to nobody else."


def _fetching(load: str) -> str:
    return f"Looking at it would fetch “{short(load)}”: a page is whole with what is ours."


def _targets(elements: list[Element]) -> Iterator[str]:
    for each in elements:
        for name in ("action", "formaction"):
            if each.attributes.get(name):
                yield each.attributes[name]


def _is_own(load: str, own_origin: str | None) -> bool:
    # Browsers leave out line ends and tabs within an address, and read \ as /.
    url = re.sub(r"[\t\r\n]", "", _IN_SHEET.sub("", load)).strip().replace("\\", "/")
    if own_origin is None:
        return False
    is_path = url.startswith("/") and not url.startswith("//")
    return is_path or bool(own_origin and (url == own_origin or url.startswith(f"{own_origin}/")))
