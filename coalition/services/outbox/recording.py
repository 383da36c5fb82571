"""What became of a delivery, written down."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from coalition.config import Uncertain
from coalition.mail.replies import Outcome, Reply
from coalition.models import (
    RETRIED,
    Batch,
    Claim,
    Delivery,
    Lane,
    Letter,
    Outbound,
    Request,
    Variant,
)
from coalition.services import settling, suppressions
from coalition.services.outbox.claims import Claimed
from coalition.services.suppressions import Cause

# When a letter that was put off is tried again (RFC 5321, section 4.5.4.1, asks for days of patience).
_TRIES = [timedelta(minutes=5), timedelta(minutes=30), *[timedelta(hours=h) for h in (2, 6, 12, 24, 24, 24)]]
# How long a letter waits that stood first when a session ended; it costs no attempt.
_STAND_BACK = timedelta(minutes=1)

_TAKEN = (
    update(Delivery)
    # Once: a commit that was done but not heard of is done again.
    .where(
        Delivery.id == bindparam("one"),
        Delivery.batch_id == bindparam("held"),
        Delivery.state == Outbound.QUEUED,
    )
    .values(state=Outbound.SENT, attempts=Delivery.attempts + 1, ended_at=bindparam("now"), reply=bindparam("said"))
)


@dataclass(frozen=True)
class Result:
    """What the mail server said to one delivery."""

    delivery_id: int
    outcome: Outcome
    reply: Reply


def record(session: Session, claimed: Claimed, results: Sequence[Result], policy: Uncertain, now: datetime) -> None:
    """Write down the results of a group. The caller has made sure that the lease is still its own."""
    if claimed.lane is Lane.LIST:
        taken = [result for result in results if result.outcome is Outcome.ACCEPTED]
        _record_taken(session, claimed, taken, now)
        results = [result for result in results if result.outcome is not Outcome.ACCEPTED]
    if not results:
        return
    by_id = {result.delivery_id: result for result in results}
    deliveries = session.scalars(
        select(Delivery)
        # Once: a commit that was done but not heard of is done again.
        .where(Delivery.id.in_(by_id), Delivery.batch_id == claimed.batch_id, Delivery.state == Outbound.QUEUED)
        .order_by(Delivery.id)
        .execution_options(populate_existing=True)
    ).all()
    dead = [each for each in deliveries if by_id[each.id].outcome is Outcome.DEAD_ADDRESS]
    suppressions.hold(session, [each.subscriber_id for each in dead if each.subscriber_id is not None])
    later: dict[timedelta, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        result = by_id[delivery.id]
        delivery.reply = _as_text(result.reply)
        match result.outcome:
            case Outcome.ACCEPTED:
                _sent(session, delivery, now)
            case Outcome.DEAD_ADDRESS:
                _failed(session, delivery, "dead address", now)
                if delivery.subscriber_id is not None:
                    suppressions.suppress(session, delivery.subscriber_id, Cause.HARD_BOUNCE, now)
            case Outcome.REFUSED:
                _failed(session, delivery, "refused", now)
            case Outcome.UNCERTAIN if delivery.in_doubt or policy is Uncertain.HOLD:
                delivery.attempts += 1
                delivery.state, delivery.ended_at = Outbound.UNCERTAIN, now
            case Outcome.UNCERTAIN:
                delivery.attempts += 1
                delivery.reason = RETRIED
                later[timedelta()].append(delivery)
            case Outcome.RETRY | Outcome.OUR_FAULT:
                _put_off(session, delivery, later, now)
            case Outcome.UNTRIED:
                later[_STAND_BACK].append(delivery)
    for wait, waiting in later.items():
        # A tenth of jitter, so that not everything that was put off comes back at once.
        _move(session, claimed, waiting, now + wait * random.uniform(1.0, 1.1))  # noqa: S311
    session.flush()


def _record_taken(session: Session, claimed: Claimed, results: Sequence[Result], now: datetime) -> None:
    """Digests that the mail server took: nearly all results are this one, and nothing else follows from it."""
    if results:
        session.connection().execute(
            _TAKEN,
            [
                {"one": each.delivery_id, "held": claimed.batch_id, "said": _as_text(each.reply), "now": now}
                for each in results
            ],
        )


def _as_text(reply: Reply) -> str:
    return f"{reply.code} {reply.enhanced or ''} {reply.text}".strip()


def _sent(session: Session, delivery: Delivery, now: datetime) -> None:
    delivery.attempts += 1
    delivery.state, delivery.ended_at = Outbound.SENT, now
    if delivery.request_id is not None and delivery.letter is not Letter.WELCOME:
        session.get_one(Request, delivery.request_id).mailed_at = now


def _failed(session: Session, delivery: Delivery, reason: str, now: datetime) -> None:
    delivery.attempts += 1
    delivery.state, delivery.reason, delivery.ended_at = Outbound.FAILED, reason, now
    if delivery.variant_id is not None:
        settling.count_failed(session, delivery, session.get_one(Variant, delivery.variant_id))


def _put_off(session: Session, delivery: Delivery, later: dict[timedelta, list[Delivery]], now: datetime) -> None:
    if delivery.attempts >= len(_TRIES):
        _failed(session, delivery, "gave up", now)
        return
    later[_TRIES[delivery.attempts]].append(delivery)
    delivery.attempts += 1


def _move(session: Session, claimed: Claimed, deliveries: Sequence[Delivery], due_at: datetime) -> None:
    """Put deliveries into a batch of their own, which keeps the date of the one they come from."""
    batch = Batch(
        issue_id=claimed.issue_id, lane=claimed.lane, state=Claim.OPEN, due_at=due_at, dated_at=claimed.dated_at
    )
    session.add(batch)
    session.flush()
    for delivery in deliveries:
        delivery.batch_id = batch.id
