"""The accounts of one reader: what came, and whether everything that did not come is accounted for by a name."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from coalition.models import Delivery, Item, Outbound, Tally, Variant
from coalition.services.settling import Skip
from tests.house import House, text_of


def received(house: House, name: str) -> list[str]:
    """Titles in the letters to somebody; a letter that came twice under one Message-ID is one letter."""
    letters = {letter["Message-ID"]: letter for letter in house.letters_to(name)}
    return [
        title for letter in letters.values() for title in re.findall(r"^Item \d+\.$", text_of(letter), re.MULTILINE)
    ]


def missing(house: House, name: str, topic: int, since: int, overtaken: Collection[int]) -> set[int]:
    """The positions of what was published in a topic after `since`, stands, never came, and has no excuse.

    The excuses: a full letter left it to the archive, and said so; the letter that brings it is uncertain (one that a
    dead sender may have given away is not taken back where its issue is cancelled), was refused for good, or was not
    sent as its address was closed or its reader forgotten; or it was in one of the `overtaken` letters, which were
    cancelled when their reader had been served later news.
    """
    titles = set(received(house, name))
    kept_back = Delivery.reason.in_([Skip.SUPPRESSED, Skip.ERASED])
    over = Delivery.state.in_([Outbound.UNCERTAIN, Outbound.FAILED])
    excused = over | kept_back | Delivery.id.in_(overtaken)
    brought = {item for variant in _variants(house, name, excused) for item in variant.items}
    news = rows(house, select(Item).where(Item.topic_id == topic, Item.position > since, Item.withdrawn_at.is_(None)))
    gone = {item.position for item in news if item.title not in titles and item.id not in brought}
    for start, first, more in _full_letters(house, name, topic, excused):
        in_the_archive = {position for position in gone if start < position < first}
        assert len(in_the_archive) <= more, (name, topic, in_the_archive, more)
        gone -= in_the_archive
    return gone


def counted(house: House, topic: int, reasons: Collection[Skip]) -> int:
    """How many items of a topic did not reach their readers for these reasons, over all issues."""
    return sum(rows(house, select(Tally.n).where(Tally.topic_id == topic, Tally.reason.in_(reasons))))


def accounted(house: House, issue: int, topic: int) -> int:
    """What an issue has of a topic for everybody together: items that have left or wait, and those kept back.

    What the plan itself passed over for its length is not among them; what it passed over for a pause is.
    """
    going = Delivery.state.in_([Outbound.QUEUED, Outbound.SENT, Outbound.UNCERTAIN])
    mine = select(Variant).join(Delivery, Delivery.variant_id == Variant.id).where(Delivery.issue_id == issue, going)
    of_topic = set(rows(house, select(Item.id).where(Item.topic_id == topic)))
    by_plan = {Skip.CAPPED, Skip.WITHDRAWN}
    kept_back = select(Tally.n).where(Tally.issue_id == issue, Tally.topic_id == topic, Tally.reason.not_in(by_plan))
    brought = (len(of_topic.intersection(variant.items)) for variant in rows(house, mine))
    return sum(brought) + sum(map(int, rows(house, kept_back)))


def rows(house: House, query: Select[Any]) -> Sequence[Any]:
    """What a query finds."""
    with house.database.reading() as session:
        return session.scalars(query).all()


def _full_letters(house: House, name: str, topic: int, excused: ColumnElement[bool]) -> Iterator[tuple[int, int, int]]:
    """The letters that could not hold a topic: the position they begin after, the first that they bring, and how many
    items between these they leave to the archive."""
    positions = {item.id: item.position for item in rows(house, select(Item).where(Item.topic_id == topic))}
    nonces = {letter["Message-ID"][1:].partition("@")[0] for letter in house.letters_to(name)}
    for variant in _variants(house, name, Delivery.nonce.in_(nonces) | excused):
        if more := variant.more.get(str(topic)):
            first = min(positions[item] for item in variant.items if item in positions)
            yield variant.from_positions[str(topic)], first, more


def _variants(house: House, name: str, which: ColumnElement[bool]) -> Sequence[Variant]:
    """What some of somebody's digests bring."""
    mine = select(Variant).join(Delivery, Delivery.variant_id == Variant.id)
    return rows(house, mine.where(Delivery.subscriber_id == house.person(name).id, which))
