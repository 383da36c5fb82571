"""Addresses that must not be written to: how they become so, how far that reaches, and what it ends."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.db import insert_into
from coalition.models import Ended, Scope, Subscriber, Suppression
from coalition.services import subscriptions


class Cause(StrEnum):
    """Why an address must not be written to."""

    HARD_BOUNCE = "hard bounce"  # the mailbox does not exist


_SCOPE = {Cause.HARD_BOUNCE: Scope.ALL}
_ENDS = {Cause.HARD_BOUNCE: Ended.BOUNCED}


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
    scope = _SCOPE[cause]
    insert = insert_into(session, Suppression).values(
        address_key=person.address_key, code=person.code, scope=scope, reason=cause, since=now
    )
    wider = {"code": person.code, "scope": scope, "reason": cause, "since": now}
    if scope is Scope.ALL:
        insert = insert.on_conflict_do_update(
            index_elements=[Suppression.address_key], set_=wider, where=Suppression.scope == Scope.LIST
        )
    else:
        insert = insert.on_conflict_do_nothing(index_elements=[Suppression.address_key])
    is_new = session.execute(insert.returning(Suppression.address_key)).first() is not None
    ended = subscriptions.end_all(session, person, _ENDS[cause], now)
    return is_new or bool(ended)
