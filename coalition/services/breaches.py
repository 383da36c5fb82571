"""If something got out: whose data was held in a stretch of time, and what of it (GDPR, articles 33 and 34)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from coalition.address import Address
from coalition.errors import CoalitionError, Refused
from coalition.models import (
    AddressChange,
    Bounce,
    Consent,
    Delivery,
    Grievance,
    Request,
    SetAside,
    State,
    Subscriber,
    Subscription,
    Suppression,
)
from coalition.services.erasure import REASON
from coalition.vault import Vault


@dataclass(frozen=True)
class Affected:
    """Somebody whose data was held; `held` tells how many of each kind, now that one looks."""

    code: str | None  # None: known by an address alone
    address: Address | None  # None: erased since then, or sealed by a key that is gone
    state: str
    since: datetime
    held: dict[str, int]


def affected(session: Session, vault: Vault, begin: datetime, end: datetime) -> list[Affected]:
    """Everybody of whom something was held at some moment from `begin` to `end`. Raises Refused.

    What was deleted since then without a trace (a sign-up that nobody confirmed, after a week) can't be told any more.
    """
    if end < begin:
        raise Refused("The end lies before the beginning.")
    return [*_people(session, vault, begin, end), *_others(session, vault, end)]


def range_in_words(begin: datetime, end: datetime) -> str:
    """The stretch of time as it is recorded that somebody asked for it."""
    return f"{begin.isoformat()} to {end.isoformat()}"


def was_listed(recorded: str, since: datetime) -> bool:
    """Whether somebody of whom something was held since then stood on a list that was recorded like that."""
    return datetime.fromisoformat(recorded.partition(" to ")[2].partition(",")[0]) >= since


def _people(session: Session, vault: Vault, begin: datetime, end: datetime) -> Iterator[Affected]:
    erased_since = select(Suppression.code).where(Suppression.reason == REASON, Suppression.since >= begin)
    still_there = Subscriber.address_sealed.is_not(None)
    query = select(Subscriber).where(
        Subscriber.created_at <= end, still_there | Subscriber.code.in_(erased_since.scalar_subquery())
    )
    counted = {
        "subscriptions": _count(session, Subscription.subscriber_id, Subscription.began_at <= end),
        "letters": _count(session, Delivery.subscriber_id, Delivery.ended_at <= end),
        "requests": _count(session, Request.subscriber_id, Request.created_at <= end),
        "former addresses": _count(session, AddressChange.subscriber_id),
        "bounces": _count(session, Bounce.subscriber_id, Bounce.came_at <= end),
        "mail set aside": _count(session, SetAside.subscriber_id, SetAside.came_at <= end),
        "consent records": _count(session, Consent.subject, Consent.content.is_not(None)),
        "complaints": _count(session, Grievance.address_key, Grievance.received_at <= end),
    }
    for person in session.scalars(query.order_by(Subscriber.id)):
        marks = (person.id, person.code, person.address_key)  # as the tables know them
        held = {kind: sum(found.get(mark, 0) for mark in marks) for kind, found in counted.items()}
        yield Affected(
            code=person.code,
            address=_open(vault, person.address_sealed, person.address_key),
            state=person.state.value,
            since=person.created_at,
            held=({} if person.state is State.ERASED else {"address": 1}) | {kind: n for kind, n in held.items() if n},
        )


def _others(session: Session, vault: Vault, end: datetime) -> Iterator[Affected]:
    """Those of whom no more than an address is known: who asked or complained, and to whom staff sent a test."""
    known = select(Subscriber.address_key).where(Subscriber.address_key.is_not(None))
    requests = select(Request).where(Request.subscriber_id.is_(None), Request.created_at <= end)
    for request in session.scalars(requests.where(Request.address_key.not_in(known)).order_by(Request.id)):
        address = _open(vault, request.address_sealed, request.address_key)
        yield Affected(None, address, "asked", request.created_at, {"address": 1, "requests": 1})
    complaints = select(Grievance).where(Grievance.address_key.not_in(known), Grievance.received_at <= end)
    for grievance in session.scalars(complaints.order_by(Grievance.id)):
        address = _open(vault, grievance.address_sealed, grievance.address_key)
        yield Affected(None, address, "complained", grievance.received_at, {"address": 1, "complaints": 1})
    tests = select(Delivery).where(Delivery.recipient_sealed.is_not(None), Delivery.ended_at <= end)
    for delivery in session.scalars(tests.order_by(Delivery.id)):
        address = _open(vault, delivery.recipient_sealed, delivery.nonce.encode())
        yield Affected(None, address, "test letter", delivery.ended_at or end, {"address": 1})


def _count(session: Session, of: InstrumentedAttribute[Any], *where: ColumnElement[bool]) -> dict[Any, int]:
    query = select(of, func.count()).where(of.is_not(None), *where).group_by(of)
    return {row[0]: row[1] for row in session.execute(query)}


def _open(vault: Vault, sealed: bytes | None, bound_to: bytes | None) -> Address | None:
    if sealed is None or bound_to is None:
        return None
    try:
        return Address.known(vault.open_text(sealed, bound_to))
    except CoalitionError:
        return None
