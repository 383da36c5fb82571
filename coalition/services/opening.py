"""Opening an issue for the period that is due, in the place of an unsent plan of it."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.db import Database
from coalition.errors import Refused
from coalition.models import Cadence, Issue, Phase
from coalition.services import cancelling, issues, periods
from coalition.services.counters import POSITION, newest

# A page of readers takes seconds: a planner that has been silent for so long is dead.
SILENT = timedelta(minutes=10)


class NothingToPlan(Refused):
    """There is no issue to be made: the period has its issue already, or nobody would get anything."""


@dataclass(frozen=True)
class Opened:
    """The issue to plan, and the unsent one whose place it takes."""

    issue_id: int
    replaced: int | None


@dataclass(frozen=True)
class Brief:
    """What staff, or nobody, asked for. Without a subject the letters get one in each reader's language."""

    cadence: Cadence
    subject: str | None
    intro_md: str
    planned_by: str | None


def open_issue(database: Database, community: Community, brief: Brief, now: datetime, *, if_new: bool) -> Opened:
    """Open the issue of the period that is due, up to the newest item, in the place of an unsent plan of it.

    What a planner left in the middle, and would be planned the same way again, is gone on with. What a dead one left of
    an earlier period is cancelled. Opens its own transactions. Raises NothingToPlan where the period's issue is on its
    way, or sent, or somebody else was quicker; with `if_new` also where it is planned.
    """
    cadence = brief.cadence
    with database.reading() as session:
        position = newest(session, POSITION)
        period = periods.due(cadence, community, now, position)
        query = select(Issue).where(
            Issue.cadence == cadence, Issue.period_key == period.key, Issue.state != Phase.CANCELLED
        )
        issue = session.scalar(query)
        if issue is not None:
            _require_replaceable(issue, now, if_new=if_new)
            if _goes_on(session, issue, brief, position):
                return Opened(issue.id, None)
        # A planner that died with an earlier period has moved the cursors of some readers: they must come back.
        abandoned = session.scalars(
            select(Issue.id)
            .where(Issue.cadence == cadence, Issue.period_key != period.key, Issue.state == Phase.PLANNING)
            .order_by(Issue.id.desc())
        ).all()
    if issue is not None:
        cancelling.cancel(database, issue.id, now)
    for issue_id in abandoned:
        cancelling.cancel(database, issue_id, now)
    cancelling.finish_cancelling(database, cadence, now)
    return Opened(_insert(database, community, brief, now), issue.id if issue else None)


def _require_replaceable(issue: Issue, now: datetime, *, if_new: bool) -> None:
    if issue.sending_at is not None:
        raise NothingToPlan(
            f"The {issue.cadence} issue of {issue.period_key} is {issue.state} already (issue {issue.id})."
            " The next one can be planned when its period is due."
        )
    died = issue.state is Phase.PLANNING and issue.dealt_at < now - SILENT
    if if_new and not died:
        word = "being planned at this moment" if issue.state is Phase.PLANNING else f"{issue.state} already"
        raise NothingToPlan(f"The {issue.cadence} issue of {issue.period_key} is {word} (issue {issue.id}).")


def _goes_on(session: Session, issue: Issue, brief: Brief, position: int) -> bool:
    """Whether planning an issue again would make the same of it. Two who go on with it at once share its pages."""
    same = (issue.subject, issue.intro_md, issue.planned_by) == (brief.subject or "", brief.intro_md, brief.planned_by)
    is_newest = issue.through_position == position
    return issue.state is Phase.PLANNING and same and is_newest and not issues.brings_withdrawn(session, issue)


def _insert(database: Database, community: Community, brief: Brief, now: datetime) -> int:
    try:
        with database.transaction() as session:
            position = newest(session, POSITION, lock=True)
            period = periods.due(brief.cadence, community, now, position)
            issue = Issue(
                cadence=brief.cadence,
                period_key=period.key,
                through_position=position,
                subject=brief.subject or "",
                intro_md=brief.intro_md,
                salt=secrets.token_bytes(16),
                state=Phase.PLANNING,
                plan_hash=None,
                planned_to=0,
                left_out={},
                dealt_at=now,
                created_at=now,
                planned_by=brief.planned_by,
                approved_by=None,
                allowed={},
                sending_at=None,
                ended_at=None,
            )
            session.add(issue)
            session.flush()
            return issue.id
    except IntegrityError as error:
        raise NothingToPlan(f"Somebody else is planning the {brief.cadence} issue at this moment.") from error


def held_still(session: Session, issue_id: int) -> Issue:
    """An issue that is being planned, or was a moment ago. Raises Refused where somebody cancelled it meanwhile."""
    issue = issues.get(session, issue_id, lock=True)
    if issue.state is Phase.CANCELLED:
        raise Refused("The plan was cancelled while it was being made.")
    return issue
