"""The reader's hour on the wall: gaps, overlaps, skipped days, unknown zones, and how far a choice may reach."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from coalition.models import Cadence
from coalition.services import moments
from coalition.services.moments import REACH, Hour

LONDON = ZoneInfo("Europe/London")
GOES = datetime(2026, 11, 23, 8, tzinfo=UTC)  # a Monday


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on(day: str, hour: int, zone: str) -> datetime:
    return moments.at(date.fromisoformat(day), hour, ZoneInfo(zone))


def due(zone: str, hour: int, goes_at: datetime, cadence: Cadence = Cadence.DAILY) -> datetime:
    return moments.due(Hour(zone, hour), cadence, goes_at, LONDON)


@pytest.mark.parametrize(
    ("zone", "day", "hour", "moment"),
    [
        ("Europe/London", "2026-11-23", 8, "2026-11-23T08:00"),
        ("Europe/London", "2026-07-01", 8, "2026-07-01T07:00"),
        ("Pacific/Kiritimati", "2026-11-23", 0, "2026-11-22T10:00"),  # +14
        ("Asia/Kathmandu", "2026-11-23", 8, "2026-11-23T02:15"),  # +5:45
        ("Pacific/Chatham", "2026-11-23", 8, "2026-11-22T18:15"),  # +13:45 in summer
        ("Pacific/Pago_Pago", "2026-11-23", 23, "2026-11-24T10:00"),  # -11
    ],
)
def test_an_hour_of_a_day_is_one_moment(zone: str, day: str, hour: int, moment: str) -> None:
    assert on(day, hour, zone) == at(moment)


@pytest.mark.parametrize(
    ("zone", "day", "hour", "jump"),
    [
        ("Europe/London", "2027-03-28", 1, "2027-03-28T01:00"),  # 00:59:59 is followed by 02:00
        ("America/New_York", "2027-03-14", 2, "2027-03-14T07:00"),
        ("Australia/Lord_Howe", "2026-10-04", 2, "2026-10-03T15:30"),  # half an hour is lost: 02:00 to 02:30
        ("America/Havana", "2027-03-14", 0, "2027-03-14T05:00"),  # the day begins at 01:00
        ("Africa/Cairo", "2027-04-30", 0, "2027-04-29T22:00"),
        ("Pacific/Apia", "2011-12-30", 0, "2011-12-30T10:00"),  # a day that Samoa never had
        ("Pacific/Apia", "2011-12-30", 12, "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30", 23, "2011-12-30T10:00"),
    ],
)
def test_where_clocks_jump_over_an_hour_the_jump_counts(zone: str, day: str, hour: int, jump: str) -> None:
    moment, wanted = on(day, hour, zone), datetime.combine(date.fromisoformat(day), datetime.min.time())
    wanted += timedelta(hours=hour)

    assert moment == at(jump)
    assert moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) > wanted
    assert (moment - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) < wanted


@pytest.mark.parametrize(
    ("zone", "day", "hour", "first"),
    [
        ("Europe/London", "2026-10-25", 1, "2026-10-25T00:00"),
        ("America/New_York", "2026-11-01", 1, "2026-11-01T05:00"),
        ("America/Havana", "2027-11-07", 0, "2027-11-07T04:00"),
        ("Australia/Lord_Howe", "2027-04-04", 2, "2027-04-03T15:30"),  # 01:30 to 02:00 twice, 02:00 once
    ],
)
def test_an_hour_that_comes_twice_counts_the_first_time(zone: str, day: str, hour: int, first: str) -> None:
    assert on(day, hour, zone) == at(first)


def test_an_issue_between_the_two_hours_waits_for_the_next_day() -> None:
    second = at("2026-10-25T00:30")  # 01:30 on London's walls, and again an hour later

    assert due("Europe/London", 1, second) == at("2026-10-26T01:00")


def test_a_day_on_the_wall_is_not_24_hours() -> None:
    spring, autumn = at("2027-03-27T08:30"), at("2026-10-24T07:30")

    assert due("Europe/London", 8, spring) == at("2027-03-28T07:00")
    assert due("Europe/London", 8, autumn) == at("2026-10-25T08:00")


def test_a_copy_for_the_day_that_samoa_skipped_comes_as_the_next_day_begins() -> None:
    goes = at("2011-12-29T20:00")  # 10:00 on the 29th there

    assert due("Pacific/Apia", 8, goes) == at("2011-12-30T10:00")
    friday = Hour("Pacific/Apia", 8, weekday=4)  # the skipped day was one
    assert moments.due(friday, Cadence.WEEKLY, goes, LONDON) == at("2011-12-30T10:00")


@pytest.mark.parametrize(
    "name", ["Nowhere/Town", "", "Europe", "../../etc/passwd", "/etc/localtime", "Zürich", "a\0b", "x" * 5000]
)
def test_a_zone_that_is_unknown_falls_back_to_the_communitys(name: str) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")

    assert moments.zone_of(name, tokyo) is tokyo
    assert moments.due(Hour(name, 20), Cadence.DAILY, GOES, tokyo) == at("2026-11-23T11:00")


def test_old_and_new_names_of_a_place_mean_the_same() -> None:
    assert due("Europe/Kiev", 8, GOES) == due("Europe/Kyiv", 8, GOES)


def test_every_zone_on_offer_exists_and_is_a_place() -> None:
    offered = moments.zones()

    assert {"Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Argentina/Ushuaia", "UTC"} <= {*offered}
    assert not {"EST", "GMT+0", "Etc/GMT+5", "posixrules", "localtime", "Factory"} & {*offered}
    assert {ZoneInfo(name).key for name in offered} == {*offered}


@pytest.mark.parametrize("cadence", Cadence)
def test_without_a_choice_a_copy_goes_at_once(cadence: Cadence) -> None:
    assert moments.due(None, cadence, GOES, LONDON) == GOES


@pytest.mark.parametrize("weekday", [None, 0, 6])
def test_as_it_happens_never_waits(weekday: int | None) -> None:
    for hour in range(24):
        assert moments.due(Hour("Asia/Tokyo", hour, weekday), Cadence.AS_IT_HAPPENS, GOES, LONDON) == GOES


def test_the_hour_itself_is_not_too_late_and_a_second_after_it_is() -> None:
    assert due("Europe/London", 8, GOES) == GOES
    assert due("Europe/London", 8, GOES + timedelta(seconds=1)) == GOES + timedelta(days=1)


def test_a_daily_copy_has_no_weekday() -> None:
    assert moments.due(Hour("Europe/London", 9, weekday=4), Cadence.DAILY, GOES, LONDON) == at("2026-11-23T09:00")


@pytest.mark.parametrize("cadence", [Cadence.WEEKLY, Cadence.MONTHLY])
def test_the_weekday_of_the_issue_with_its_hour_past_is_a_week_away(cadence: Cadence) -> None:
    assert moments.due(Hour("Europe/London", 7, 0), cadence, GOES, LONDON) == at("2026-11-30T07:00")
    assert moments.due(Hour("Europe/London", 7), cadence, GOES, LONDON) == at("2026-11-24T07:00")


@pytest.mark.parametrize("cadence", [Cadence.DAILY, Cadence.WEEKLY, Cadence.MONTHLY])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Asia/Kathmandu", "UTC", "Pacific/Pago_Pago"])
def test_each_choice_is_met_within_the_reach_of_its_cadence(cadence: Cadence, zone: str) -> None:
    place = ZoneInfo(zone)
    for weekday in (None, *range(7)):
        for hour in range(24):
            for minutes in range(0, 24 * 60, 95):
                goes = GOES + timedelta(minutes=minutes)
                moment = moments.due(Hour(zone, hour, weekday), cadence, goes, LONDON)
                wall, since = moment.astimezone(place), goes.astimezone(place)
                assert moment >= goes
                assert (wall.hour, wall.minute, wall.second) == (hour, 0, 0)
                assert wall.date() - since.date() <= timedelta(days=REACH[cadence])
                assert cadence is Cadence.DAILY or weekday in {None, wall.weekday()}
