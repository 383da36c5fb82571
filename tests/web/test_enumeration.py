"""Promise 3: nobody can find out who is subscribed. Status, headers, body, statements and rows are alike."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import update
from werkzeug.test import TestResponse

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import Scope, State, Subscriber, Suppression
from tests.house import House, a_subscriber, hidden, link
from tests.web.doors import form_stamp
from tests.web.rows import growth, how_many, statements

# So far apart that no mailbox's counter still stands, and in the middle of the other windows.
_THEN, _NOW = datetime(2026, 9, 1, 12, 5, tzinfo=UTC), datetime(2026, 11, 23, 12, 5, tzinfo=UTC)

_STATES = ("new", "pending", "confirmed", "left", "suppressed", "erased")


def _live_through(house: House) -> None:
    """One person in each state."""
    house.sign_up("pending@example.org")
    for name in _STATES[2:]:
        house.join(f"{name}@example.org")
    house.drain()
    house.press(link(house.letters_to("left@example.org")[-1], "/unsubscribe/"), action="all")
    _suppress(house, "suppressed@example.org", Scope.ALL)
    _erase(house, "erased@example.org")


def _suppress(house: House, address: str, scope: Scope, code: str | None = None) -> None:
    key = house.resources.vault.key(Address.parse(address))
    with house.database.transaction() as session:
        session.add(Suppression(address_key=key, code=code, scope=scope, reason="a test", since=utcnow()))


def _erase(house: House, address: str) -> None:
    person = house.person(address)
    _suppress(house, address, Scope.LIST, person.code)
    emptied = {"state": State.ERASED, "address_sealed": None, "address_key": None}
    with house.database.transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == person.id).values(emptied))


def _sign_up(house: House, address: str) -> TestResponse:
    data = {"email": address, "topics": ["housing", "events"], "stamp": form_stamp(house)}
    return house.browser.post("/join/main", data=data)


def _bare_form(house: House, address: str) -> TestResponse:
    return house.browser.post("/join/main", data={"email": address, "topics": "housing"})


def _ask(house: House, address: str) -> TestResponse:
    return house.browser.post("/preferences", data={"email": address})


def _complain(house: House, address: str) -> TestResponse:
    stamp = hidden(house.browser.get("/privacy/grievance").text, "stamp")
    return house.browser.post("/privacy/grievance", data={"email": address, "text": "Why?", "stamp": stamp})


def _seen(house: House, ask: Callable[[House, str], TestResponse], address: str) -> tuple[object, ...]:
    """All that somebody outside could measure, and all that somebody with a copy of the disk could."""
    before = how_many(house)
    with statements(house) as ran:
        answer = ask(house, address)
    # The one thing that differs on the "one more press" page is what the visitor typed.
    body = answer.get_data().replace(address.encode(), b"ADDRESS")
    headers = [pair for pair in answer.headers if pair[0] != "Content-Length"]
    same_length = len(answer.get_data()) - answer.get_data().count(address.encode()) * len(address)
    return answer.status, headers, body, same_length, ran, growth(before, how_many(house))


@pytest.mark.parametrize("ask", [_sign_up, _bare_form, _ask, _complain])
@pytest.mark.parametrize("times", [1, 2])
def test_an_address_in_any_state_gets_the_same_answer(
    house: House, ask: Callable[[House, str], TestResponse], times: int
) -> None:
    with time_machine.travel(_THEN):
        _live_through(house)
    with time_machine.travel(_NOW, tick=False):
        ask(house, "somebody@example.org")  # the first of all makes the rows that count network, form and world
        for _ in range(times):  # the second time, every mailbox has had enough
            seen = {state: _seen(house, ask, f"{state}@example.org") for state in _STATES}
    for state in _STATES:
        assert seen[state] == seen["new"], state


def test_the_states_are_what_they_are_called(house: House) -> None:
    with time_machine.travel(_THEN):
        _live_through(house)

    assert house.person("pending@example.org").state is State.PENDING
    assert house.person("confirmed@example.org").state is State.ACTIVE
    assert house.person("left@example.org").state is State.LEFT
    with pytest.raises(Exception, match="No row was found"):
        house.person("erased@example.org")


def test_who_gets_which_letter_is_decided_by_the_sender(house: House) -> None:
    with time_machine.travel(_THEN):
        _live_through(house)
    with time_machine.travel(_NOW):
        for state in _STATES:
            _sign_up(house, f"{state}@example.org")
        wrote = {each.recipient for each in house.drain()}
    assert wrote == {f"{state}@example.org" for state in _STATES if state != "suppressed"}


def test_asking_for_a_link_writes_only_to_people_who_are_known(house: House) -> None:
    with time_machine.travel(_THEN):
        _live_through(house)
    with time_machine.travel(_NOW):
        for state in _STATES:
            _ask(house, f"{state}@example.org")
        wrote = {each.recipient for each in house.drain()}
    assert wrote == {"confirmed@example.org", "left@example.org"}


def test_the_page_after_signing_up_knows_nobody(house: House) -> None:
    a_subscriber(house)
    with statements(house) as ran:
        pages = {house.browser.get("/join/main/sent").get_data() for _ in range(3)}
    assert len(pages) == 1
    assert not any("subscriber" in statement or "request" in statement for statement in ran)
