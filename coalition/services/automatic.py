"""Issues that go without anybody: those cadences that `community.toml` names, planned and sent when they are due."""

import logging
from datetime import datetime

from sqlalchemy import exists, or_, select

from coalition.community import Community
from coalition.db import Database
from coalition.errors import Refused
from coalition.mail.letters import Letters
from coalition.models import Cadence, Issue, Item, JobRun, Phase, Subscription
from coalition.services import issues, opening, periods, planning, preflight
from coalition.services.counters import POSITION, newest
from coalition.services.outbox.composing import Composer

log = logging.getLogger(__name__)


def plan_and_send(
    database: Database, letters: Letters, composer: Composer, community: Community, now: datetime
) -> dict[str, int]:
    """Plan and send every automatic cadence whose period nobody has looked at yet. Returns letters by cadence.

    Where issues have to be approved, they are planned only. Any number of processes may call it.
    """
    done = {}
    for name in community.automatic:
        cadence = Cadence(name)
        if not community.approval:
            _send_planned(database, letters, composer, community, cadence, now)
        if _take(database, community, cadence, now):
            try:
                made = planning.plan(database, letters, community, cadence, subject=None, intro_md="", now=now)
            except Refused:
                continue  # nothing new for anybody, or staff were quicker
            if not community.approval:
                _send(database, letters, composer, community, made.issue_id, now)
            done[name] = made.letters
    return done


def _send(
    database: Database, letters: Letters, composer: Composer, community: Community, issue_id: int, now: datetime
) -> None:
    """Send what may leave; an issue that may not stays planned, for staff to mend."""
    with database.reading() as session:
        issue = issues.get(session, issue_id)
        stops = preflight.stopping(issue, preflight.findings(session, letters, composer, issue, now))
    if stops:
        log.warning("issue %s was planned and is not sent: %s", issue_id, ", ".join(each.name for each in stops))
        return
    with database.transaction() as session:
        # Somebody may have cancelled it meanwhile.
        if issues.get(session, issue_id, lock=True).state is Phase.PLANNED:
            issues.send(session, community, issue_id, now)


def _send_planned(
    database: Database, letters: Letters, composer: Composer, community: Community, cadence: Cadence, now: datetime
) -> None:
    """Send what a process planned that died before it could send it: its readers' cursors have moved."""
    planned = select(Issue.id).where(Issue.cadence == cadence, Issue.state == Phase.PLANNED, Issue.planned_by.is_(None))
    with database.reading() as session:
        found = session.scalars(planned.order_by(Issue.id)).all()
    for issue_id in found:
        _send(database, letters, composer, community, issue_id, now)


def _take(database: Database, community: Community, cadence: Cadence, now: datetime) -> bool:
    """Whether there may be news for somebody, and this period is ours: its row can be written once.

    What was published after the hour of a day waits for the next day's; what staff have planned is theirs to send.
    """
    with database.reading() as session:
        period = periods.due(cadence, community, now, newest(session, POSITION))
        news = exists().where(
            Subscription.cadence == cadence,
            Subscription.ended_at.is_(None),
            Item.topic_id == Subscription.topic_id,
            Item.position > Subscription.cursor,
            Item.added_at <= period.due_at,
            Item.withdrawn_at.is_(None),
        )
        # What a planner of ours left in the middle is gone on with.
        silent = exists().where(
            Issue.cadence == cadence,
            Issue.period_key == period.key,
            Issue.state == Phase.PLANNING,
            Issue.planned_by.is_(None),
            Issue.dealt_at < now - opening.SILENT,
        )
        if session.scalar(select(silent)):
            return True
        # A planner that died has moved cursors past news that nobody got.
        abandoned = exists().where(
            Issue.cadence == cadence, Issue.period_key != period.key, Issue.state == Phase.PLANNING
        )
        seen = exists().where(JobRun.name == periods.job_of(cadence), JobRun.slot == period.key)
        planned = exists().where(
            Issue.cadence == cadence, Issue.period_key == period.key, Issue.state != Phase.CANCELLED
        )
        if session.scalar(select(or_(seen, planned))) or not session.scalar(select(or_(news, abandoned))):
            return False
    with database.transaction() as session:
        return periods.take(session, cadence, period.key, now)
