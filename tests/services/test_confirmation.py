"""The two buttons of a confirm page: once, twice, in twenty threads, contrary, late."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from coalition.clock import utcnow
from coalition.models import (
    Cadence,
    Consent,
    Format,
    Letter,
    Outbound,
    Scope,
    State,
    Subscriber,
    Subscription,
    Suppression,
)
from coalition.services import confirmation, consents, preferences, topics
from coalition.services.confirmation import Page, Standing
from tests.house import House, text_of
from tests.services.scenes import at_once, cursors, deliveries, nonces

ADA = "ada@example.org"
Press = Callable[[House, datetime], Page]


def yes(house: House, at: datetime | None = None, nonce: str | None = None) -> Page:
    community = house.config.community
    with house.database.transaction() as session:
        return confirmation.press_yes(
            session, house.resources.vault, community, nonce or nonces(house)[-1], at or utcnow()
        )


def no(house: House, at: datetime | None = None, nonce: str | None = None) -> Page:
    with house.database.transaction() as session:
        return confirmation.press_no(session, nonce or nonces(house)[-1], at or utcnow())


def asked(house: House, topics_: tuple[str, ...] = ("housing",)) -> None:
    """Ada has signed up and got her letter."""
    house.sign_up(ADA, topics_)
    house.drain()


def events(house: House) -> list[object]:
    with house.database.reading() as session:
        return [row["event"] for row in consents.history(session, house.person(ADA).code)]


def test_twenty_presses_at_once_have_one_effect(house: House) -> None:
    asked(house, ("housing", "events"))
    [nonce] = nonces(house)

    pages = at_once(20, lambda _: yes(house, nonce=nonce))
    house.drain()

    assert {page.standing for page in pages} == {Standing.CONFIRMED}
    with house.database.reading() as session:
        assert len(session.scalars(select(Subscription)).all()) == 2
        assert len(session.scalars(select(Consent)).all()) == 3
    assert events(house) == ["requested", "mailed", "confirmed"]
    assert len(deliveries(house, letter=Letter.WELCOME)) == 1
    assert len(house.letters_to(ADA)) == 2


def test_twenty_contrary_presses_at_once_fail_nobody(house: House) -> None:
    asked(house)
    [nonce] = nonces(house)

    at_once(20, lambda number: (yes if number % 2 else no)(house, nonce=nonce))

    with house.database.reading() as session:
        assert confirmation.look(session, nonce).standing is not Standing.CONFIRMED
    assert cursors(house, house.person(ADA)) == {}


@pytest.mark.parametrize(("first", "second"), [(yes, no), (no, yes)], ids=["yes then no", "no then yes"])
def test_contrary_presses_within_a_minute_leave_it_pending(house: House, first: Press, second: Press) -> None:
    asked(house)
    now = utcnow()

    first(house, now)
    found = second(house, now + timedelta(seconds=59))

    assert found.standing is Standing.CONTRARY
    assert house.person(ADA).state is State.PENDING
    assert cursors(house, house.person(ADA)) == {}


@pytest.mark.parametrize(("first", "second"), [(yes, no), (no, yes)], ids=["yes then no", "no then yes"])
@pytest.mark.parametrize(("later", "standing"), [(yes, Standing.CONFIRMED), (no, Standing.DENIED)])
def test_a_press_after_contrary_ones_counts(
    house: House, first: Press, second: Press, later: Press, standing: Standing
) -> None:
    asked(house)
    now = utcnow()
    first(house, now)
    second(house, now + timedelta(seconds=2))

    found = later(house, now + timedelta(seconds=70))

    assert found.standing is standing
    assert (cursors(house, house.person(ADA)) != {}) == (later is yes)


@pytest.mark.parametrize("third", [yes, no])
def test_a_machine_that_presses_on_and_on_decides_nothing(house: House, third: Press) -> None:
    asked(house)
    now = utcnow()
    for second, press in enumerate([yes, no, third, yes, no, third]):
        press(house, now + timedelta(seconds=second))

    with house.database.reading() as session:
        assert confirmation.look(session, nonces(house)[0]).standing is Standing.CONTRARY


def test_contrary_presses_send_no_welcome(house: House) -> None:
    asked(house)
    now = utcnow()
    yes(house, now)
    no(house, now + timedelta(seconds=1))

    assert house.drain() == []
    [welcome] = deliveries(house, letter=Letter.WELCOME)
    assert welcome.state is Outbound.SKIPPED


def test_who_confirms_after_contrary_presses_is_welcomed_once(house: House) -> None:
    asked(house)
    now = utcnow()
    yes(house, now - timedelta(minutes=5))
    no(house, now - timedelta(minutes=5))
    yes(house, now)

    [welcome] = house.drain()

    assert b"Housing" in welcome.data


def test_contrary_presses_keep_what_was_chosen_elsewhere(house: House) -> None:
    asked(house)
    now = utcnow()
    yes(house, now)
    chosen = {1: Cadence.WEEKLY, 2: Cadence.WEEKLY}
    with house.database.transaction() as session:
        person = house.person(ADA)
        at = now + timedelta(seconds=5)
        preferences.save(session, house.config.community, person, chosen, Format.HTML, at, may_return=False)

    no(house, now + timedelta(seconds=9))

    assert cursors(house, house.person(ADA)) == {"events": 0}
    assert house.person(ADA).state is State.ACTIVE


def test_a_late_no_is_leaving_all(house: House) -> None:
    asked(house, ("housing", "events"))
    now = utcnow()
    yes(house, now)

    found = no(house, now + timedelta(seconds=61))

    assert found.standing is Standing.DENIED
    assert house.person(ADA).state is State.LEFT
    assert cursors(house, house.person(ADA)) == {}
    assert house.drain() == []


def test_a_late_yes_after_a_no_subscribes(house: House) -> None:
    asked(house)
    now = utcnow()
    no(house, now)

    assert yes(house, now + timedelta(hours=2)).standing is Standing.CONFIRMED
    assert cursors(house, house.person(ADA)) == {"housing": 0}


def test_only_the_newest_letter_counts(house: House) -> None:
    asked(house, ("housing",))
    with house.database.transaction() as session:
        confirmation.ask_again(session, nonces(house)[0], over_limit=False, now=utcnow())
    first, second = nonces(house)
    with house.database.reading() as session:
        assert confirmation.look(session, first).standing is Standing.OPEN  # the new letter is not out yet
    house.drain()

    assert yes(house, nonce=first).standing is Standing.SUPERSEDED
    assert cursors(house, house.person(ADA)) == {}
    assert yes(house, nonce=second).standing is Standing.CONFIRMED


def test_only_open_topics_begin(house: House) -> None:
    asked(house, ("housing", "events"))
    with house.database.transaction() as session:
        topics.close(session, "events")

    yes(house)
    house.drain()

    assert cursors(house, house.person(ADA)) == {"housing": 0}
    assert "Events" not in text_of(house.letters_to(ADA)[-1])


def test_a_press_lifts_a_suppression_of_the_list_and_no_other(house: House) -> None:
    asked(house)
    person = house.person(ADA)
    with house.database.transaction() as session:
        other = {"address_key": b"another", "code": None, "reason": "spam report", "since": utcnow()}
        session.execute(
            insert(Suppression),
            [other | {"scope": Scope.LIST}, other | {"scope": Scope.LIST, "address_key": person.address_key}],
        )

    yes(house)

    with house.database.reading() as session:
        assert session.scalars(select(Suppression.address_key)).all() == [b"another"]


def test_a_press_for_nobody_is_gone(house: House) -> None:
    house.sign_up(ADA)  # no letter has gone, so nobody can know this link

    assert yes(house).standing is Standing.GONE
    assert no(house).standing is Standing.GONE
    assert yes(house, nonce="unknown").standing is Standing.GONE
    with house.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
