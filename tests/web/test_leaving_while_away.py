"""Leaving while the database is away: taken, kept once, heeded before anything more is sent; and no more than that."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from coalition.clock import utcnow
from coalition.links import SAMPLE_CODE
from coalition.models import Cadence, State
from coalition.services import preferences, topics
from coalition.spool import Leaving, Spool
from coalition.tokens import Purpose
from tests.house import House, a_subscriber, heading, hidden
from tests.services.scenes import cursors, deliveries
from tests.web.doors import without_database
from tests.web.rows import statements

ADA = "ada@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def spooled(house: House) -> list[Leaving]:
    return house.resources.spool.waiting()


@pytest.mark.parametrize(("data", "press"), [(ONE_CLICK, "one-click"), ({}, "one-click"), ({"action": "all"}, "page")])
def test_x9_a_press_is_kept_and_answered_as_ever(house: House, data: dict[str, str], press: str) -> None:
    code = a_subscriber(house, ADA).code

    with without_database(house) as browser:
        answer = browser.post(f"/unsubscribe/{code}", data=data)

    assert (answer.status_code, heading(answer)) == (200, "You have left")
    [leaving] = spooled(house)
    assert (leaving.code, leaving.press) == (code, press)
    [file] = house.config.spool.iterdir()
    assert file.read_text() == f"{press} {leaving.at.isoformat()}\n"


def test_x9_no_letter_goes_before_the_press_is_heeded(house: House) -> None:
    house.publish()
    code = a_subscriber(house, ADA, cursor=0).code
    a_subscriber(house, "bob@example.org", cursor=0)
    house.send(house.plan())

    with without_database(house) as browser:
        browser.post(f"/unsubscribe/{code}", data=ONE_CLICK)
    sent = house.drain()

    assert [each.recipient for each in sent] == ["bob@example.org"]
    assert [each.reason for each in deliveries(house, address=ADA)] == ["left"]
    assert house.person(ADA).state is State.LEFT
    assert spooled(house) == []


def test_the_next_press_on_any_page_heeds_what_waits(house: House) -> None:
    code = a_subscriber(house, ADA).code
    with without_database(house) as browser:
        browser.post(f"/unsubscribe/{code}")

    house.browser.get("/")
    assert house.person(ADA).state is State.ACTIVE
    house.sign_up("bob@example.org")

    assert house.person(ADA).state is State.LEFT


def test_a_code_is_kept_once_with_its_first_press(house: House) -> None:
    code = a_subscriber(house, ADA).code

    with without_database(house) as browser:
        for data in ({"action": "all"}, ONE_CLICK, {}):
            assert browser.post(f"/unsubscribe/{code}", data=data).status_code == 200

    [leaving] = spooled(house)
    assert leaving.press == "page"


def test_a_code_that_nobody_has_is_kept_and_then_forgotten(house: House) -> None:
    with without_database(house) as browser:
        assert browser.post(f"/unsubscribe/{'a' * 26}").status_code == 200

    assert house.resources.backlog.work_off_leavings() == 1
    assert spooled(house) == []


def test_what_is_no_code_is_not_kept(house: House) -> None:
    with without_database(house) as browser:
        for code in ("a" * 25, "a" * 25 + "1", "..", "%2e%2e%2fa"):
            assert browser.post(f"/unsubscribe/{code}").status_code in {404, 405}
        assert browser.post(f"/unsubscribe/{SAMPLE_CODE}").status_code == 200

    assert spooled(house) == []


def test_a_full_spool_says_so_and_keeps_what_it_has(house: House) -> None:
    full = replace(house.resources, spool=Spool(house.config.spool, most=2))
    with without_database(replace_resources(house, full)) as browser:
        for letter in "ab":
            assert browser.post(f"/unsubscribe/{letter * 26}").status_code == 200
        refused = browser.post(f"/unsubscribe/{'c' * 26}")
        assert browser.post(f"/unsubscribe/{'b' * 26}").status_code == 200

    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert sorted(each.code[0] for each in spooled(house)) == ["a", "b"]


def test_a_spool_that_is_away_too_says_so(house: House, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    away = replace(house.resources, spool=Spool(tmp_path / "file" / "spool"))

    with without_database(replace_resources(house, away)) as browser:
        answer = browser.post(f"/unsubscribe/{'a' * 26}")

    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def test_the_page_offers_only_what_it_can_do(house: House) -> None:
    code = a_subscriber(house, ADA).code

    with without_database(house) as browser:
        for path in (f"/unsubscribe/{code}", f"/unsubscribe/{code}?topic=housing"):
            page = browser.get(path)
            assert page.status_code == 200
            assert page.text.count("<button") == 1
            assert 'name="action" value="all"' in page.text

    assert spooled(house) == []


@pytest.mark.parametrize("data", [{"action": "topic", "topic": "housing"}, {"action": "pause", "length": "14"}])
def test_a_smaller_wish_is_not_made_a_greater_one(house: House, data: dict[str, str]) -> None:
    code = a_subscriber(house, ADA).code

    with without_database(house) as browser:
        answer = browser.post(f"/unsubscribe/{code}", data=data)

    assert answer.status_code == 503
    assert 'name="action" value="all"' in answer.text
    assert spooled(house) == []


def test_leaving_on_the_page_of_choices_is_kept_too(house: House) -> None:
    person = a_subscriber(house, ADA)
    url = house.resources.links.preferences(person.code, person.epoch, utcnow())
    stamp = hidden(house.browser.get(url).text, "stamp")

    with without_database(house) as browser:
        saved = browser.post(url, data={"action": "save", "format": "text", "stamp": stamp})
        forged = browser.post(url, data={"action": "leave", "stamp": f"{stamp}x"})
        assert spooled(house) == []
        left = browser.post(url, data={"action": "leave", "stamp": stamp})

    assert (saved.status_code, forged.status_code) == (503, 503)
    assert (left.status_code, heading(left)) == (200, "You have left")
    [leaving] = spooled(house)
    assert (leaving.code, leaving.press) == (person.code, "preferences")


def test_an_old_link_leaves_nobody_while_the_database_is_away(house: House) -> None:
    person = a_subscriber(house, ADA)
    token = house.resources.tokens.make(Purpose.PREFERENCES, f"{person.code}-1", utcnow() - timedelta(days=101))

    with without_database(house) as browser:
        assert browser.post(f"/preferences/{token}", data={"action": "leave"}).status_code == 410

    assert spooled(house) == []


def test_what_was_chosen_after_the_press_stays(house: House) -> None:
    person = a_subscriber(house, ADA, ("housing",))
    pressed = utcnow()
    with house.database.transaction() as session:
        wanted = {topics.get(session, slug).id: Cadence.WEEKLY for slug in ("housing", "events")}
        preferences.save(session, house.config.community, person, wanted, person.format, utcnow(), may_return=True)
    house.resources.spool.keep(Leaving(person.code, "one-click", pressed))

    house.resources.backlog.work_off_leavings()

    assert list(cursors(house, person)) == ["events"]
    assert house.person(ADA).state is State.ACTIVE


def test_a_press_that_was_heeded_and_not_cleared_away_does_no_harm_again(house: House) -> None:
    person = a_subscriber(house, ADA)
    leaving = Leaving(person.code, "one-click", utcnow())
    house.resources.spool.keep(leaving)
    house.resources.backlog.work_off_leavings()
    house.sign_up(ADA)
    house.drain()
    house.confirm(ADA)

    house.resources.spool.keep(leaving)  # as after a crash between the commit and the clearing away
    house.resources.backlog.work_off_leavings()

    assert house.person(ADA).state is State.ACTIVE


def test_what_else_lies_in_the_folder_is_left_alone(house: House) -> None:
    person = a_subscriber(house, ADA)
    house.config.spool.mkdir()
    (house.config.spool / "README").write_text("not a leaving")
    (house.config.spool / person.code).write_text("\0 damaged in a power cut")

    assert house.resources.backlog.work_off_leavings() == 1

    assert house.person(ADA).state is State.LEFT
    assert [path.name for path in house.config.spool.iterdir()] == ["README"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_x9_a_database_that_somebody_holds_keeps_nobody_on_the_list(house: House) -> None:
    code = a_subscriber(house, ADA).code
    with house.database.reading() as session:
        session.execute(text("PRAGMA busy_timeout=0"))  # of the one connection that the pool holds
    holder = sqlite3.connect(house.config.home / "coalition.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    answer = house.browser.post(f"/unsubscribe/{code}", data=ONE_CLICK)
    holder.execute("ROLLBACK")
    holder.close()

    assert (answer.status_code, heading(answer)) == (200, "You have left")
    assert house.person(ADA).state is State.ACTIVE
    house.drain()
    assert house.person(ADA).state is State.LEFT


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_x9_nobody_waits_twice_for_a_database_that_somebody_holds(house: House) -> None:
    first, second = a_subscriber(house, ADA).code, a_subscriber(house, "bob@example.org").code
    with house.database.reading() as session:
        session.execute(text("PRAGMA busy_timeout=0"))
    holder = sqlite3.connect(house.config.home / "coalition.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    waited = []
    for code in (first, second):  # by the second press, the first one waits in the spool
        with statements(house) as tried:
            answer = house.browser.post(f"/unsubscribe/{code}", data=ONE_CLICK)
        assert (answer.status_code, heading(answer)) == (200, "You have left")
        waited.append(tried.count("BEGIN IMMEDIATE"))
    holder.execute("ROLLBACK")
    holder.close()

    assert waited == [1, 1]
    house.drain()
    assert [house.person(each).state for each in (ADA, "bob@example.org")] == [State.LEFT] * 2


def replace_resources(house: House, resources: object) -> House:
    """The same house with other parts."""
    other = object.__new__(House)
    other.__dict__ = {**house.__dict__, "resources": resources}
    return other
