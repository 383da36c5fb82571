"""What is written to a request: decided by the sender, from what is true when the letter goes."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import (
    Cadence,
    Kind,
    Letter,
    Outbound,
    Request,
    Scope,
    State,
    Subscriber,
    Suppression,
)
from coalition.services import requests
from coalition.services.requests import Wish
from tests.house import House, a_subscriber
from tests.relay import Scripted
from tests.services.scenes import at_once, deliveries, drain_to, leave, states

ADA = "ada@example.org"
LINK, SIGNUP = "link", "signup"


def ask(house: House, kind: str, address: str = ADA) -> None:
    """Ask through the pages."""
    if kind == LINK:
        house.browser.post("/preferences", data={"email": address})
    else:
        house.sign_up(address)


def answer(house: House) -> tuple[Letter | None, str | None]:
    """The letter that the last request got, or why there was none."""
    house.drain()
    last = deliveries(house)[-1]
    return (last.letter, None) if last.state is Outbound.SENT else (None, last.reason)


def suppress(house: House, person: Subscriber, scope: Scope) -> None:
    with house.database.transaction() as session:
        row = Suppression(address_key=person.address_key, code=person.code, scope=scope, reason="x", since=utcnow())
        session.add(row)


def a_pending_person(house: House) -> None:
    with time_machine.travel(utcnow() - timedelta(days=2)):
        house.sign_up(ADA)
        house.drain()


@pytest.mark.parametrize(("kind", "letter"), [(SIGNUP, Letter.CONFIRM), (LINK, None)])
def test_a_stranger(house: House, kind: str, letter: Letter | None) -> None:
    ask(house, kind)

    assert answer(house) == (letter, None if letter else "unknown")


@pytest.mark.parametrize(("kind", "letter"), [(SIGNUP, Letter.CONFIRM), (LINK, None)])
def test_somebody_who_has_not_confirmed(house: House, kind: str, letter: Letter | None) -> None:
    a_pending_person(house)
    ask(house, kind)

    assert answer(house) == (letter, None if letter else "unknown")


@pytest.mark.parametrize(("kind", "letter"), [(SIGNUP, Letter.ALREADY_SUBSCRIBED), (LINK, Letter.PREFERENCES_LINK)])
def test_a_subscriber(house: House, kind: str, letter: Letter) -> None:
    a_subscriber(house, ADA)
    ask(house, kind)

    assert answer(house) == (letter, None)


@pytest.mark.parametrize(("kind", "letter"), [(SIGNUP, Letter.CONFIRM), (LINK, Letter.PREFERENCES_LINK)])
def test_somebody_who_left(house: House, kind: str, letter: Letter) -> None:
    leave(house, a_subscriber(house, ADA))
    ask(house, kind)

    assert answer(house) == (letter, None)


@pytest.mark.parametrize(("kind", "found"), [(SIGNUP, (Letter.CONFIRM, None)), (LINK, (None, "unknown"))])
def test_somebody_who_wants_no_list_mail(house: House, kind: str, found: tuple[Letter | None, str | None]) -> None:
    suppress(house, a_subscriber(house, ADA), Scope.LIST)
    ask(house, kind)

    assert answer(house) == found


@pytest.mark.parametrize("kind", [SIGNUP, LINK])
def test_an_address_that_must_not_be_written_to(house: House, kind: str) -> None:
    suppress(house, a_subscriber(house, ADA), Scope.ALL)
    ask(house, kind)

    assert answer(house) == (None, "suppressed")


def test_a_sign_up_adds_nothing_to_a_subscriber(house: House) -> None:
    ada = a_subscriber(house, ADA, ("housing",))
    house.sign_up(ADA, ("events", "tools"))
    house.drain()

    with house.database.reading() as session:
        assert session.scalars(select(Subscriber)).one().id == ada.id
        assert session.scalars(select(Request.subscriber_id)).one() == ada.id
    assert house.person(ADA).state is State.ACTIVE


def test_a_subscriber_is_told_so_once_in_seven_days(house: House) -> None:
    a_subscriber(house, ADA)
    start = utcnow()
    found = []
    for days in (0, 3, 6.9, 7.1):
        with time_machine.travel(start + timedelta(days=days)):
            ask(house, SIGNUP)
            found.append(answer(house)[0])

    assert found == [Letter.ALREADY_SUBSCRIBED, None, None, Letter.ALREADY_SUBSCRIBED]


def test_a_subscriber_is_not_told_twice_where_the_first_letter_still_waits(house: House) -> None:
    a_subscriber(house, ADA)
    now = utcnow()
    ask(house, SIGNUP)
    with Scripted({"RCPT": "450 4.2.1 busy"}) as server:
        drain_to(house, server.relay)

    with time_machine.travel(now + timedelta(minutes=40)):
        ask(house, SIGNUP)
        assert len(house.drain()) == 1

    assert sorted(states(deliveries(house))) == [Outbound.SENT, Outbound.SKIPPED]


def test_many_sign_ups_of_one_address_make_one_subscriber(house: House) -> None:
    wish = Wish(kind=Kind.SIGNUP, locale="en", topics=(1,), cadence=Cadence.WEEKLY)

    def sign_up(_: int) -> None:
        with house.database.transaction() as session:
            vault, address = house.resources.vault, Address.parse(ADA)
            requests.write_down(session, vault, address, wish, over_limit=False, now=utcnow())
        drain_to(house, house.relay.relay)

    at_once(8, sign_up)

    with house.database.reading() as session:
        assert len(session.scalars(select(Subscriber)).all()) == 1
    assert states(deliveries(house, letter=Letter.CONFIRM)) == [Outbound.SENT] * 8


def test_twenty_presses_of_one_sign_up_cause_one_letter(house: House) -> None:
    stamp = house.browser.get("/join/main").text.split('name="stamp" value="')[1].split('"')[0]
    data = {"email": ADA, "topics": ["housing"], "stamp": stamp}

    found = at_once(20, lambda _: house.app.test_client().post("/join/main", data=data).status_code)

    assert set(found) == {303}
    assert len(house.drain()) == 1
    with house.database.reading() as session:
        assert len(session.scalars(select(Request)).all()) == 20
        assert len(session.scalars(select(Subscriber)).all()) == 1
