"""What may be in the way of the next group, asked in every turn and therefore in one statement."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, select

from coalition.models import Batch, Claim, Issue, Lane, Pacing, Phase
from coalition.statements import Asked, Found, Prepared

_ASK = Prepared(
    select(
        exists().where(Pacing.breaker.is_not(None)),
        exists().where(Batch.state == Claim.OPEN, Batch.lane == int(Lane.SERVICE), Batch.due_at <= bindparam("now")),
        exists().where(Issue.id == bindparam("issue"), Issue.state == Phase.SENDING),
        exists().where(Issue.id == bindparam("issue"), Issue.state == Phase.CANCELLED),
    )
)


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Nearly always there is none."""

    trouble: bool  # letters are refused, everybody's or those to some domain
    service: bool  # a service letter is due
    hold: bool  # the issue is held
    cancelled: bool  # the issue is cancelled, and so are its letters, one by one


def ask(issue_id: int | None, now: datetime) -> Asked:
    """The question what is in the way of the letters of an issue, or of those that belong to none."""
    return _ASK.asked(now=now, issue=issue_id)


def read(found: Found, issue_id: int | None) -> Obstacles:
    """The answer to it."""
    trouble, service, goes_on, cancelled = found.rows[0]
    hold = issue_id is not None and not goes_on and not cancelled
    return Obstacles(bool(trouble), bool(service), hold, bool(cancelled))
