"""Issues in a database that came back from the past: nothing of them goes a second time, and nothing by itself.

What may have gone ends as uncertain, with a reason that says why. What has surely not gone waits in a held issue, until
staff let it go on or cancel it.
"""

import secrets
from contextlib import suppress
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.errors import Refused
from coalition.journal import Line
from coalition.models import (
    Batch,
    Cadence,
    Claim,
    Counter,
    Delivery,
    Issue,
    Outbound,
    Phase,
    Subscriber,
    Subscription,
)
from coalition.services import issues, periods
from coalition.services.counters import POSITION

# Of letters that were waiting in a database that was brought back: they may have gone before it was.
RESTORED = "restored"


def begun(session: Session, _: Community, line: Line, now: datetime) -> None:
    """A batch of an issue was about to go: if this database does not know of that, it came back from before."""
    issue = _issue(session, line)
    if issue is None or issue.sending_at is None:
        _restore(session, line, now)
    elif issue.state in {Phase.SENDING, Phase.HELD}:
        batch = _batch(session, issue, line)
        if batch is None or batch.id != line.facts.get("batch") or batch.fence < line.facts.get("fence", 0):
            those = Batch.issue_id == issue.id if batch is None else Batch.id == batch.id
            _stop(session, issue, those, now)


def over(session: Session, _: Community, line: Line, now: datetime) -> None:
    """Every letter of an issue had its end."""
    issue = _issue(session, line)
    if issue is None or issue.state is not Phase.SENT:
        _restore(session, line, now)


def held_since(session: Session, community: Community, line: Line, now: datetime) -> None:
    """Somebody put an issue on hold: it waits for their word here too, even if it was only planned in the copy."""
    issue = _issue(session, line)
    if issue is None:
        return
    if issue.sending_at is None and issue.state in {Phase.PLANNED, Phase.APPROVED}:
        begins = line.facts.get("begins")
        with suppress(Refused):  # as it stands here, it has to be approved: it can't go by itself
            issues.send(session, community, issue.id, datetime.fromisoformat(begins) if begins else line.at)
    if issue.state is Phase.SENDING:
        issue.state = Phase.HELD


def cancelled_since(session: Session, _: Community, line: Line, now: datetime) -> None:
    """Somebody cancelled an issue: it goes no more, and none is planned by itself in its place.

    What waits in it is called off by periodic work, as after a cancelling that died in the middle.
    """
    issue = _issue(session, line)
    if issue is not None and issue.state is not Phase.SENT:
        issue.state, issue.ended_at = Phase.CANCELLED, issue.ended_at or line.at
    periods.take(session, Cadence(line.facts["cadence"]), line.facts["period"], now)


def hold(session: Session, now: datetime) -> None:
    """In a database that is being brought back, let no issue go on by itself.

    The journal tells of every batch that was taken up since. Only of those that were being sent when the copy was made
    nothing outside says how far they came.
    """
    going = session.scalars(select(Issue).where(Issue.state == Phase.SENDING).order_by(Issue.id)).all()
    for issue in going:
        _stop(session, issue, Batch.state == Claim.CLAIMED, now)


def in_doubt(session: Session) -> dict[Issue, int]:
    """How many letters of which issue may have gone before the database was brought back, and wait for a word."""
    query = (
        select(Issue, func.count(Delivery.id))
        .join(Delivery, Delivery.issue_id == Issue.id)
        .where(Delivery.state == Outbound.UNCERTAIN, Delivery.reason == RESTORED)
        .group_by(Issue.id)
        .order_by(Issue.id)
    )
    return dict(session.execute(query).all())


def held(session: Session) -> list[Issue]:
    """The issues that wait for somebody to let them go on, or to cancel them."""
    return list(session.scalars(select(Issue).where(Issue.state == Phase.HELD).order_by(Issue.id)))


def _stop(session: Session, issue: Issue, doubtful: ColumnElement[bool], now: datetime) -> None:
    """Let nothing of an issue go by itself; what is in these batches, or was under way, may have gone."""
    _doubt(session, (Batch.issue_id == issue.id) & (doubtful | (Batch.state == Claim.CLAIMED)), now)
    left = select(Batch.id).where(Batch.issue_id == issue.id, Batch.state != Claim.DONE).limit(1)
    if session.scalar(left) is None:
        issue.state, issue.ended_at = Phase.SENT, now
    else:
        issue.state = Phase.HELD


def _batch(session: Session, issue: Issue, line: Line) -> Batch | None:
    """The batch in which the letter waits that the line names; by number alone it could be another one."""
    query = (
        select(Batch)
        .join(Delivery, Delivery.batch_id == Batch.id)
        .where(Delivery.nonce == line.facts.get("letter"), Batch.issue_id == issue.id)
    )
    return session.scalar(query)


def _doubt(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    """Whatever waits in these batches may have gone."""
    batches = session.scalars(select(Batch.id).where(which, Batch.state != Claim.DONE)).all()
    session.execute(
        update(Delivery)
        .where(Delivery.batch_id.in_(batches), Delivery.state == Outbound.QUEUED)
        .values(state=Outbound.UNCERTAIN, reason=RESTORED, ended_at=now)
    )
    session.execute(
        update(Batch)
        .where(Batch.id.in_(batches))
        .values(state=Claim.DONE, worker=None, lease_until=None, announced_to=None, fence=Batch.fence + 1)
    )


def _restore(session: Session, line: Line, now: datetime) -> None:
    """Make an issue one that was sent, and its cadence's readers served by it.

    Letters of it that wait here may have gone: they end as uncertain, and nobody gets a second one.
    """
    through, cadence = int(line.facts["through"]), Cadence(line.facts["cadence"])
    behind = (Subscription.cadence == cadence, Subscription.ended_at.is_(None), Subscription.cursor < through)
    readers = select(Subscription.subscriber_id).where(*behind)
    # Whoever moves cursors holds the locks on their people, always in the same order.
    session.execute(select(Subscriber.id).where(Subscriber.id.in_(readers)).order_by(Subscriber.id).with_for_update())
    session.execute(update(Subscription).where(*behind).values(cursor=through))
    session.execute(update(Counter).where(Counter.name == POSITION, Counter.value < through).values(value=through))
    issue = _issue(session, line) or _made(session, line)
    _doubt(session, Batch.issue_id == issue.id, now)
    issue.state, issue.sending_at, issue.ended_at = Phase.SENT, issue.sending_at or line.at, now


def _made(session: Session, line: Line) -> Issue:
    """The row of an issue that was planned after the backup: its period is over, its letters are not known here."""
    issue = Issue(
        cadence=Cadence(line.facts["cadence"]),
        period_key=line.facts["period"],
        through_position=int(line.facts["through"]),
        subject=line.facts["subject"],
        intro_md="",
        salt=secrets.token_bytes(16),
        state=Phase.SENT,
        plan_hash=None,
        planned_to=0,
        created_at=line.at,
        dealt_at=line.at,
        planned_by=None,
        approved_by=None,
        allowed={},
        sending_at=line.at,
        ended_at=line.at,
    )
    session.add(issue)
    session.flush()
    return issue


def _issue(session: Session, line: Line) -> Issue | None:
    query = select(Issue).where(
        Issue.cadence == Cadence(line.facts["cadence"]),
        Issue.period_key == line.facts["period"],
        Issue.state != Phase.CANCELLED,
    )
    return session.scalar(query.with_for_update(key_share=True).execution_options(populate_existing=True))
