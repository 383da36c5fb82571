"""A year in thirty zones: every daily, weekly and monthly issue of 2027, and when each reader's copy of it is due."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine

from coalition.community import Community, read_community
from coalition.models import Cadence
from coalition.services import moments, periods
from coalition.services.moments import REACH, Hour
from tests.house import House, a_subscriber
from tests.services.staffroom import batches, choose_hour, plan_as, send

ZONES = (
    "Africa/Cairo", "Africa/Casablanca", "Africa/Johannesburg", "Africa/Lagos", "America/Anchorage",
    "America/Argentina/Buenos_Aires", "America/Havana", "America/Los_Angeles", "America/New_York", "America/Nuuk",
    "America/Santiago", "America/Sao_Paulo", "America/St_Johns", "Antarctica/Troll", "Asia/Beirut", "Asia/Jerusalem",
    "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Tokyo", "Atlantic/Azores", "Australia/Adelaide",
    "Australia/Eucla", "Australia/Lord_Howe", "Europe/Berlin", "Europe/London", "Pacific/Apia", "Pacific/Chatham",
    "Pacific/Kiritimati", "Pacific/Pago_Pago",
)  # fmt: skip
HOURS = (0, 1, 2, 8, 23)
EVE = datetime(2026, 12, 31, tzinfo=UTC)
ISSUES = {Cadence.DAILY: 365, Cadence.WEEKLY: 52, Cadence.MONTHLY: 12}


def the_community() -> Community:
    """The sample's: London, Mondays, at eight."""
    community, faults = read_community(Path("no such file"))
    assert faults == []
    return community


def going(community: Community, cadence: Cadence) -> list[datetime]:
    """When the issues of 2027 go: each period as soon as it is due, asked for every half an hour."""
    seen = {}
    for step in range(367 * 48):
        period = periods.due(cadence, community, EVE + timedelta(minutes=30 * step), 0)
        seen[period.key] = period.due_at
    return [moment for moment in seen.values() if moment.year == 2027]


GOING = {cadence: going(the_community(), cadence) for cadence in ISSUES}


def choices(zone: str, cadence: Cadence) -> Iterator[Hour]:
    """Every weekday and none, at some hours, those at night among them."""
    for hour in HOURS:
        for weekday in (None,) if cadence is Cadence.DAILY else (None, *range(7)):
            yield Hour(zone, hour, weekday)


@pytest.mark.parametrize("cadence", ISSUES)
def test_each_period_of_a_year_comes_once(cadence: Cadence) -> None:
    found = GOING[cadence]

    assert len(set(found)) == ISSUES[cadence]
    assert found == sorted(found)
    assert {moment.astimezone(ZoneInfo("Europe/London")).time() for moment in found} == {time(8)}


@pytest.mark.parametrize(
    ("cadence", "now", "key"),
    [
        (Cadence.WEEKLY, "2026-12-28T08:00", "2026-W53"),
        (Cadence.WEEKLY, "2027-01-04T07:59", "2026-W53"),
        (Cadence.WEEKLY, "2027-01-04T08:00", "2027-W01"),
        (Cadence.MONTHLY, "2027-01-01T07:59", "2026-12"),
        (Cadence.MONTHLY, "2027-01-01T08:00", "2027-01"),
        (Cadence.MONTHLY, "2028-02-29T23:59", "2028-02"),
        (Cadence.DAILY, "2028-02-29T08:00", "2028-02-29"),
        (Cadence.DAILY, "2028-03-01T07:59", "2028-02-29"),
    ],
)
def test_o16_a_period_has_one_name_over_the_ends_of_weeks_months_and_years(
    cadence: Cadence, now: str, key: str
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert periods.due(cadence, the_community(), moment, 0).key == key


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cadence", ISSUES)
def test_a_copy_comes_at_the_chosen_hour_never_early_and_within_reach(zone: str, cadence: Cadence) -> None:
    place, community = ZoneInfo(zone), the_community()
    for choice in choices(zone, cadence):
        for goes in GOING[cadence]:
            moment = moments.due(choice, cadence, goes, community.timezone)
            wall, since = meant(moment, place, choice.hour), goes.astimezone(place)

            assert moment >= goes
            assert (wall.hour, wall.minute, wall.second) == (choice.hour, 0, 0)
            assert moment.astimezone(place).fold == 0  # of an hour that comes twice, the first
            assert wall.date() - since.date() <= timedelta(days=REACH[cadence])
            assert choice.weekday in {None, wall.weekday()}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cadence", ISSUES)
def test_the_copies_of_a_year_come_one_after_another(zone: str, cadence: Cadence) -> None:
    place, community = ZoneInfo(zone), the_community()
    for choice in choices(zone, cadence):
        copies = [(goes, moments.due(choice, cadence, goes, community.timezone)) for goes in GOING[cadence]]
        for (goes, before), (goes_next, after) in pairwise(copies):
            # The first such hour after either issue may be the same one where a week or a day on somebody's wall
            # is shorter or longer than the other's: both copies come then, neither is lost.
            assert after > before or (after == before and changed([goes, goes_next, after], place, community.timezone))
            assert after >= before


def meant(moment: datetime, place: ZoneInfo, hour: int) -> datetime:
    """What the wall shows at a moment; or the full hour that the clocks, just then, go past without showing it."""
    wall = moment.astimezone(place).replace(tzinfo=None)
    last = (moment - timedelta(seconds=1)).astimezone(place).replace(tzinfo=None)
    skipped = datetime.combine(last.date(), time(hour))  # a day may lose its last hour
    skipped += timedelta(days=skipped < last)
    return skipped if last < skipped < wall else wall


def changed(during: list[datetime], *places: ZoneInfo) -> bool:
    """Whether somewhere the clocks were changed meanwhile."""
    week = [min(during) - timedelta(days=7), *during]
    return any(len({moment.astimezone(place).utcoffset() for moment in week}) > 1 for place in places)


def test_thirty_readers_of_thirty_zones_get_one_copy_each_at_eight_while_clocks_change(house: House) -> None:
    with time_machine.travel("2027-03-01T08:00:00+00:00", tick=False) as clock:
        readers = [a_subscriber(house, f"reader{number}@example.org", cursor=0) for number in range(len(ZONES))]
        for reader, zone in zip(readers, ZONES, strict=True):
            choose_hour(house, reader, Hour(zone, 8, weekday=6))  # Sundays: that is when most clocks change
        for number in range(6):
            goes = datetime(2027, 3, 1, 8, tzinfo=UTC) + timedelta(days=7 * number)
            clock.move_to(goes)
            house.publish(title=f"Item {number}")
            issue = plan_as(house, None, goes)
            send(house, issue, goes)
            found = batches(house, issue)

            assert sorted(batch.zone or "" for batch in found) == sorted(ZONES)
            for batch in found:
                assert batch.due_at is not None
                wall = batch.due_at.astimezone(ZoneInfo(batch.zone or ""))
                assert (wall.weekday(), wall.time()) == (6, time(8))
            clock.move_to(max(batch.due_at for batch in found if batch.due_at) + timedelta(seconds=1))
            assert len({letter.recipient for letter in house.drain()}) == len(ZONES)

        assert len(house.relay.received) == 6 * len(ZONES)
