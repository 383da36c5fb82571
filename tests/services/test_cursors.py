"""Where a subscription begins: no gap and no repeat, whoever joins, returns, or changes the rhythm."""

from datetime import datetime, timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.errors import Refused
from coalition.models import Cadence, Format, Source, State, Subscriber
from coalition.services import cancelling, consents, held, preferences, subscriptions, topics
from tests.house import House, a_subscriber, text_of
from tests.services.scenes import at_once, cursors, leave

ADA = "ada@example.org"


def begin(house: House, person: Subscriber, cadence: Cadence = Cadence.WEEKLY, at: datetime | None = None) -> int:
    """Subscribe to housing now. Returns where it starts."""
    with house.database.transaction() as session:
        topic = topics.get(session, "housing")
        community = house.config.community
        now = at or utcnow()
        locked = subscriptions.lock(session, person.id)
        return subscriptions.begin(session, community, locked, topic.id, cadence, Source.PREFERENCES, now).cursor


def save(house: House, person: Subscriber, wanted: dict[int, Cadence], *, may_return: bool = True) -> None:
    with house.database.transaction() as session:
        preferences.save(session, house.config.community, person, wanted, Format.HTML, utcnow(), may_return=may_return)


def an_old_item(house: House, days: int) -> None:
    with time_machine.travel(utcnow() - timedelta(days=days)):
        house.publish(title=f"From {days} days ago")


def test_a_new_reader_starts_at_the_last_full_period(house: House) -> None:
    an_old_item(house, 40)
    an_old_item(house, 20)
    an_old_item(house, 2)
    ada = a_subscriber(house, ADA, ())

    assert begin(house, ada) == 2


def test_a_new_reader_gets_nothing_that_the_last_issue_brought(house: House) -> None:
    house.publish()
    a_subscriber(house, "bea@example.org", cursor=0)
    house.send(house.plan())
    house.publish(title="Newer")
    ada = a_subscriber(house, ADA, ())

    assert begin(house, ada) == 1


def test_an_issue_that_is_only_planned_holds_nothing_back(house: House) -> None:
    house.publish()
    a_subscriber(house, "bea@example.org", cursor=0)
    house.plan()
    ada = a_subscriber(house, ADA, ())

    assert begin(house, ada) == 0


def test_as_it_happens_starts_now(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, ())

    assert begin(house, ada, Cadence.AS_IT_HAPPENS) == 1


def test_a_rhythm_without_any_news_starts_at_the_newest(house: House) -> None:
    an_old_item(house, 40)
    ada = a_subscriber(house, ADA, ())

    assert begin(house, ada) == 1


def test_who_returns_gets_nothing_a_second_time(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cadence=Cadence.AS_IT_HAPPENS, cursor=0)
    house.send(house.plan(Cadence.AS_IT_HAPPENS))
    house.drain()
    leave(house, ada)

    assert begin(house, ada, Cadence.WEEKLY) == 1


def test_another_rhythm_goes_on_exactly_where_the_old_one_stood(house: House) -> None:
    house.publish(title="First")
    ada = a_subscriber(house, ADA, cursor=0)
    house.send(house.plan())
    house.drain()
    house.publish(title="Second")

    save(house, ada, {1: Cadence.DAILY})
    house.send(house.plan(Cadence.DAILY))
    house.drain()

    first, second = map(text_of, house.letters_to(ADA))
    assert "First" in first
    assert "First" not in second
    assert "Second" in second


def test_another_rhythm_leaves_a_digest_that_waits_where_it_is(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    house.send(house.plan())

    save(house, ada, {1: Cadence.MONTHLY})

    assert len(house.drain()) == 1
    assert cursors(house, ada) == {"housing": 1}


def test_another_rhythm_and_a_cancelled_issue_lose_nothing(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    issue = house.plan()
    save(house, ada, {1: Cadence.DAILY})

    cancelling.cancel(house.database, issue, utcnow())

    assert cursors(house, ada) == {"housing": 0}
    house.send(house.plan(Cadence.DAILY))
    assert len(house.drain()) == 1


def test_a_pause_puts_back_a_digest_that_waits_and_what_came_meanwhile_comes_with_it(house: House) -> None:
    house.publish(title="Before")
    ada = a_subscriber(house, ADA, cursor=0)
    issue = house.plan()
    now = utcnow()
    with house.database.transaction() as session:
        preferences.pause(session, ada, now + timedelta(days=14), now)
    house.send(issue)
    assert house.drain() == []
    assert cursors(house, ada) == {"housing": 0}

    house.publish(title="During")
    with time_machine.travel(now + timedelta(days=15)):
        house.send(house.plan())
        house.drain()

    [digest] = house.letters_to(ADA)
    assert "Before" in text_of(digest)
    assert "During" in text_of(digest)


def test_a_paused_reader_is_left_out_and_loses_nothing(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    a_subscriber(house, "bea@example.org", cursor=0)
    now = utcnow()
    with house.database.transaction() as session:
        preferences.pause(session, ada, now + timedelta(days=14), now)

    house.send(house.plan())

    assert [each.recipient for each in house.drain()] == ["bea@example.org"]
    assert cursors(house, ada) == {"housing": 0}


def test_saving_twice_is_as_good_as_once(house: House) -> None:
    ada = a_subscriber(house, ADA)

    for _ in range(2):
        save(house, ada, {1: Cadence.DAILY, 3: Cadence.WEEKLY})

    with house.database.reading() as session:
        [change] = consents.history(session, ada.code)
        assert len(held.subscriptions(session, ada)) == 3
    assert change["changed"] == [1]


def test_eight_savings_at_once_have_one_effect(house: House) -> None:
    ada = a_subscriber(house, ADA)

    at_once(8, lambda _: save(house, ada, {2: Cadence.DAILY}))

    assert cursors(house, ada) == {"events": 0}
    with house.database.reading() as session:
        assert len(consents.history(session, ada.code)) == 1


def test_who_has_left_returns_only_through_a_fresh_link(house: House) -> None:
    ada = a_subscriber(house, ADA)
    save(house, ada, {})
    assert house.person(ADA).state is State.LEFT

    with pytest.raises(Refused):
        save(house, ada, {1: Cadence.WEEKLY}, may_return=False)
    assert cursors(house, ada) == {}
    save(house, ada, {1: Cadence.WEEKLY})
    assert house.person(ADA).state is State.ACTIVE
