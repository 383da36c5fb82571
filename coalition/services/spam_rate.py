"""How many letters of a day were reported as spam. Google and Yahoo ask for less than 0.1 %, and act from 0.3 % on."""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from coalition.models import Audit, Bounce, Delivery, Fate, Issue, Outbound, Phase
from coalition.services import audit, issues

ALERT, HOLD = 0.001, 0.003
_FEWEST = 2  # one reader alone must not stop everybody's mail

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Day:
    """The letters of issues that went on one day (UTC), and how many of them were reported."""

    day: date
    sent: int
    reports: int

    @property
    def rate(self) -> float:
        """The share of letters that were reported."""
        return self.reports / max(self.sent, self.reports, 1)

    @property
    def is_alarming(self) -> bool:
        """Whether staff should look at what they send, and to whom."""
        return self.rate >= ALERT

    def __str__(self) -> str:
        return f"{self.rate:.2%} on {self.day} ({self.reports} of {self.sent})"


def watch(session: Session, sent_at: datetime) -> None:
    """Look at the day of a letter that was just reported: tell staff, or hold what is being sent until they say so.

    The day on which the letters went, not the one on which reports come: a mailbox may be read late, and all at once.
    """
    day = of_day(session, sent_at.astimezone(UTC).date())
    if day.rate >= HOLD and day.reports >= _FEWEST:
        sending = session.scalars(select(Issue.id).where(Issue.state == Phase.SENDING).order_by(Issue.id.desc()))
        for issue_id in sending.all():
            issues.hold(session, issue_id)
            audit.record(session, "spam rate hold", str(issue_id))
            log.error("issue %s is on hold: the spam rate is %s", issue_id, day)
    elif day.is_alarming:
        log.warning("the spam rate is %s", day)
    if day.is_alarming and not _was_told(session, day):
        audit.record(session, "spam rate alert", str(day.day))


def of_day(session: Session, day: date) -> Day:
    """Count one day."""
    begins = datetime.combine(day, time(), UTC)
    ends = begins + timedelta(days=1)
    going = select(Issue.id).where(Issue.sending_at < ends, or_(Issue.ended_at.is_(None), Issue.ended_at >= begins))
    sent = select(func.count()).where(
        Delivery.issue_id.in_(going),
        Delivery.state == Outbound.SENT,
        Delivery.ended_at >= begins,
        Delivery.ended_at < ends,
    )
    reports = (
        select(func.count())
        .select_from(Bounce)
        .join(Delivery, Delivery.id == Bounce.delivery_id)
        .where(
            Bounce.fate == Fate.SPAM,
            Bounce.sent_at >= begins,
            Bounce.sent_at < ends,
            Delivery.issue_id.is_not(None),
        )
    )
    return Day(day, session.scalar(sent) or 0, session.scalar(reports) or 0)


def recent(session: Session, now: datetime, days: int = 7) -> list[Day]:
    """The days of the last week of which letters were reported, the worst first."""
    since = now - timedelta(days=days)
    moments = session.scalars(select(Bounce.sent_at).where(Bounce.fate == Fate.SPAM, Bounce.sent_at >= since))
    found = {moment.astimezone(UTC).date() for moment in moments}
    return sorted((of_day(session, day) for day in found), key=lambda each: (-each.rate, each.day))


def _was_told(session: Session, day: Day) -> bool:
    told = select(Audit.id).where(Audit.action == "spam rate alert", Audit.subject == str(day.day))
    return session.scalar(told.limit(1)) is not None
