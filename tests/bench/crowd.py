"""A crowd: any number of readers of three topics, for whom one letter of about 25 KB is due.

Whoever measures how fast letters go wants many readers, not many kinds of them: these speak two languages, and some of
their addresses are long or odd. Rows are written in bulk, with the columns that the services write.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, literal, select, text
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.models import Cadence, Format, PauseMode, Source, State, Subscriber, Subscription, Topic
from coalition.resources import Resources
from coalition.services import drafts, items, topics
from coalition.tokens import random_code
from coalition.vault import Vault
from tests.bench import case

TOPICS, ITEMS = 3, 9
LOCALES = ("en", "en", "en", "de")
_A_PAGE = 10_000


def gather(resources: Resources, readers: int, now: datetime, seed: int = 1) -> None:
    """Fill an installation with news of the last days and so many readers of all of it."""
    chance = random.Random(seed)
    with resources.database.transaction() as session:
        offered = topics.all_of(session)[:TOPICS]
        for number in range(ITEMS):
            items.publish(session, _draft(chance, offered[number % TOPICS].slug), now - timedelta(hours=number + 1))
    for first in range(0, readers, _A_PAGE):
        with resources.database.transaction() as session:
            _move_in(session, resources.vault, range(first, min(first + _A_PAGE, readers)), now)
    with resources.database.transaction() as session:
        _subscribe_all(session, now)
    with resources.database.transaction() as session:
        session.execute(text("ANALYZE"))  # a database that grew slowly knows its own size


def address(number: int) -> Address:
    """Most addresses are plain; one in twenty is longer than a line of a header, one in twenty odd."""
    if number % 20 == 7:
        return Address.known(f"reader{number}.{'very-' * 9}long@{'long-' * 8}name.example.org")
    if number % 20 == 13:
        return Address.known(f"o'reader{number}+news=x@xn--bcher-kva.example")
    return Address.known(f"reader{number}@example.org")


def _draft(chance: random.Random, topic: str) -> drafts.Draft:
    number = chance.randrange(10**9)
    head = (
        f"---\ntitle: {case.sentence(chance, 4, 9)}\ntopic: {topic}\nurl: https://www.example.org/news/{number}\n---\n"
    )
    paragraphs = [f"{case.sentence(chance, 50, 80)}." for _ in range(2)]
    paragraphs.append(
        f"The [figures of {number}](https://www.example.org/figures/{number}) are **out** for all of Österreich."
    )
    return drafts.read(head + "\n\n".join(paragraphs) + "\n")


def _move_in(session: Session, vault: Vault, numbers: range, now: datetime) -> None:
    session.connection().execute(insert(Subscriber), list(_people(vault, numbers, now)))


def _people(vault: Vault, numbers: range, now: datetime) -> Iterator[dict[str, Any]]:
    since = now - timedelta(days=90)
    for number in numbers:
        written = address(number)
        yield {
            "code": random_code(),
            "address_sealed": vault.seal(written),
            "address_key": vault.key(written),
            "locale": LOCALES[number % len(LOCALES)],
            "format": Format.HTML,
            "pause_mode": PauseMode.CATCH_UP,
            "epoch": 1,
            "state": State.ACTIVE,
            "created_at": since,
            "confirmed_at": since,
        }


def _subscribe_all(session: Session, now: datetime) -> None:
    """Every reader to every topic of the crowd, weekly."""
    offered = [topic.id for topic in topics.all_of(session)[:TOPICS]]
    rows = (
        select(
            Subscriber.id,
            Topic.id,
            literal(Cadence.WEEKLY.value),
            literal(0),
            bindparam("since", now - timedelta(days=60), type_=Subscription.__table__.c.began_at.type),
            literal(Source.SIGNUP.value),
        )
        .join(Topic, Topic.id.in_(offered))
        .order_by(Subscriber.id, Topic.id)
    )
    columns = ["subscriber_id", "topic_id", "cadence", "cursor", "began_at", "source"]
    session.execute(insert(Subscription).from_select(columns, rows))
