"""The reader's hour: the first moment after an issue goes that shows the chosen weekday and hour on their wall."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from coalition.models import Cadence

# How many local days, counted from the day an issue goes, a reader's choice may reach.
REACH = {Cadence.AS_IT_HAPPENS: 0, Cadence.DAILY: 1, Cadence.WEEKLY: 7, Cadence.MONTHLY: 7}


@dataclass(frozen=True)
class Hour:
    """A choice: a zone by its IANA name, an hour of the day, and a weekday (0 is Monday) or any."""

    zone: str
    hour: int
    weekday: int | None = None


def due(choice: Hour | None, cadence: Cadence, goes_at: datetime, fallback: ZoneInfo) -> datetime:
    """When a copy is due for a reader with this choice. Without a choice, or where news can't wait, at once.

    Days are stepped on the wall, not by 24 hours (RFC 5545's local time; PEP 615), so an hour stays an hour across a
    change of the clocks. Where the clocks jump over it, the moment they jump counts; where it comes twice, the first.
    """
    if choice is None or not REACH[cadence]:
        return goes_at
    zone = zone_of(choice.zone, fallback)
    today = goes_at.astimezone(zone).date()
    # One day more than the reach: today's hour may be over by the time the issue goes.
    for step in range(REACH[cadence] + 1):
        day = today + timedelta(days=step)
        moment = at(day, choice.hour, zone)
        wanted = cadence is Cadence.DAILY or choice.weekday is None or day.weekday() == choice.weekday
        if wanted and moment >= goes_at:
            return moment
    return goes_at


def at(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which clocks of a zone first show a full hour of a day, or jump over it."""
    wall = datetime.combine(day, time(hour), tzinfo=zone)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    return _jump(moment - timedelta(days=1), moment + timedelta(days=1), zone, wall.replace(tzinfo=None))


@cache
def zones() -> tuple[str, ...]:
    """The zones one can choose, by their IANA names: places, not the abbreviations kept for old programs."""
    areas = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
    return (*sorted(name for name in available_timezones() if name.partition("/")[0] in areas), "UTC")


def zone_of(name: str, fallback: ZoneInfo) -> ZoneInfo:
    """The zone of this name; the community's where the name is unknown to this machine (zones are renamed)."""
    try:
        return _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return fallback


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _jump(before: datetime, after: datetime, zone: ZoneInfo, wall: datetime) -> datetime:
    """The second at which the wall clock goes past `wall` without showing it, by halving."""
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after
