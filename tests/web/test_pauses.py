"""A break: its lengths and days, to the edge of the calendar and over the hours that clocks skip or repeat."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from coalition.clock import utcnow
from tests.house import House, a_subscriber, hidden
from tests.web.doors import digest_link, with_community
from tests.web.reading import field_value, parse
from tests.web.rows import nothing_changes

_NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)


def _day_field(page_of: object) -> dict[str, str]:
    [field] = [each for each in parse(page_of).iter("input") if each.get("name") == "day"]  # type: ignore[arg-type]
    return {name: field.get(name, "") for name in ("min", "max")}


@pytest.mark.parametrize(("length", "days"), [("14", 14), ("30", 30)])
def test_a_break_of_two_weeks_or_a_month(house: House, length: str, days: int) -> None:
    with time_machine.travel(_NOW, tick=False):
        a_subscriber(house)
        answer = house.press(digest_link(house), action="pause", length=length)
        assert answer.status_code == 303
        assert "Your break is saved." in house.browser.get(answer.headers["Location"]).text
        assert house.person("ada@example.org").pause_until == _NOW + timedelta(days=days)


_NO_DAYS = (
    "2026-11-22", "2026-11-23", "1999-01-01", "0001-01-01", "9999-12-31", "2027-11-25", "2026-02-30", "2026-13-01",
    "tomorrow", "", "24.11.2026", "-1", "0", "<script>", "2026-11-24T", "\uff12026-12-01", "1e9", "NaN", "2026-W48-9",
)  # fmt: skip


def test_a_day_that_is_past_too_far_or_none_is_told_beside_the_field(house: House) -> None:
    with time_machine.travel(_NOW, tick=False):
        a_subscriber(house)
        with nothing_changes(house):
            for day in _NO_DAYS:
                answer = house.press(digest_link(house), action="pause", length="date", day=day)
                assert answer.status_code == 422, day
                assert 'id="day-error"' in answer.text, day
                assert "<title>Error: " in answer.text, day


def test_a_length_that_no_button_has_is_told_too(house: House) -> None:
    a_subscriber(house)
    with nothing_changes(house):
        assert house.press(digest_link(house), action="pause", length="99999").status_code == 422
        assert house.press(digest_link(house), action="pause").status_code == 422


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/London", "2027-03-28"),  # clocks go forward
        ("Europe/London", "2027-10-31"),  # and back
        ("Africa/Cairo", "2027-04-30"),  # there the skipped hour begins at midnight: the day has no 00:00
        ("America/Havana", "2027-03-14"),
        ("America/Havana", "2027-11-07"),  # and this one has 00:00 twice
        ("Pacific/Kiritimati", "2026-12-01"),
        ("Pacific/Pago_Pago", "2026-12-01"),
    ],
)
def test_letters_go_on_at_the_beginning_of_the_chosen_day_in_the_communitys_zone(
    house: House, zone: str, day: str
) -> None:
    with time_machine.travel(_NOW, tick=False):
        a_subscriber(house)
        browser = with_community(house, timezone=zone)
        url = digest_link(house)
        stamp = hidden(browser.get(url).text, "stamp")
        answer = browser.post(url, data={"action": "pause", "length": "date", "day": day, "stamp": stamp})
        assert answer.status_code == 303
        until = house.person("ada@example.org").pause_until
    assert until is not None
    local = until.astimezone(ZoneInfo(zone))
    assert local.date() == date.fromisoformat(day)
    assert (until - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() < local.date()


@pytest.mark.parametrize("zone", ["Europe/London", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("hour", [2, 23])
def test_the_first_and_the_last_day_that_the_page_offers_are_taken(house: House, zone: str, hour: int) -> None:
    with time_machine.travel(datetime(2026, 7, 1, hour, 30, tzinfo=UTC), tick=False):
        a_subscriber(house)
        browser = with_community(house, timezone=zone)
        url = digest_link(house)
        page = browser.get(url)
        offered, stamp = _day_field(page), field_value(page, "stamp")
        for day in (offered["max"], offered["min"]):
            data = {"action": "pause", "length": "date", "day": day, "stamp": stamp}
            assert browser.post(url, data=data).status_code == 303, day
        until = house.person("ada@example.org").pause_until
        assert until is not None
        assert timedelta() < until - utcnow() <= timedelta(days=1)


def test_a_break_ends_by_a_press_or_by_itself(house: House) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        a_subscriber(house)
        url = digest_link(house)
        house.press(url, action="pause", length="14")
        assert "Letters wait until 7 December 2026." in house.browser.get(url).text
        house.press(url, action="resume")
        assert not house.person("ada@example.org").is_paused(_NOW)
        house.press(url, action="pause", length="14")
        clock.shift(timedelta(days=14))
        assert "Letters wait until" not in house.browser.get(url).text
