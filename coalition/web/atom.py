"""Atom (RFC 4287): following the news without giving an address to anybody."""

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from coalition.links import Links
from coalition.mail import markdown
from coalition.models import Item, Topic

_NAMESPACE = "http://www.w3.org/2005/Atom"
# What no XML document may hold (XML 1.0, section 2.2), not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def feed(
    links: Links, title: str, locale: str, own_url: str, entries: Sequence[tuple[Item, Topic]], now: datetime
) -> bytes:
    """The feed document, newest entry first. All words in it are the community's, so it is in their language."""
    ET.register_namespace("", _NAMESPACE)
    root = ET.Element(_tag("feed"), {"{http://www.w3.org/XML/1998/namespace}lang": locale})
    _text(root, "title", title)
    _text(root, "id", own_url)
    ET.SubElement(root, _tag("link"), rel="self", href=own_url)
    ET.SubElement(root, _tag("link"), rel="alternate", href=links.archive())
    _text(root, "updated", (entries[0][0].added_at if entries else now).isoformat())
    _text(ET.SubElement(root, _tag("author")), "name", title)
    for item, topic in entries:
        _entry(root, links, item, topic)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(root: ET.Element, links: Links, item: Item, topic: Topic) -> None:
    entry = ET.SubElement(root, _tag("entry"))
    _text(entry, "title", item.title)
    # RFC 4151: an identifier that stays the same wherever the site moves.
    _text(entry, "id", f"tag:{urlsplit(links.base_url).hostname},{item.added_at:%Y-%m-%d}:item-{item.position}")
    ET.SubElement(entry, _tag("link"), rel="alternate", href=item.url or links.archive())
    _text(entry, "updated", item.added_at.isoformat())
    _text(entry, "published", item.published_at.isoformat())
    ET.SubElement(entry, _tag("category"), term=topic.slug, label=topic.name)
    _text(entry, "content", markdown.to_html(item.summary_md)).set("type", "html")


def _tag(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    child = ET.SubElement(parent, _tag(name))
    child.text = _NOT_XML.sub("\ufffd", text)
    return child
