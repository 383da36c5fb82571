"""The links in a letter: clickable in its text, into new tabs from its HTML, listed for scripts."""

import re
from html.parser import HTMLParser

from markupsafe import Markup

_URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_LINK = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>')
_HEAD = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)
_DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)


def in_text(text: str) -> list[str]:
    """The web addresses in plain text, in order."""
    return [_url(found) for found in _URL.finditer(text)]


def in_html(html: str) -> list[str]:
    """Where the `<a>` elements lead, in order and as written."""
    parser = _Anchors()
    try:
        parser.feed(html)
        parser.close()
    except AssertionError:  # the standard parser's answer to a broken `<![`: what came before it counts
        pass
    return parser.hrefs


def clickable(text: str) -> Markup:
    """Plain text as HTML, its web addresses as links."""
    done, after = Markup(), 0
    for found in _URL.finditer(text):
        url = _url(found)
        done += text[after : found.start()]
        done += _LINK.format(url)
        after = found.start() + len(url)
    return done + text[after:]


def in_new_tabs(html: str) -> str:
    """The letter's HTML for display: its links open in a new tab. The letter itself stays as it is."""
    place = _HEAD.search(html) or _DOCTYPE.match(html)
    at = place.end() if place else 0
    return f'{html[:at]}<base target="_blank">{html[at:]}'


def _url(found: re.Match[str]) -> str:
    # A full stop after an address ends the sentence, and a bracket may have opened before the address.
    url = found[0].rstrip(".,;:!?'*_")
    return url[:-1].rstrip(".,;:!?") if url.endswith(")") and "(" not in url else url


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hrefs += [value for name, value in attrs if tag == "a" and name == "href" and value]
