"""What became of a delivery, written down."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from coalition.address import Address
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
from coalition.services import bounces, settling, suppressions
from coalition.services.outbox.claims import Claimed
from coalition.services.suppressions import Cause
from coalition.statements import Prepared, run_with_commit

# When a letter that was put off is tried again (RFC 5321, section 4.5.4.1, asks for days of patience).
_TRIES = [timedelta(minutes=5), timedelta(minutes=30), *[timedelta(hours=h) for h in (2, 6, 12, 24, 24, 24)]]
_LONGEST_PATIENCE = timedelta(days=5)
# How long a letter waits that stood first when a session ended; it costs no attempt.
_STAND_BACK = timedelta(minutes=1)


class Result(NamedTuple):
    """What the mail server said to one delivery."""

    delivery_id: int
    outcome: Outcome
    reply: Reply
    recipient: Address


def record(
    session: Session,
    claimed: Claimed,
    results: Sequence[Result],
    policy: Uncertain,
    now: datetime,
    meanwhile: Callable[[], None] | None = None,
) -> None:
    """Write down the results of a group. The caller has made sure that the lease is still its own.

    With `meanwhile`, digests that were taken are written down at the end of the transaction: see `run_with_commit`.
    """
    if claimed.lane is Lane.LIST:
        taken = [result for result in results if result.outcome is Outcome.ACCEPTED]
        _record_taken(session, claimed, taken, now, meanwhile)
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
    over = [each for each in deliveries if _is_over(claimed, each, by_id[each.id].outcome, now)]
    suppressions.hold(session, [each.subscriber_id for each in over if each.subscriber_id is not None])
    later: dict[timedelta, list[int]] = defaultdict(list)
    for delivery in deliveries:
        result = by_id[delivery.id]
        delivery.reply = str(result.reply)
        match result.outcome:
            case Outcome.ACCEPTED:
                _sent(session, delivery, now)
            case Outcome.DEAD_ADDRESS:
                _failed(session, delivery, "dead address", now)
                if delivery.subscriber_id is not None:
                    suppressions.suppress(session, delivery.subscriber_id, Cause.HARD_BOUNCE, now)
            case Outcome.REFUSED:
                _failed(session, delivery, "refused", now)
                bounces.refused(session, delivery, result.reply, now)
            case Outcome.UNCERTAIN if delivery.in_doubt or policy is Uncertain.HOLD:
                delivery.attempts += 1
                delivery.state, delivery.ended_at = Outbound.UNCERTAIN, now
            case Outcome.UNCERTAIN:
                delivery.attempts += 1
                delivery.reason = RETRIED
                later[timedelta()].append(delivery.id)
            case Outcome.RETRY | Outcome.OUR_FAULT:
                if _is_over(claimed, delivery, result.outcome, now):
                    _failed(session, delivery, "gave up", now)
                    bounces.refused(session, delivery, result.reply, now)
                else:
                    later[_TRIES[delivery.attempts]].append(delivery.id)
                    delivery.attempts += 1
            case Outcome.UNTRIED:
                later[_STAND_BACK].append(delivery.id)
    session.flush()
    for wait, waiting in later.items():
        # Jitter, so that not everything that was put off comes back at once.
        move(session, claimed, waiting, now + wait * random.uniform(1.04, 1.1))  # noqa: S311


def _record_taken(
    session: Session,
    claimed: Claimed,
    results: Sequence[Result],
    now: datetime,
    meanwhile: Callable[[], None] | None,
) -> None:
    """Digests that the mail server took: nearly all results are this one, and nothing else follows from it."""
    if not results:
        return
    said = [fact for each in results for fact in (each.delivery_id, str(each.reply))]
    values = {f"fact_{number}": fact for number, fact in enumerate(said)}
    taken = _taken(len(results)).asked(held=claimed.batch_id, now=now, **values)
    if meanwhile is None:
        taken.run(session)
    else:
        run_with_commit(session, taken, meanwhile)


@cache
def _taken(results: int) -> Prepared:
    """One statement for so many results, each an identifier and a reply."""
    rows = ", ".join(f"(CAST(:fact_{2 * n} AS BIGINT), CAST(:fact_{2 * n + 1} AS TEXT))" for n in range(results))
    said = text(f"VALUES {rows}").columns(column1=Delivery.id.type, column2=Delivery.reply.type).subquery("said")
    return Prepared(
        update(Delivery)
        # Once: a commit that was done but not heard of is done again. With "+ 0" each is found by its own number; by
        # the index of batches, the whole batch would be read for it.
        .where(
            Delivery.id == said.c.column1,
            Delivery.batch_id + 0 == bindparam("held"),
            Delivery.state == Outbound.QUEUED,
        )
        .values(state=Outbound.SENT, attempts=Delivery.attempts + 1, ended_at=bindparam("now"), reply=said.c.column2)
    )


def _sent(session: Session, delivery: Delivery, now: datetime) -> None:
    delivery.attempts += 1
    delivery.state, delivery.ended_at = Outbound.SENT, now
    if delivery.request_id is not None and delivery.letter not in {Letter.WELCOME, Letter.MOVED}:
        session.get_one(Request, delivery.request_id).mailed_at = now


def _failed(session: Session, delivery: Delivery, reason: str, now: datetime) -> None:
    delivery.attempts += 1
    delivery.state, delivery.reason, delivery.ended_at = Outbound.FAILED, reason, now
    if delivery.variant_id is not None:
        settling.count_failed(session, delivery, session.get_one(Variant, delivery.variant_id))


def _is_over(claimed: Claimed, delivery: Delivery, outcome: Outcome, now: datetime) -> bool:
    """Whether a letter that the mail server did not take will not be tried any more."""
    if outcome in {Outcome.DEAD_ADDRESS, Outcome.REFUSED}:
        return True
    tries = delivery.attempts
    return outcome in {Outcome.RETRY, Outcome.OUR_FAULT} and (
        tries >= len(_TRIES) or now + _TRIES[tries] > claimed.dated_at + _LONGEST_PATIENCE
    )


def move(session: Session, claimed: Claimed, delivery_ids: Sequence[int], due_at: datetime) -> None:
    """Let deliveries of a claimed batch wait, in another one that keeps its date."""
    # Those that wait for nearly the same moment wait together: a batch for each would cost more than its letters.
    due_at = due_at.replace(second=due_at.second // 10 * 10, microsecond=0) if due_at.second else due_at
    batch_id = _waiting_batch(session, claimed, due_at)
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids), Delivery.batch_id == claimed.batch_id)
        .values(batch_id=batch_id)
        .execution_options(synchronize_session=False)
    )


def _waiting_batch(session: Session, claimed: Claimed, due_at: datetime) -> int:
    found = session.scalar(
        select(Batch.id)
        .where(
            Batch.issue_id.is_not_distinct_from(claimed.issue_id),
            Batch.lane == claimed.lane,
            Batch.state == Claim.OPEN,
            Batch.due_at == due_at,
            Batch.dated_at == claimed.dated_at,
        )
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if found is not None:
        return found
    batch = Batch(
        issue_id=claimed.issue_id, lane=claimed.lane, state=Claim.OPEN, due_at=due_at, dated_at=claimed.dated_at
    )
    session.add(batch)
    session.flush()
    return batch.id
