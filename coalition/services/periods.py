"""Periods: which edition of a cadence is due, and since when its readers could have been waiting."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from coalition.community import Community
from coalition.models import Cadence
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


def _at(day: date, community: Community) -> datetime:
    """The community's hour on a day."""
    return moments.at(day, community.hour, community.timezone)
