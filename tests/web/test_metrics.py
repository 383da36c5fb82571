"""Numbers for a monitor: right ones, for whoever knows the token, and about nobody."""

import re
from dataclasses import replace

from flask.testing import FlaskClient
from sqlalchemy import select

from coalition.app import create_app
from coalition.clock import utcnow
from coalition.models import Subscriber
from coalition.services import retention, upkeep
from tests.house import House, a_subscriber
from tests.web.doors import without_database

_TOKEN = "a-long-word-of-the-monitor"
_KNOWN = {"Authorization": f"Bearer {_TOKEN}"}


def _monitored(house: House) -> FlaskClient:
    config = replace(house.config, metrics_token=_TOKEN)
    return create_app(replace(house.resources, config=config)).test_client()


def _numbers(browser: FlaskClient) -> dict[str, float]:
    answer = browser.get("/metrics", headers=_KNOWN)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    samples = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(number) for name, number in samples}


def test_without_a_token_set_there_are_no_numbers(house: House) -> None:
    assert house.browser.get("/metrics").status_code == 404
    assert house.browser.get("/metrics", headers=_KNOWN).status_code == 404


def test_whoever_does_not_know_the_token_learns_no_number(house: House) -> None:
    browser = _monitored(house)
    for told in ("", "Bearer", "Bearer ", f"Bearer {_TOKEN[:-1]}", f"Bearer {_TOKEN}x", f"Basic {_TOKEN}", "Bearer ü"):
        answer = browser.get("/metrics", headers={"Authorization": told})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), told
        assert "coalition_" not in answer.text
    assert browser.get(f"/metrics?token={_TOKEN}").status_code == 401


def test_a_monitor_comes_under_any_name_of_the_machine(house: House) -> None:
    assert _monitored(house).get("/metrics", headers={**_KNOWN, "Host": "10.0.0.7:8000"}).status_code == 200


def test_the_numbers_are_those_of_the_house(house: House) -> None:
    browser = _monitored(house)
    before = _numbers(browser)
    a_subscriber(house)
    a_subscriber(house, "bob@example.org")
    house.sign_up("eve@example.org")
    waiting = _numbers(browser)
    house.publish()
    house.send(house.plan())
    house.drain()
    after = _numbers(browser)

    assert 'coalition_people{state="active"}' not in before
    assert waiting['coalition_people{state="active"}'] == 2
    assert waiting['coalition_letters_due{lane="service"}'] == waiting['coalition_letters{state="queued"}'] == 1
    assert after['coalition_letters{state="sent"}'] == after["coalition_letters_last_minute"] == 3
    assert 'coalition_letters{state="queued"}' not in after
    assert after["coalition_letters_oldest_due_seconds"] == after["coalition_troubles"] == 0


def test_a_monitor_sees_when_each_periodic_work_was_done(house: House) -> None:
    now = utcnow()
    upkeep.tick(house.database, house.resources.eraser, now)
    numbers = _numbers(_monitored(house))
    for name in [period.name for period in retention.PERIODS] + ["end closed topics"]:
        assert abs(numbers[f'coalition_job_last_run_timestamp_seconds{{job="{name}"}}'] - now.timestamp()) < 0.01


def test_the_numbers_are_about_nobody(house: House) -> None:
    house.join("ada@example.org")
    text = _monitored(house).get("/metrics", headers=_KNOWN).text
    with house.database.reading() as session:
        codes = list(session.scalars(select(Subscriber.code)))
    assert codes
    assert "@" not in text
    assert "example.org" not in text
    assert not any(code in text for code in codes)


def test_every_line_is_one_that_prometheus_reads(house: House) -> None:
    """Text format 0.0.4: HELP and TYPE once before the samples of a name, then name, labels, number."""
    a_subscriber(house)
    upkeep.tick(house.database, house.resources.eraser, utcnow())
    answer = _monitored(house).get("/metrics", headers=_KNOWN)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    name, described = "", set()
    for line in answer.text.splitlines():
        if help_ := re.fullmatch(r"# HELP (coalition_[a-z0-9_]+) [^\\]+", line):
            name = help_[1]
            assert name not in described
            described.add(name)
        elif line.startswith("#"):
            assert line == f"# TYPE {name} gauge"
        else:
            assert re.fullmatch(rf'{name}(\{{[a-z]+="[^"\\]+"\}})? [0-9.e+]+', line), line


def test_without_its_database_a_monitor_is_told_to_come_back(house: House) -> None:
    with without_database(house) as lost:
        config = replace(house.config, metrics_token=_TOKEN)
        held = replace(lost.application.extensions["coalition"], config=config)
        assert create_app(held).test_client().get("/metrics", headers=_KNOWN).status_code == 503
