"""The accounts of one reader: what came, and whether everything that did not come is accounted for by a name."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from coalition.models import Delivery, Item, Outbound, Variant
from tests.house import House, text_of


def received(house: House, name: str) -> list[str]:
    """Titles in the letters to somebody; a letter that came twice under one Message-ID is one letter."""
    letters = {letter["Message-ID"]: letter for letter in house.letters_to(name)}
    return [
        title for letter in letters.values() for title in re.findall(r"^Item \d+\.$", text_of(letter), re.MULTILINE)
    ]


def missing(house: House, name: str, topic: int, since: int) -> set[int]:
    """The positions of what was published in a topic after `since`, stands, never came, and has no excuse.

    The excuses: a full letter left it to the archive, and said so; or the letter that brings it is uncertain. One that
    a dead sender may have given away is not taken back where its issue is cancelled.
    """
    titles = set(received(house, name))
    doubtful = _variants(house, name, Delivery.state == Outbound.UNCERTAIN)
    brought = {item for variant in doubtful for item in variant.items}
    news = rows(house, select(Item).where(Item.topic_id == topic, Item.position > since, Item.withdrawn_at.is_(None)))
    gone = {item.position for item in news if item.title not in titles and item.id not in brought}
    for start, first, more in _full_letters(house, name, topic):
        in_the_archive = {position for position in gone if start < position < first}
        assert len(in_the_archive) <= more, (name, topic, in_the_archive, more)
        gone -= in_the_archive
    return gone


def rows(house: House, query: Select[Any]) -> Sequence[Any]:
    """What a query finds."""
    with house.database.reading() as session:
        return session.scalars(query).all()


def _full_letters(house: House, name: str, topic: int) -> Iterator[tuple[int, int, int]]:
    """The letters that could not hold a topic: the position they begin after, the first that they bring, and how many
    items between these they leave to the archive."""
    positions = {item.id: item.position for item in rows(house, select(Item).where(Item.topic_id == topic))}
    nonces = {letter["Message-ID"][1:].partition("@")[0] for letter in house.letters_to(name)}
    for variant in _variants(house, name, Delivery.nonce.in_(nonces) | (Delivery.state == Outbound.UNCERTAIN)):
        if more := variant.more.get(str(topic)):
            first = min(positions[item] for item in variant.items if item in positions)
            yield variant.from_positions[str(topic)], first, more


def _variants(house: House, name: str, which: ColumnElement[bool]) -> Sequence[Variant]:
    """What some of somebody's digests bring."""
    mine = select(Variant).join(Delivery, Delivery.variant_id == Variant.id)
    return rows(house, mine.where(Delivery.subscriber_id == house.person(name).id, which))
