"""A program that reads a feed from its input and writes its entries as JSON. Only `feed_entries` starts it."""

import contextlib
import hashlib
import html
import io
import json
import re
import resource
import sys
from calendar import timegm
from datetime import UTC, datetime
from typing import Any

import feedparser
import nh3

from coalition.mail import markdown

_CPU_SECONDS = 10
_MEMORY = 1 << 30  # bytes; a feed of 1 MB takes a tenth of it

_TITLE, _TEXT, _IDENTITY = 200, 600, 300  # characters

# Line ends, control and private-use characters (the latter mark slots in letters), half characters, and what turns the
# direction of writing round for everything that follows. Joiners stay: some scripts and emoji need them.
_UNSEEN = re.compile("[\x00-\x20\x7f-\xa0\u2028-\u202e\u2066-\u2069\ufeff\ue000-\uf8ff\ud800-\udfff]+")
# Before the first element: later it is what somebody writes about XML.
_ENTITIES = re.compile(rb"(?:[^<]|<(?![a-z_]))*?<!entity", re.IGNORECASE)
# Only what parts words is kept, to become a space: "<p>one</p><p>two</p>" is two words.
_BLOCKS = {
    "blockquote",
    "br",
    "dd",
    "div",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "p",
    "pre",
    "td",
    "th",
}
_TAG = re.compile("<[^>]*>")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>&~!|])")
_MARKDOWN_AT_FIRST = re.compile(r"^([#+=-]|[0-9]{1,9}(?=[.)]))")


def main() -> None:
    """Read and answer, within limits of our own: a feed made to wear out its reader ends this program only."""
    with contextlib.suppress(ValueError, OSError):  # some systems know no such limit; the caller's clock still runs
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    json.dump(parse(sys.stdin.buffer.read()), sys.stdout)


def parse(body: bytes) -> dict[str, Any]:
    """`entries`, or a `fault` to tell staff."""
    # Entities of a feed's own are how a small file becomes a large one, or brings in one of ours.
    if _ENTITIES.match(body.replace(b"\0", b"")):
        return {"fault": "The feed declares XML entities of its own: such feeds are not read."}
    # Bytes or a name as such would be taken for a path and opened. The text is cleaned below, more than it could.
    found = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    if not found.get("version"):
        return {"fault": "There is no RSS or Atom feed at this address."}
    return {"entries": [_entry(entry) for entry in found.entries]}


def _entry(entry: Any) -> dict[str, str | None]:
    text = _plain(entry.get("summary_detail")) or _plain(next(iter(entry.get("content", [])), None))
    link = str(entry.get("link", ""))
    moment = _moment(entry)
    return {
        "identity": _identity(str(entry.get("id") or link)),
        "title": _shorten(_plain(entry.get("title_detail")) or text, _TITLE).replace("=?", "= ?"),
        "text_md": as_markdown(_shorten(text, _TEXT)),
        "url": link if link.startswith(("https://", "http://")) and _may_lead_there(link) else None,
        "dated": moment.isoformat() if moment else None,
    }


def as_markdown(text: str) -> str:
    """One line of text as Markdown that shows just these characters, and makes neither link, picture nor heading."""
    return _MARKDOWN_AT_FIRST.sub(_escape_first, _MARKDOWN.sub(r"\\\1", text))


def _escape_first(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _plain(detail: Any) -> str:
    """A title or text as one line of visible characters; HTML loses its tags, its scripts and its styles."""
    if not detail:
        return ""
    value = str(detail.get("value", ""))
    if detail.get("type") != "text/plain":
        value = html.unescape(_TAG.sub(" ", nh3.clean(value, tags=_BLOCKS, attributes={}, link_rel=None)))
    return _UNSEEN.sub(" ", value).strip()


def _shorten(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head, _, _ = text[:most].rpartition(" ")
    # Languages without spaces, and words without end, are cut where they stand.
    return (head if len(head) > most // 2 else text[: most - 1]).rstrip() + "…"


def _identity(text: str) -> str:
    if len(text) <= _IDENTITY and text.isprintable():
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _may_lead_there(link: str) -> bool:
    return len(link) <= 2_000 and "@" not in link.split("/")[2] and markdown.is_link(link)


def _moment(entry: Any) -> datetime | None:
    parsed = entry.get("published_parsed") or (entry.get("updated_parsed") if "updated_parsed" in entry else None)
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None


if __name__ == "__main__":
    main()
