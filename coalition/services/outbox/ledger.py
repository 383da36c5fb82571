"""Whether the ledger adds up, and how it stands."""

import re
from collections import Counter as Counts
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from coalition.models import (
    Batch,
    Claim,
    Delivery,
    Issue,
    Lane,
    Outbound,
    Pacing,
    Phase,
    Tally,
    Variant,
)
from coalition.services import issues
from coalition.services.issues import Progress
from coalition.services.outbox import breakers
from coalition.services.settling import Skip

_LATELY = timedelta(minutes=1)
_CODES = re.compile(r"\d{3}(?: +[245]\.\d+\.\d+)?")
_NOT_MAILED = {Outbound.FAILED: Skip.FAILED, Outbound.CANCELLED: Skip.CANCELLED}
# Topics are left one by one, breaks and caps leave things out while planning: their counts are of more than deliveries.
_COUNTED = (Skip.FAILED, Skip.CANCELLED, Skip.STALE, Skip.SUPPRESSED, Skip.ERASED)


@dataclass(frozen=True)
class Status:
    """How the outbox stands at a moment."""

    states: dict[str, int]  # deliveries by state
    due: dict[str, int]  # queued deliveries that may go now, by lane
    oldest_due: datetime | None
    claimed: int  # batches that senders hold
    lately: int  # letters that the mail server took in the last minute
    under_way: Sequence[Progress]  # issues that are being sent or held
    deferred: dict[str, int]  # letters that wait for another try, by the code of the last answer
    troubles: Sequence[Pacing]  # what stops or slows sending

    @property
    def seconds_left(self) -> int | None:
        """How long what is due will take, at the pace of the last minute."""
        due = sum(self.due.values())
        return round(due * _LATELY.total_seconds() / self.lately) if due and self.lately else None


def status(session: Session, now: datetime) -> Status:
    """Count deliveries by state, what is due, and what keeps it waiting."""
    states = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    due = session.execute(
        select(Batch.lane, func.count(), func.min(Batch.due_at))
        .join(Delivery, Delivery.batch_id == Batch.id)
        .outerjoin(Issue, Issue.id == Batch.issue_id)
        .where(
            Delivery.state == Outbound.QUEUED,
            Batch.due_at <= now,
            or_(Batch.issue_id.is_(None), Issue.state == Phase.SENDING),
        )
        .group_by(Batch.lane)
    )
    lanes = due.all()
    claimed = session.scalar(select(func.count()).select_from(Batch).where(Batch.state == Claim.CLAIMED))
    lately = select(func.count()).where(Delivery.state == Outbound.SENT, Delivery.ended_at > now - _LATELY)
    going = select(Issue.id).where(Issue.state.in_([Phase.SENDING, Phase.HELD])).order_by(Issue.id)
    return Status(
        states={state.value: n for state, n in states},
        due={Lane(lane).name.lower(): n for lane, n, _ in lanes},
        oldest_due=min((since for _, _, since in lanes if since), default=None),
        claimed=claimed or 0,
        lately=session.scalar(lately) or 0,
        under_way=[issues.progress(session, issue_id) for issue_id in session.scalars(going)],
        deferred=_deferred(session),
        troubles=breakers.troubles(session),
    )


def check(session: Session) -> list[str]:
    """What does not add up, one sentence each; empty when all does."""
    delivery = select(func.count()).select_from(Delivery)
    in_batch = delivery.join(Batch, Batch.id == Delivery.batch_id)
    in_issue = delivery.join(Issue, Issue.id == Delivery.issue_id)
    issue, batch = select(func.count()).select_from(Issue), select(func.count()).select_from(Batch)
    has_batches = select(Batch.id).where(Batch.issue_id == Issue.id)
    questions: dict[str, Select[int]] = {
        "deliveries are queued in a batch that is done": in_batch.where(
            Delivery.state == Outbound.QUEUED, Batch.state == Claim.DONE
        ),
        "deliveries have ended without a time": delivery.where(
            Delivery.state != Outbound.QUEUED, Delivery.ended_at.is_(None)
        ),
        "deliveries are queued and have ended": delivery.where(
            Delivery.state == Outbound.QUEUED, Delivery.ended_at.is_not(None)
        ),
        "deliveries are queued in an issue that is sent": in_issue.where(
            Delivery.state == Outbound.QUEUED, Issue.state == Phase.SENT
        ),
        "deliveries lie in a batch of another issue": in_batch.where(
            Delivery.issue_id.is_distinct_from(Batch.issue_id)
        ),
        "batches are held by nobody": batch.where(Batch.state == Claim.CLAIMED, Batch.worker.is_(None)),
        "issues are being sent and have nothing left to send": issue.where(
            Issue.state == Phase.SENDING,
            has_batches.exists(),
            ~has_batches.where(Batch.state != Claim.DONE).exists(),
        ),
        "issues are sent without a time": issue.where(Issue.state == Phase.SENT, Issue.ended_at.is_(None)),
    }
    counts = {text: session.scalar(question) or 0 for text, question in questions.items()}
    return [f"{n} {text}." for text, n in counts.items() if n] + _wrong_tallies(session)


def _wrong_tallies(session: Session) -> list[str]:
    """Whether what each issue did not bring is what the deliveries that did not go would have brought."""
    ended = session.execute(
        select(Delivery.issue_id, Delivery.variant_id, Delivery.state, Delivery.reason, func.count())
        .where(
            Delivery.issue_id.is_not(None),
            or_(
                Delivery.state.in_(_NOT_MAILED),
                and_(Delivery.state == Outbound.SKIPPED, Delivery.reason.in_(_COUNTED)),
            ),
        )
        .group_by(Delivery.issue_id, Delivery.variant_id, Delivery.state, Delivery.reason)
    ).all()
    sizes = {
        variant_id: len(items)
        for variant_id, items in session.execute(
            select(Variant.id, Variant.items).where(Variant.id.in_({row.variant_id for row in ended}))
        )
    }
    expected: Counts[tuple[int, str]] = Counts()
    for issue_id, variant_id, state, reason, n in ended:
        expected[issue_id or 0, str(_NOT_MAILED.get(state, reason))] += n * sizes.get(variant_id or 0, 0)
    told = session.execute(
        select(Tally.issue_id, Tally.reason, func.sum(Tally.n))
        .where(Tally.reason.in_(_COUNTED))
        .group_by(Tally.issue_id, Tally.reason)
    )
    counted = Counts({(issue_id, reason): int(n) for issue_id, reason, n in told})
    return [
        f"Issue {issue_id} counts {counted[issue_id, reason]} items as {reason}, its deliveries"
        f" {expected[issue_id, reason]}."
        for issue_id, reason in sorted(expected | counted)
        if expected[issue_id, reason] != counted[issue_id, reason]
    ]


def _deferred(session: Session) -> dict[str, int]:
    said = func.substr(Delivery.reply, 1, 16)
    rows = session.execute(
        select(said, func.count()).where(Delivery.state == Outbound.QUEUED, Delivery.reply.is_not(None)).group_by(said)
    )
    counted: Counts[str] = Counts()
    for text, n in rows:
        codes = _CODES.match(text)
        counted[" ".join(codes[0].split()) if codes and not text.startswith("0 ") else "no answer"] += n
    return dict(counted.most_common())
