"""Opening an issue for the period that is due, in the place of an unsent plan of it."""

import secrets
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

# A plan takes minutes: one that has been in the making for so long was left by a planner that died.
_ABANDONED_AFTER = timedelta(hours=1)


class NothingToPlan(Refused):
    """There is no issue to be made: the period has its issue already, or nobody would get anything."""


def clear_unsent(
    database: Database, community: Community, cadence: Cadence, now: datetime, *, if_new: bool = False
) -> int | None:
    """Cancel what was planned of the period that is due, and what a dead planner left of an earlier one.

    Returns the number of the plan that stood there. Opens its own transactions. Raises NothingToPlan where the period's
    issue is on its way, or sent; with `if_new` also where it is planned.
    """
    with database.reading() as session:
        period = periods.due(cadence, community, now, newest(session, POSITION))
        query = select(Issue).where(
            Issue.cadence == cadence, Issue.period_key == period.key, Issue.state != Phase.CANCELLED
        )
        issue = session.scalar(query)
        # A planner that died with an earlier period has moved the cursors of some readers: they must come back.
        abandoned = session.scalars(
            select(Issue.id)
            .where(Issue.cadence == cadence, Issue.period_key != period.key, Issue.state == Phase.PLANNING)
            .order_by(Issue.id.desc())
        ).all()
    if issue is not None:
        _require_replaceable(issue, now, if_new=if_new)
        cancelling.cancel(database, issue.id, now)
    for issue_id in abandoned:
        cancelling.cancel(database, issue_id, now)
    cancelling.finish_cancelling(database, cadence, now)
    return issue.id if issue else None


def _require_replaceable(issue: Issue, now: datetime, *, if_new: bool) -> None:
    if issue.sending_at is not None:
        raise NothingToPlan(
            f"The {issue.cadence} issue of {issue.period_key} is {issue.state} already (issue {issue.id})."
            " The next one can be planned when its period is due."
        )
    died = issue.state is Phase.PLANNING and issue.created_at < now - _ABANDONED_AFTER
    if if_new and not died:
        word = "being planned at this moment" if issue.state is Phase.PLANNING else f"{issue.state} already"
        raise NothingToPlan(f"The {issue.cadence} issue of {issue.period_key} is {word} (issue {issue.id}).")


def open_issue(
    database: Database,
    community: Community,
    cadence: Cadence,
    subject: str | None,
    intro_md: str,
    planned_by: str | None,
    now: datetime,
) -> int:
    """Open the issue of the period that is due, up to the newest item. Returns its number.

    Without a subject of staff's its letters get one in each reader's language. Raises NothingToPlan where somebody else
    was quicker.
    """
    try:
        with database.transaction() as session:
            position = newest(session, POSITION, lock=True)
            period = periods.due(cadence, community, now, position)
            issue = Issue(
                cadence=cadence,
                period_key=period.key,
                through_position=position,
                subject=subject or "",
                intro_md=intro_md,
                salt=secrets.token_bytes(16),
                state=Phase.PLANNING,
                plan_hash=None,
                planned_to=0,
                created_at=now,
                planned_by=planned_by,
                approved_by=None,
                allowed={},
                sending_at=None,
                ended_at=None,
            )
            session.add(issue)
            session.flush()
            return issue.id
    except IntegrityError as error:
        raise NothingToPlan(f"Somebody else is planning the {cadence} issue at this moment.") from error


def being_planned(session: Session, issue_id: int) -> Issue:
    """An issue whose plan is being made, held still. Raises Refused where somebody cancelled it meanwhile."""
    issue = issues.get(session, issue_id, lock=True)
    if issue.state is not Phase.PLANNING:
        raise Refused("The plan was cancelled while it was being made.")
    return issue
