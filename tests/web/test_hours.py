"""The reader's hour, and what a break does with the news of its time: chosen, shown again, and never by accident."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from coalition.clock import utcnow
from coalition.models import PauseMode, Subscriber
from coalition.services import moments
from tests.house import House, a_subscriber, hidden
from tests.web.doors import digest_link, with_community
from tests.web.reading import parse, words
from tests.web.rows import nothing_changes

_SAVE = {"action": "save", "topics": "1", "cadence-1": "weekly", "format": "html"}
_LISBON = {"hour": "7", "weekday": "4", "timezone": "Europe/Lisbon"}


def _hour_of(person: Subscriber) -> tuple[str | None, int | None, int | None]:
    return person.timezone, person.hour, person.weekday


def _selected(page: TestResponse, name: str) -> list[str]:
    """The values that a list shows as chosen."""
    [field] = [each for each in parse(page).iter("select") if each.get("name") == name]
    return [each.get("value", "") for each in field.iter("option") if "selected" in each.attrib]


def _shown(page: TestResponse) -> dict[str, str]:
    """The hour as the page shows it."""
    chosen = {name: _selected(page, name) for name in ("hour", "weekday", "timezone")}
    assert all(len(values) == 1 for values in chosen.values()), chosen
    return {name: values[0] for name, values in chosen.items()}


@pytest.mark.parametrize(
    ("wish", "held"),
    [
        (_LISBON, ("Europe/Lisbon", 7, 4)),
        ({"hour": "0", "weekday": "0", "timezone": "Asia/Kathmandu"}, ("Asia/Kathmandu", 0, 0)),
        ({"hour": "23", "weekday": "6", "timezone": "UTC"}, ("UTC", 23, 6)),
        ({"hour": "9", "weekday": "", "timezone": "America/Argentina/Ushuaia"}, ("America/Argentina/Ushuaia", 9, None)),
    ],
)
def test_an_hour_is_saved_and_shown_again(
    house: House, wish: dict[str, str], held: tuple[str, int, int | None]
) -> None:
    a_subscriber(house)
    answer = house.press(digest_link(house), **_SAVE, **wish)

    assert answer.status_code == 303
    assert _hour_of(house.person("ada@example.org")) == held
    assert _shown(house.browser.get(answer.headers["Location"])) == wish


def test_without_a_choice_letters_come_as_soon_as_ready_and_the_zone_offered_is_the_communitys(house: House) -> None:
    a_subscriber(house)

    shown = _shown(house.browser.get(digest_link(house)))

    assert shown == {"hour": "", "weekday": "", "timezone": house.config.community.timezone.key}
    house.press(digest_link(house), **_SAVE, **shown)
    assert _hour_of(house.person("ada@example.org")) == (None, None, None)


def test_an_hour_is_given_up_again(house: House) -> None:
    a_subscriber(house)
    house.press(digest_link(house), **_SAVE, **_LISBON)
    house.press(digest_link(house), **_SAVE, **(_LISBON | {"hour": ""}))

    assert _hour_of(house.person("ada@example.org")) == (None, None, None)


def test_a_form_that_does_not_speak_of_the_hour_leaves_it_alone(house: House) -> None:
    a_subscriber(house)
    house.press(digest_link(house), **_SAVE, **_LISBON)
    assert house.press(digest_link(house), **_SAVE).status_code == 303
    assert house.press(digest_link(house), action="pause", length="14").status_code == 303
    assert house.press(digest_link(house), action="resume").status_code == 303

    assert _hour_of(house.person("ada@example.org")) == ("Europe/Lisbon", 7, 4)


_NO_HOURS: tuple[dict[str, Any], ...] = (
    *({"hour": hour} for hour in ("24", "-1", "7.5", " 7", "07", "x", "\uff17", "7\n", "9" * 400, ["7", "8"])),
    *({"weekday": day} for day in ("7", "-1", "monday", "x", "\u0664", ["1", "2"])),
    *({"timezone": zone} for zone in ("", "Europe/Atlantis", "localtime", "../../etc/passwd", "posix/UTC", "EST5EDT")),
    *({"timezone": zone} for zone in ("europe/lisbon", "Europe/Lisbon\n", "/etc/localtime", "Z" * 9999)),
    {"timezone": ["UTC", "UTC"]},
)


def test_an_hour_that_the_page_does_not_offer_is_refused_and_nothing_else_is_saved(house: House) -> None:
    a_subscriber(house)
    house.press(digest_link(house), **_SAVE, **_LISBON)
    with nothing_changes(house):
        for wrong in _NO_HOURS:
            answer = house.press(digest_link(house), **(_SAVE | {"format": "text"} | _LISBON | wrong))
            assert answer.status_code == 400, wrong
        assert house.press(digest_link(house), **_SAVE, hour="7", weekday="4").status_code == 400


def test_every_zone_that_the_page_offers_is_taken(house: House) -> None:
    a_subscriber(house)
    page = house.browser.get(digest_link(house))
    [field] = [each for each in parse(page).iter("select") if each.get("name") == "timezone"]
    offered = [each.get("value") for each in field.iter("option")]

    assert offered == sorted(moments.zones())
    assert {"Europe/London", "America/New_York", "Asia/Tokyo", "UTC"} <= set(offered)
    for zone in (offered[0], offered[len(offered) // 2], offered[-1]):
        assert house.press(digest_link(house), **_SAVE, **(_LISBON | {"timezone": zone})).status_code == 303
        assert house.person("ada@example.org").timezone == zone


@pytest.mark.parametrize("zone", ["Etc/GMT-3", "US/Eastern", "GMT"])
def test_a_community_in_a_zone_of_an_old_name_offers_it_and_nobody_is_moved(house: House, zone: str) -> None:
    a_subscriber(house)
    browser = with_community(house, timezone=zone)
    page = browser.get(digest_link(house))

    assert _shown(page)["timezone"] == zone
    wish = _SAVE | _LISBON | {"timezone": zone, "stamp": hidden(page.text, "stamp")}
    assert browser.post(digest_link(house), data=wish).status_code == 303
    assert house.person("ada@example.org").timezone == zone


def test_a_zone_that_has_been_renamed_since_stays_chosen(house: House) -> None:
    person = a_subscriber(house)
    with house.database.transaction() as session:
        found = session.merge(person)
        found.timezone, found.hour = "Europe/Elsewhere", 7

    shown = _shown(house.browser.get(digest_link(house)))
    assert shown["timezone"] == "Europe/Elsewhere"
    assert house.press(digest_link(house), **_SAVE, **shown).status_code == 303
    assert _hour_of(house.person("ada@example.org")) == ("Europe/Elsewhere", 7, None)


@pytest.mark.parametrize("mode", list(PauseMode))
def test_a_break_takes_what_becomes_of_the_news_and_says_so(house: House, mode: PauseMode) -> None:
    a_subscriber(house)
    answer = house.press(digest_link(house), action="pause", length="14", mode=mode.value)

    assert answer.status_code == 303
    assert house.person("ada@example.org").pause_mode is mode
    text = words(parse(house.browser.get(answer.headers["Location"])))
    told = {
        PauseMode.CATCH_UP: "The first one after that brings what you missed.",
        PauseMode.CAPPED: "The first one after that brings the newest of what you missed.",
        PauseMode.SKIP: "What comes meanwhile is left out.",
    }
    assert [each for each in told.values() if each in text] == [told[mode]]


def test_a_break_without_a_word_on_the_news_brings_all_of_it(house: House) -> None:
    a_subscriber(house)
    page = parse(house.browser.get(digest_link(house)))
    modes = {each.get("value"): "checked" in each.attrib for each in page.iter("input") if each.get("name") == "mode"}
    house.press(digest_link(house), action="pause", length="30")

    assert modes == {"catch-up": True, "capped": False, "skip": False}
    assert house.person("ada@example.org").pause_mode is PauseMode.CATCH_UP


def test_a_mode_that_the_page_does_not_offer_is_refused(house: House) -> None:
    a_subscriber(house)
    with nothing_changes(house):
        for mode in ("SKIP", "none", "skip ", "\uff53kip", "0", ["skip", "skip"]):
            answer = house.press(digest_link(house), action="pause", length="14", mode=mode)
            assert answer.status_code == 400, mode


def test_what_is_saved_during_a_break_leaves_the_break_alone(house: House) -> None:
    a_subscriber(house)
    house.press(digest_link(house), action="pause", length="14", mode="skip")
    before = house.person("ada@example.org")
    house.press(digest_link(house), **_SAVE, **_LISBON)
    after = house.person("ada@example.org")

    assert (after.pause_until, after.pause_mode) == (before.pause_until, PauseMode.SKIP)
    assert after.is_paused(utcnow())


def test_a_break_from_the_leaving_page_brings_what_was_missed(house: House) -> None:
    code = a_subscriber(house).code
    answer = house.browser.post(f"/unsubscribe/{code}", data={"action": "pause", "length": "30"})

    assert answer.status_code == 200
    assert house.person("ada@example.org").pause_mode is PauseMode.CATCH_UP
