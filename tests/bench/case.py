"""The case of the proofs: 200 items in 12 topics, and thousands of readers who chose at random.

One seed decides all of it. Rows are written in bulk, with the columns that the services write.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.languages import OWN_NAMES
from coalition.models import (
    Cadence,
    Ended,
    Format,
    Item,
    PauseMode,
    Scope,
    Source,
    State,
    Subscriber,
    Subscription,
    Suppression,
    Topic,
)
from coalition.services import drafts, items, topics
from coalition.tokens import random_code
from coalition.vault import Vault

ITEMS, TOPICS, READERS = 200, 12, 10_000
MOST_TOPICS = 8  # that one reader chooses

# Weekly is what a form offers first; whoever wants another rhythm chooses it.
CADENCES = {Cadence.AS_IT_HAPPENS: 1, Cadence.DAILY: 2, Cadence.WEEKLY: 6, Cadence.MONTHLY: 1}
ZONES = ("Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")
HOURS = (7, 8, 12, 18)

_NEWS = """
homes rents the town council has found after a long meeting that nobody knows why it took so many years to mend one
bridge while schools parks and the old library waited for their share of what everybody pays together
"""
_WORDS = _NEWS.split()


@dataclass
class Held:
    """One current subscription: its rhythm, and the position up to which its reader has been served."""

    cadence: Cadence
    served: int


@dataclass
class Reader:
    """What somebody chose, and what became of them."""

    id: int
    locale: str
    format: Format
    hour: tuple[str | None, int | None, int | None]  # zone, weekday, hour
    pause_until: datetime | None = None
    pause_mode: PauseMode = PauseMode.CATCH_UP
    suppressed: bool = False
    held: dict[int, Held] = field(default_factory=dict)  # by topic


def open_topics(session: Session) -> list[Topic]:
    """All topics in their order, 12 of them: those there are, and more."""
    for number in range(len(topics.all_of(session)), TOPICS):
        topics.add(session, f"topic-{number}", f"Topic {number}", f"All about topic {number}.")
    return topics.all_of(session)


def publish(
    session: Session, chance: random.Random, offered: Sequence[Topic], count: int, begin: datetime, end: datetime
) -> list[Item]:
    """Publish so many items, evenly from one moment to another; the first topics have many, the last ones few."""
    busy = range(len(offered), 0, -1)
    return [
        items.publish(
            session, _draft(chance, chance.choices(offered, busy)[0].slug), begin + (end - begin) * n / count
        ).item
        for n in range(count)
    ]


def move_in(
    session: Session, vault: Vault, chance: random.Random, offered: Sequence[Topic], readers: int, now: datetime
) -> list[Reader]:
    """So many readers with choices, breaks and histories. Of each topic they have been served some, all or nothing."""
    newest = max((item.position for item, _ in items.all_of(session)), default=0)
    found = [_choices(chance, offered, newest, now) for _ in range(readers)]
    rows = [_row(vault, number, reader, now) for number, reader in enumerate(found)]
    write = insert(Subscriber).returning(Subscriber.id, sort_by_parameter_order=True)
    # Without this, SQLAlchemy would write rows with a None apart from those without.
    numbers = session.scalars(write.execution_options(render_nulls=True), rows)
    for reader, number in zip(found, numbers, strict=True):
        reader.id = number
    since = now - timedelta(days=60)
    held = [_subscription(reader.id, topic, each, since) for reader in found for topic, each in reader.held.items()]
    ended = [each for reader in found for each in _past(chance, reader, offered, newest, since)]
    session.execute(insert(Subscription).execution_options(render_nulls=True), held + ended)
    keys = [row["address_key"] for row, reader in zip(rows, found, strict=True) if reader.suppressed]
    session.execute(insert(Suppression), [_suppression(key, now) for key in keys])
    return found


def _draft(chance: random.Random, topic: str) -> drafts.Draft:
    number = chance.randrange(10**9)
    head = f"---\ntitle: {sentence(chance, 4, 9)}\ntopic: {topic}\nurl: https://www.example.org/news/{number}\n---\n"
    link = f"The [figures of {number}](https://www.example.org/figures/{number}) are **out**."
    return drafts.read(f"{head}{sentence(chance, 20, 60)}.\n\n{sentence(chance, 10, 30)}. {link}\n")


def sentence(chance: random.Random, least: int, most: int) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randint(least, most))).capitalize()


def _choices(chance: random.Random, offered: Sequence[Topic], newest: int, now: datetime) -> Reader:
    kind = chance.choices(["reads", "pauses", "has paused", "suppressed", "has left"], [80, 6, 8, 3, 3])[0]
    pauses = {"pauses": timedelta(days=chance.randint(1, 40)), "has paused": -timedelta(days=chance.randint(0, 30))}
    hour = (chance.choice(ZONES), chance.choice([None, *range(7)]), chance.choice(HOURS))
    reader = Reader(
        id=0,
        locale=chance.choice([*OWN_NAMES]),
        format=chance.choices([Format.HTML, Format.TEXT], [3, 1])[0],
        hour=chance.choice([hour, (None, None, None)]),
        pause_until=now + pauses[kind] if kind in pauses else None,
        pause_mode=chance.choice([*PauseMode]),
        suppressed=kind == "suppressed",
    )
    if kind != "has left":
        for topic in chance.sample(offered, chance.randint(1, MOST_TOPICS)):
            cadence = chance.choices([*CADENCES], [*CADENCES.values()])[0]
            reader.held[topic.id] = Held(cadence, newest * chance.choice([0, 1, 2, 2, 3, 3, 4]) // 4)
    return reader


def _row(vault: Vault, number: int, reader: Reader, now: datetime) -> dict[str, Any]:
    address = Address.parse(f"reader{number}@example.org")
    zone, weekday, hour = reader.hour
    return {
        "code": random_code(),
        "address_sealed": vault.seal(address),
        "address_key": vault.key(address),
        "locale": reader.locale,
        "format": reader.format,
        "timezone": zone,
        "weekday": weekday,
        "hour": hour,
        "pause_until": reader.pause_until,
        "pause_mode": reader.pause_mode,
        "epoch": 1,
        "state": State.ACTIVE if reader.held else State.LEFT,
        "created_at": now - timedelta(days=90),
        "confirmed_at": now - timedelta(days=90),
    }


def _subscription(reader: int, topic: int, held: Held, since: datetime) -> dict[str, Any]:
    return {
        "subscriber_id": reader,
        "topic_id": topic,
        "cadence": held.cadence,
        "cursor": held.served,
        "began_at": since,
        "source": Source.SIGNUP,
        "ended_at": None,
        "ended_reason": None,
    }


def _past(
    chance: random.Random, reader: Reader, offered: Sequence[Topic], newest: int, since: datetime
) -> Iterator[dict[str, Any]]:
    """Subscriptions that have ended: another rhythm of a topic before, or one that was left. They bring nothing."""
    for topic in chance.sample(offered, chance.choice([0, 0, 1, 3])):
        held = reader.held.get(topic.id)
        served = held.served if held else chance.randint(0, newest)
        row = _subscription(reader.id, topic.id, Held(chance.choice([*Cadence]), served), since)
        yield row | {"ended_at": since, "ended_reason": Ended.CHANGED if held else Ended.LEFT_TOPIC}


def _suppression(key: bytes, now: datetime) -> dict[str, Any]:
    return {"address_key": key, "code": None, "scope": Scope.ALL, "reason": "staff", "since": now}
