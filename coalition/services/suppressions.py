"""Addresses that must not be written to: how they become so, how far that reaches, and what it ends."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.db import insert_into
from coalition.errors import NotFound, Refused
from coalition.models import Ended, Scope, Subscriber, Suppression
from coalition.services import consents, journaling, subscriptions
from coalition.services.consents import Event
from coalition.vault import Vault


class Cause(StrEnum):
    """Why an address must not be written to."""

    HARD_BOUNCE = "hard bounce"  # the mailbox does not exist
    SOFT_BOUNCES = "soft bounces"  # letters came back for weeks
    SPAM_REPORT = "spam report"
    STAFF = "staff"


# In a database that was brought back: they have another address by now, which it does not know.
MOVED_AWAY = "moved away"

_ENDS = {Cause.SPAM_REPORT: Ended.COMPLAINED, Cause.STAFF: Ended.STAFF}
_WITHDRAWS = {Cause.SPAM_REPORT, Cause.STAFF}  # by somebody's wish
_WHY = {
    Cause.HARD_BOUNCE: "the mailbox does not exist",
    Cause.SOFT_BOUNCES: "issue after issue could not be delivered, for weeks",
    Cause.SPAM_REPORT: "a letter was reported as spam",
    Cause.STAFF: "staff closed the address",
}


def hold(session: Session, subscriber_ids: Iterable[int]) -> None:
    """Lock people in one order, before anything is counted: whoever suppresses several would deadlock otherwise."""
    if ids := list(subscriber_ids):
        session.execute(select(Subscriber.id).where(Subscriber.id.in_(ids)).order_by(Subscriber.id).with_for_update())


def suppress(session: Session, subscriber_id: int, cause: Cause, now: datetime) -> bool:
    """Write no more to somebody, as far as the cause reaches, and end their subscriptions.

    A narrow suppression becomes a wide one, never the other way round; a second time changes nothing. What waits in the
    ledger is left alone: the sender asks before every letter. Returns whether anything was new.
    """
    person = subscriptions.lock(session, subscriber_id)
    if person.address_key is None:
        return False
    is_new = _write_down(session, person.address_key, person.code, _scope(cause), cause, now)
    # Of a stranger whose mailbox is dead nothing stays for good, in the journal neither.
    if is_new and (cause is not Cause.HARD_BOUNCE or person.confirmed_at is not None):
        journaling.suppressed(session, [person.address_key], person.code, _scope(cause), cause, now)
    ended = subscriptions.end_all(session, person, _ENDS.get(cause, Ended.BOUNCED), now)
    if ended:
        event = Event.WITHDRAWN if cause in _WITHDRAWS else Event.ENDED
        topics = [each.topic_id for each in ended]
        facts = {"channel": cause, "why": _WHY[cause], "topics": topics, "names": consents.names(session, topics)}
        consents.record(session, person.code, event, now, **facts)
    return is_new or bool(ended)


def block(session: Session, vault: Vault, address: Address, now: datetime) -> bool:
    """Write to an address no more, known or not, because staff say so. Returns whether anything was new."""
    keys = vault.keys(address)
    person = session.scalar(select(Subscriber).where(Subscriber.address_key.in_(keys)))
    if person is not None:
        return suppress(session, person.id, Cause.STAFF, now)
    if _of(session, keys) is not None:
        return False
    journaling.suppressed(session, keys, None, Scope.ALL, Cause.STAFF, now)
    return _write_down(session, keys[0], None, Scope.ALL, Cause.STAFF, now)


def suppress_again(
    session: Session, keys: Sequence[bytes], code: str | None, scope: Scope, reason: str, at: datetime
) -> None:
    """Suppress, in a database that was brought back, what was suppressed before. What it ended is told by itself."""
    found = _of(session, keys)
    _write_down(session, found.address_key if found else keys[0], code, scope, reason, at)


def moved_again(session: Session, person: Subscriber, keys: Sequence[bytes], at: datetime) -> None:
    """In a database that was brought back: write no more to an address that somebody moved away from.

    Where they moved to is not known here. Where it is their present address, they have come back to it.
    """
    if person.address_key is None:
        return
    if person.address_key not in keys:
        _write_down(session, person.address_key, person.code, Scope.LIST, MOVED_AWAY, at)
        return
    away = Suppression.address_key == person.address_key, Suppression.reason == MOVED_AWAY
    session.execute(delete(Suppression).where(*away))


def lift(session: Session, vault: Vault, address: Address, now: datetime) -> None:
    """Let an address be written to again. Raises Refused where only the person can do that, by signing up."""
    keys = vault.keys(address)
    found = _of(session, keys)
    if found is None:
        raise NotFound("This address is not suppressed.")
    if found.scope is Scope.LIST:
        raise Refused("They said that they want no mail: only they can lift that, by signing up again.")
    forget(session, keys, now)
    journaling.lifted(session, keys, now)


def forget(session: Session, keys: Sequence[bytes], at: datetime) -> None:
    """Delete what was known at a moment against writing to an address."""
    session.execute(delete(Suppression).where(Suppression.address_key.in_(keys), Suppression.since <= at))


def code_of(session: Session, vault: Vault, address: Address) -> str | None:
    """The code of whoever has this address; None where we know nobody."""
    return session.scalar(select(Subscriber.code).where(Subscriber.address_key.in_(vault.keys(address))))


def of_person(session: Session, person: Subscriber) -> Suppression | None:
    """The suppression of a person's address."""
    return _of(session, [person.address_key]) if person.address_key else None


def is_suppressed(session: Session, vault: Vault, address: Address) -> bool:
    """Whether list mail may not go to an address."""
    return _of(session, vault.keys(address)) is not None


def _of(session: Session, keys: Sequence[bytes]) -> Suppression | None:
    return session.scalar(select(Suppression).where(Suppression.address_key.in_(keys)).limit(1))


def _scope(cause: Cause) -> Scope:
    return Scope.LIST if cause is Cause.SPAM_REPORT else Scope.ALL


def _write_down(session: Session, key: bytes, code: str | None, scope: Scope, reason: str, since: datetime) -> bool:
    facts = {"code": code, "scope": scope, "reason": reason, "since": since}
    insert = insert_into(session, Suppression).values(address_key=key, **facts)
    if scope is Scope.ALL:
        insert = insert.on_conflict_do_update(
            index_elements=[Suppression.address_key], set_=facts, where=Suppression.scope == Scope.LIST
        )
    else:
        insert = insert.on_conflict_do_nothing(index_elements=[Suppression.address_key])
    return session.execute(insert.returning(Suppression.address_key)).first() is not None
