"""Atom (RFC 4287): feeds that two readers read as they were meant, whatever stands in the news."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
import pytest
import time_machine
from werkzeug.test import TestResponse

from coalition.clock import utcnow
from coalition.services import archive, drafts, items
from coalition.services.drafts import Draft
from tests.house import House

_ATOM = "{http://www.w3.org/2005/Atom}"
_HOSTILE = (
    "</title><script>alert(1)</script>", "]]> & &amp; &#0;", "<![CDATA[x]]>", '"quotes" and \'more\'', "&lol;",
    "<!DOCTYPE x [<!ENTITY a 'b'>]>", "\u202eeltit", "🏠 Häuser 日本", "{{ 7*7 }}", "a\ufffeb\uffffc", "<?xml?>",
    "--><!--",
)  # fmt: skip


def _feed(house: House, path: str = "/archive.atom") -> tuple[ET.Element, Any, TestResponse]:
    """A feed as a strict XML parser and as a feed reader read it."""
    answer = house.browser.get(path)
    assert answer.status_code == 200
    read = feedparser.parse(answer.get_data(), response_headers={"content-type": answer.content_type})
    assert not read.bozo, read.get("bozo_exception")
    assert read.version == "atom10"
    return ET.fromstring(answer.get_data()), read, answer


def _texts(root: ET.Element, name: str) -> list[str]:
    return [each.text or "" for each in root.findall(f"{_ATOM}entry/{_ATOM}{name}")]


def test_the_feed_is_atom_with_all_that_atom_wants(house: House) -> None:
    item = house.publish("housing", "Rents fall", "They *do*: [why](https://www.example.org/why).")
    root, read, answer = _feed(house)

    assert answer.headers["Content-Type"].partition(";")[0] == "application/atom+xml"
    assert answer.get_data().startswith(b"<?xml")
    assert root.tag == f"{_ATOM}feed"
    assert read.encoding == "utf-8"
    community = house.config.community.name
    assert (read.feed.title, read.feed.author, read.feed.id) == (community, community, "http://localhost/archive.atom")
    assert {each.rel: each.href for each in read.feed.links} == {
        "self": "http://localhost/archive.atom",
        "alternate": "http://localhost/archive",
    }
    [entry] = read.entries
    assert (entry.title, entry.tags[0].term, entry.tags[0].label) == ("Rents fall", "housing", "Housing")
    assert entry.content[0].type == "text/html"
    assert '<a href="https://www.example.org/why">why</a>' in entry.content[0].value
    [updated], [published] = _texts(root, "updated"), _texts(root, "published")
    assert datetime.fromisoformat(updated) == item.added_at
    assert datetime.fromisoformat(published) == item.published_at
    assert root.findtext(f"{_ATOM}updated") == updated


def test_an_empty_feed_is_a_feed(house: House) -> None:
    for path in ("/archive.atom", "/topics/tools.atom"):
        root, read, _ = _feed(house, path)
        assert read.entries == []
        stamp = root.findtext(f"{_ATOM}updated")
        assert stamp is not None
        assert datetime.fromisoformat(stamp).tzinfo is not None


def test_a_topic_has_a_feed_of_its_own(house: House) -> None:
    house.publish("housing", "Rents fall")
    house.publish("events", "A meeting")

    root, read, _ = _feed(house, "/topics/events.atom")

    assert _texts(root, "title") == ["A meeting"]
    assert read.feed.title == f"{house.config.community.name}: Events"
    assert read.feed.id == read.feed.links[0].href == "http://localhost/topics/events.atom"
    assert _texts(_feed(house)[0], "title") == ["A meeting", "Rents fall"]


def test_what_is_withdrawn_is_not_in_the_feed(house: House) -> None:
    kept, gone = house.publish("housing", "Kept"), house.publish("housing", "Gone")
    with house.database.transaction() as session:
        items.withdraw(session, gone.position, utcnow())

    for path in ("/archive.atom", "/topics/housing.atom"):
        assert _texts(_feed(house, path)[0], "title") == [kept.title]
        assert "Gone" not in house.browser.get(path).text


def _ids(house: House, paths: Sequence[str] = ("/archive.atom", "/topics/housing.atom")) -> list[list[str]]:
    return [_texts(_feed(house, path)[0], "id") for path in paths]


def test_an_entry_keeps_its_id_whatever_becomes_of_its_words(house: House) -> None:
    item = house.publish("housing", "Rents fall")
    [[before], [before_in_topic]] = _ids(house)
    assert before == before_in_topic
    assert before.startswith("tag:localhost,")

    with time_machine.travel(utcnow() + timedelta(days=40)), house.database.transaction() as session:
        draft = drafts.read("---\ntitle: Rents rise\ntopic: housing\nurl: https://e.example/\n---\nOr not.\n")
        items.edit(session, item.position, draft)
    house.publish("housing", "More")

    everything, of_topic = _ids(house)
    assert everything == of_topic
    assert everything[1] == before
    assert len(set(everything)) == 2
    assert _texts(_feed(house)[0], "title") == ["More", "Rents rise"]


@pytest.mark.parametrize("title", _HOSTILE)
def test_whatever_a_title_holds_is_text(house: House, title: str) -> None:
    now = utcnow()
    with house.database.transaction() as session:
        hostile = Draft(title=title, topic="housing", url="https://e.example/?a=1&b=%22<2", published=None, text=title)
        items.publish(session, hostile, now)

    root, read, answer = _feed(house)

    assert _texts(root, "title") == [title.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")]
    assert len(read.entries) == 1
    assert b"<script" not in answer.get_data()
    [link] = root.findall(f"{_ATOM}entry/{_ATOM}link")
    assert link.get("href") == "https://e.example/?a=1&b=%22<2"


def test_an_entry_leads_to_its_source_or_to_the_archive(house: House) -> None:
    house.publish("housing", "No link")
    with house.database.transaction() as session:
        draft = drafts.read("---\ntitle: Link\ntopic: housing\nurl: https://e.example/x\n---\nText.\n")
        items.publish(session, draft, utcnow())

    assert [entry.link for entry in _feed(house)[1].entries] == ["https://e.example/x", "http://localhost/archive"]


def test_a_feed_holds_the_newest_alone(house: House) -> None:
    published = [house.publish("housing", f"News {number}").title for number in range(archive.NEWEST + 2)]

    assert _texts(_feed(house)[0], "title") == published[:1:-1]
