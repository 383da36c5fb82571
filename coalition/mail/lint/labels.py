"""Rules for what links are called: a reader who hears only the links must know where each leads (WCAG 2.4.4)."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from coalition.mail.lint.findings import Spots, short
from coalition.mail.lint.reading import Link, Written

_VAGUE = frozenset(
    {
        *("click", "click here", "continue", "details", "find out more", "follow this link", "go", "here", "info"),
        *("information", "learn more", "link", "more", "more details", "more info", "more information", "page"),
        *("read more", "read on", "see more", "see here", "site", "tap here", "that", "this", "this link", "this page"),
        *("view", "view more", "visit", "web site", "website"),
        *("cliciwch yma", "darllen mwy", "dolen", "mwy", "rhagor", "yma"),
        *("cliquez ici", "en savoir plus", "ici", "lien", "lire la suite", "plus"),
        *("hier", "hier klicken", "klicken sie hier", "mehr", "mehr erfahren", "mehr lesen", "weiter", "weiterlesen"),
        *("aquí", "enlace", "haga clic aquí", "haz clic aquí", "leer más", "más", "más información", "pulsa aquí"),
        *("اضغط هنا", "اقرأ المزيد", "المزيد", "انقر هنا", "رابط", "هنا"),
    }
)
# From the first letter or digit to the last: arrows and full stops around a text don't make it another one.
_WORDS = re.compile(r"\w(?:.*\w)?")
_SHOWN_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)


def _empty(written: Written) -> Spots:
    for link in written.links():
        if not link.text.strip():
            yield link.place, f"The link to “{short(link.url)}” has no words: say where it leads."


def _vague(written: Written) -> Spots:
    for link in written.links():
        if _heard(link) in _VAGUE:
            yield link.place, f"“{short(link.text)}” doesn't say where the link leads: name the page."


def _repeated(written: Written) -> Spots:
    first: dict[str, Link] = {}
    for link in written.links():
        same = first.setdefault(_heard(link), link)
        if same.url != link.url and _heard(link):
            yield link.place, f"“{short(link.text)}” led to another page in {same.place}: call the two differently."


def _deceptive(written: Written) -> Spots:
    for link in written.links():
        shown = link.text.strip()
        if _SHOWN_ADDRESS.fullmatch(shown) and _host(shown) != _host(link.url):
            yield link.place, f"The link shows “{short(shown)}” and leads to “{short(link.url)}”: show where it leads."


def _bare(written: Written) -> Spots:
    for reading in written.readings:
        for place, url in reading.bare:
            yield place, f"“{short(url)}” is no link yet: write [what it is](…), or put < and > around it."


def _heard(link: Link) -> str:
    words = _WORDS.search(" ".join(link.text.casefold().split()))
    return words[0] if words else ""


def _host(url: str) -> str | None:
    try:
        host = urlsplit(url if "://" in url else f"https://{url}").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None


RULES: dict[str, Callable[[Written], Spots]] = {
    "empty-link-text": _empty,
    "vague-link-text": _vague,
    "repeated-link-text": _repeated,
    "deceptive-link": _deceptive,
    "bare-link": _bare,
}
