"""Periods: which edition of a cadence is due, and since when its readers could have been waiting."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.db import insert_into
from coalition.models import Cadence, JobRun
from coalition.services import moments


@dataclass(frozen=True)
class Period:
    """One period that is due. `began_at` is where the last full period before `due_at` starts."""

    key: str
    began_at: datetime
    due_at: datetime


def due(cadence: Cadence, community: Community, now: datetime, position: int) -> Period:
    """The latest period of a cadence that is due already, by the community's hour and zone.

    As it happens has no clock: its period is named by the newest position.
    """
    if cadence is Cadence.AS_IT_HAPPENS:
        return Period(str(position), now, now)
    day = now.astimezone(community.timezone).date()
    if _at(day, community) > now:
        day -= timedelta(days=1)
    match cadence:
        case Cadence.DAILY:
            return Period(day.isoformat(), _at(day - timedelta(days=1), community), _at(day, community))
        case Cadence.WEEKLY:
            day -= timedelta(days=(day.weekday() - community.weekday) % 7)
            year, week, _ = day.isocalendar()
            return Period(f"{year}-W{week:02}", _at(day - timedelta(days=7), community), _at(day, community))
        case Cadence.MONTHLY:
            day = day.replace(day=1)
            before = (day - timedelta(days=1)).replace(day=1)
            return Period(f"{day:%Y-%m}", _at(before, community), _at(day, community))


def job_of(cadence: Cadence) -> str:
    """Under which name it is marked that a period of a cadence was seen to."""
    return f"issue {cadence}"


def take(session: Session, cadence: Cadence, key: str, now: datetime) -> bool:
    """Mark a period as seen to, so that nothing plans it by itself any more. False where it was marked already."""
    insert = insert_into(session, JobRun).values(name=job_of(cadence), slot=key, at=now)
    taken = insert.on_conflict_do_nothing(index_elements=["name", "slot"]).returning(JobRun.slot)
    return session.execute(taken).first() is not None


def _at(day: date, community: Community) -> datetime:
    """The community's hour on a day."""
    return moments.at(day, community.hour, community.timezone)
