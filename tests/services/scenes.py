"""What tests of the services share: many at once, a mail server that looks up, rows as they stand."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import insert, select, update

from coalition.address import Address
from coalition.clock import utcnow
from coalition.config import Relay
from coalition.mail.smtp import SmtpClient
from coalition.models import (
    Batch,
    Cadence,
    Claim,
    Delivery,
    Format,
    Letter,
    Outbound,
    Request,
    Source,
    State,
    Subscriber,
    Subscription,
)
from coalition.services import subscriptions, topics, unsubscribe
from coalition.services.outbox.sender import Sender
from coalition.services.unsubscribe import Channel, Left
from coalition.tokens import random_code
from coalition.vault import Vault
from tests.house import House
from tests.relay import CatchAll

T = TypeVar("T")


def at_once(times: int, act: Callable[[int], T]) -> list[T]:
    """Do something in so many threads that all start together; what any of them raises is raised here."""
    start = threading.Barrier(times)

    def run(number: int) -> T:
        start.wait()
        return act(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


class Watchful(CatchAll):
    """A mail server that takes everything and calls `then` with each count, before it answers."""

    def __init__(self, then: Callable[[int], None]) -> None:
        super().__init__()
        self._then = then

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's hook for a whole message."""
        answer = await super().handle_DATA(server, session, envelope)
        self._then(len(self.received))
        return answer


def sender_to(house: House, relay: Relay, **settings: object) -> Sender:
    """A sender of this house for another mail server, with other settings (`rate`, `uncertain`)."""
    config = replace(house.config, **settings)  # type: ignore[arg-type]  # names and types are the caller's
    return replace(house.resources, config=config).sender(SmtpClient(relay))


def drain_to(house: House, relay: Relay, **settings: object) -> None:
    """Send what is due now through another mail server."""
    sender = sender_to(house, relay, **settings)
    try:
        sender.drain()
    finally:
        sender.close()


def an_audience(house: House, readers: int, cadence: Cadence = Cadence.WEEKLY) -> list[Subscriber]:
    """So many readers of housing, `reader0@example.org` and on, who confirmed a month ago."""
    vault, since = house.resources.vault, utcnow() - timedelta(days=30)
    with house.database.transaction() as session:
        topic_id = topics.get(session, "housing").id
        people = [_a_reader(vault, Address.parse(f"reader{number}@example.org"), since) for number in range(readers)]
        session.add_all(people)
        session.flush()
        rows = [
            {
                "subscriber_id": person.id,
                "topic_id": topic_id,
                "cadence": cadence,
                "cursor": 0,
                "began_at": since,
                "source": Source.SIGNUP,
            }
            for person in people
        ]
        session.execute(insert(Subscription), rows)
        return people


def _a_reader(vault: Vault, address: Address, since: datetime) -> Subscriber:
    return Subscriber(
        code=random_code(),
        address_sealed=vault.seal(address),
        address_key=vault.key(address),
        locale="en",
        format=Format.HTML,
        pause_until=None,
        epoch=1,
        state=State.ACTIVE,
        created_at=since,
        confirmed_at=since,
    )


def deliveries(house: House, *, letter: Letter | None = None, address: str | None = None) -> list[Delivery]:
    """The ledger, oldest first."""
    query = select(Delivery).order_by(Delivery.id)
    if letter is not None:
        query = query.where(Delivery.letter == letter)
    if address is not None:
        query = query.where(Delivery.subscriber_id == house.person(address).id)
    with house.database.reading() as session:
        return list(session.scalars(query))


def states(found: Iterable[Delivery]) -> list[Outbound]:
    """How some deliveries stand."""
    return [delivery.state for delivery in found]


def nonces(house: House) -> list[str]:
    """Of every request, oldest first."""
    with house.database.reading() as session:
        return list(session.scalars(select(Request.nonce).order_by(Request.id)))


def cursors(house: House, person: Subscriber) -> dict[str, int]:
    """Up to where a person has been served, by topic; current subscriptions only."""
    with house.database.reading() as session:
        slugs = {topic.id: topic.slug for topic in topics.all_of(session)}
        return {slugs[each.topic_id]: each.cursor for each in subscriptions.current(session, person.id)}


def leave(house: House, person: Subscriber, topic: str | None = None, at: datetime | None = None) -> Left:
    """Leave one topic, or all."""
    now = at or utcnow()
    with house.database.transaction() as session:
        if topic is None:
            return unsubscribe.leave_all(session, person, Channel.PAGE, now)
        return unsubscribe.leave_topic(session, person, topics.get(session, topic), Channel.PAGE, now)


def undo(house: House, person: Subscriber, left: Left) -> int:
    """Press "undo" on the page that answered a leaving."""
    with house.database.transaction() as session:
        return unsubscribe.undo(session, house.config.community, person, left.at, utcnow())


def expire_leases(house: House) -> None:
    """Let half a minute pass on the clock that leases run by."""
    with house.database.transaction() as session:
        session.execute(update(Batch).where(Batch.state == Claim.CLAIMED).values(lease_until=0.0))
