"""Limits and machines: 429 where the address does not matter, silence where it does, one more press where in doubt."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from coalition.clock import utcnow
from coalition.models import Request
from coalition.tokens import Purpose
from tests.house import House, a_subscriber, heading, hidden
from tests.web.doors import digest_link, form_stamp, with_community
from tests.web.gallery import open_confirm_link
from tests.web.reading import faults_of
from tests.web.rows import how_many, nothing_changes

_NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)


def _sign_up(browser: FlaskClient, name: str, **request: object) -> TestResponse:
    stamp = hidden(browser.get("/join/main").text, "stamp")
    data = {"email": f"{name}@example.org", "topics": "housing", "stamp": stamp}
    return browser.post("/join/main", data=data, **request)


def _ask(browser: FlaskClient, name: str, **request: object) -> TestResponse:
    return browser.post("/preferences", data={"email": f"{name}@example.org"}, **request)


@pytest.mark.parametrize(
    "limit", ["network_10_minutes", "network_day", "neighbourhood_hour", "form_hour", "world_hour"]
)
def test_over_a_limit_the_answer_is_429_with_the_seconds_to_wait(house: House, limit: str) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        browser = with_community(house, **{limit: 2})
        assert [_sign_up(browser, name).status_code for name in ("a", "b")] == [303, 303]
        with nothing_changes(house):
            answer = _sign_up(browser, "c")
            again = _sign_up(browser, "a")
        wait = int(answer.headers["Retry-After"])
        clock.shift(timedelta(seconds=wait))
        assert _sign_up(browser, "c").status_code == 303

    assert (answer.status_code, heading(answer)) == (429, "Too many sign-ups just now")
    assert answer.get_data() == again.get_data()
    assert faults_of(answer) == []
    assert 0 < wait <= {"network_10_minutes": 600, "network_day": 86_400}.get(limit, 3600) + 1


def test_asking_for_links_and_new_letters_is_limited_too(house: House) -> None:
    with time_machine.travel(_NOW, tick=False):
        a_subscriber(house)
        confirm, weak = open_confirm_link(house), digest_link(house)
        stamps = {url: hidden(house.browser.get(url).text, "stamp") for url in (confirm, weak)}
        browser = with_community(house, world_hour=0)
        with nothing_changes(house):
            answers = [
                _ask(browser, "ada"),
                browser.post(confirm, data={"answer": "resend", "stamp": stamps[confirm]}),
                browser.post(weak, data={"action": "fresh", "stamp": stamps[weak]}),
            ]
    for answer in answers:
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0


def test_leaving_and_choosing_know_no_limit(house: House) -> None:
    a_subscriber(house)
    url, code = digest_link(house), house.person("ada@example.org").code
    stamp = hidden(house.browser.get(url).text, "stamp")
    browser = with_community(house, world_hour=0, network_10_minutes=0)
    for _ in range(10):
        assert browser.post(url, data={"action": "pause", "length": "14", "stamp": stamp}).status_code == 303
        assert browser.post(f"/unsubscribe/{code}").status_code == 200


def test_w7_a_made_up_forwarding_header_is_no_other_network(house: House) -> None:
    with time_machine.travel(_NOW, tick=False):
        browser = with_community(house, network_10_minutes=2)
        statuses = []
        for number in range(4):
            claim = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}",
                     "Forwarded": f"for=198.51.100.{number}"}  # fmt: skip
            statuses.append(_sign_up(browser, f"a{number}", headers=claim).status_code)
    assert statuses == [303, 303, 429, 429]


@pytest.mark.parametrize(
    ("addresses", "statuses"),
    [
        (["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::3"], [303, 303, 429]),
        (["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"], [303, 303, 303]),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], [303, 303, 303]),
        (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"], [303, 303, 429]),
        (["", "unix:", "nonsense"], [303, 303, 429]),
        (["fe80::1%eth0", "fe80::2%eth1", "fe80::3"], [303, 303, 429]),
    ],
)
def test_a_household_is_one_network(house: House, addresses: list[str], statuses: list[int]) -> None:
    with time_machine.travel(_NOW, tick=False):
        browser = with_community(house, network_10_minutes=2)
        environs: list[dict[str, object]] = [{"environ_overrides": {"REMOTE_ADDR": each}} for each in addresses]
        assert [_sign_up(browser, f"a{n}", **each).status_code for n, each in enumerate(environs)] == statuses


def test_one_mailbox_gets_one_letter_in_a_quarter_of_an_hour_and_nobody_sees_it(house: House) -> None:
    with time_machine.travel(_NOW, tick=False):
        spellings = ("ada", "Ada", "ada+news", "ADA+other")
        signed, asked = ([act(house.browser, name) for name in spellings] for act in (_sign_up, _ask))
    assert {answer.status_code for answer in signed} == {303}
    assert len({answer.get_data() for answer in signed}) == len({answer.get_data() for answer in asked}) == 1
    assert [each.recipient for each in house.drain()] == ["ada@example.org"]


def test_no_network_address_is_stored_readably(house: House) -> None:
    _sign_up(house.browser, "ada", environ_overrides={"REMOTE_ADDR": "192.0.2.77"})
    with house.database.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM rate").all()
    assert rows
    assert "192.0.2" not in repr(rows)


def test_a_form_that_comes_back_at_once_was_not_filled_in_by_a_person(house: House) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        browser = with_community(house, form_seconds=2)
        fast = _sign_up(browser, "fast")
        stamp = hidden(browser.get("/join/main").text, "stamp")
        clock.shift(timedelta(seconds=2))
        person = browser.post("/join/main", data={"email": "slow@example.org", "topics": "housing", "stamp": stamp})
    assert (fast.status, list(fast.headers), fast.get_data()) == (
        person.status,
        list(person.headers),
        person.get_data(),
    )
    assert [each.recipient for each in house.drain()] == ["slow@example.org"]
    with house.database.reading() as session:
        assert session.scalars(select(Request.over_limit).order_by(Request.id)).all() == [True, False]


@pytest.mark.parametrize("age", [None, timedelta(hours=25), timedelta(days=7)])
def test_a_form_without_a_stamp_of_today_leads_to_one_more_press(house: House, age: timedelta | None) -> None:
    data = {"email": "ada@example.org", "topics": ["housing", "tools"]}
    if age is not None:
        tokens = house.resources.tokens
        data["stamp"] = tokens.make(Purpose.FORM, tokens.read(Purpose.FORM, form_stamp(house)), utcnow() - age)
    with nothing_changes(house):
        asked = house.browser.post("/join/main", data=data, headers={"Origin": "https://partner.example.org"})

    assert (asked.status_code, heading(asked)) == (200, "One more press")
    assert "ada" not in str(asked.headers)
    assert "Location" not in asked.headers
    assert asked.text.count('type="hidden" name="topics"') == 2
    assert faults_of(asked) == []
    pressed = {**data, "stamp": hidden(asked.text, "stamp"), "email": hidden(asked.text, "email")}
    assert house.browser.post("/join/main", data=pressed).status_code == 303
    assert [each.recipient for each in house.drain()] == ["ada@example.org"]


def test_one_more_press_keeps_the_rules_for_addresses(house: House) -> None:
    with nothing_changes(house):
        answer = house.browser.post("/join/main", data={"email": "ada", "topics": "housing"})
    assert answer.status_code == 422
    assert how_many(house)["request"] == 0
