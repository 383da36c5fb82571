"""Leaving and taking it back: what a queued digest loses, and where a person goes on."""

import pytest

from coalition.clock import utcnow
from coalition.models import Cadence, Outbound, State, Variant
from coalition.services import cancelling, consents, issues, people, subscriptions
from tests.house import House, a_subscriber, text_of
from tests.services.scenes import at_once, cursors, deliveries, leave, states, undo

ADA = "ada@example.org"


def test_leaving_one_topic_takes_it_out_of_a_digest_that_waits(house: House) -> None:
    house.publish("housing", "Rents")
    house.publish("events", "Party")
    ada = a_subscriber(house, ADA, ("housing", "events"), cursor=0)
    house.send(house.plan())

    leave(house, ada, "events")
    house.drain()

    [digest] = house.letters_to(ADA)
    assert "Rents" in text_of(digest)
    assert "Party" not in text_of(digest)


def test_leaving_all_skips_a_digest_that_waits(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    issue = house.plan()

    leave(house, ada)

    [delivery] = deliveries(house)
    assert (delivery.state, delivery.reason) == (Outbound.SKIPPED, "left")
    house.send(issue)
    assert house.drain() == []


@pytest.mark.parametrize("topic", ["housing", None])
def test_undo_goes_on_where_it_stood_and_the_next_digest_brings_what_was_skipped(
    house: House, topic: str | None
) -> None:
    house.publish("housing", "Rents")
    house.publish("events", "Party")
    ada = a_subscriber(house, ADA, ("housing", "events"), cursor=0)
    issue = house.plan()

    left = leave(house, ada, topic)
    assert undo(house, ada, left) == (1 if topic else 2)
    cancelling.cancel(house.database, issue, utcnow())
    house.send(house.plan())
    house.drain()

    [digest] = house.letters_to(ADA)
    assert "Rents" in text_of(digest)
    assert "Party" in text_of(digest)


def test_what_was_sent_is_not_brought_again_after_an_undo(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    house.send(house.plan())
    house.drain()

    undo(house, ada, leave(house, ada))

    assert cursors(house, ada) == {"housing": 1}


def test_the_undo_of_an_older_leaving_brings_nothing_twice(house: House) -> None:
    ada = a_subscriber(house, ADA, cursor=0)
    first = leave(house, ada)
    undo(house, ada, first)
    house.publish()
    house.send(house.plan())
    house.drain()
    second = leave(house, ada)

    assert undo(house, ada, first) == 0
    assert undo(house, ada, second) == 1
    assert cursors(house, ada) == {"housing": 1}


def test_two_digests_that_wait_are_put_back_to_the_first(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    house.plan()
    with house.database.transaction() as session:
        person = subscriptions.lock(session, ada.id)
        [weekly] = subscriptions.current(session, ada.id)
        subscriptions.change_cadence(session, house.config.community, person, weekly, Cadence.DAILY, utcnow())
    house.publish(title="More")
    house.plan(Cadence.DAILY)
    assert cursors(house, ada) == {"housing": 2}

    left = leave(house, ada)
    undo(house, ada, left)

    assert states(deliveries(house)) == [Outbound.SKIPPED] * 2
    assert cursors(house, ada) == {"housing": 0}


def test_leaving_twice_and_undoing_twice_is_as_good_as_once(house: House) -> None:
    ada = a_subscriber(house, ADA, ("housing", "events"))

    left = leave(house, ada)
    assert leave(house, ada).topics == ()
    assert undo(house, ada, left) == 2
    assert undo(house, ada, left) == 0

    with house.database.reading() as session:
        events = [row["event"] for row in consents.history(session, ada.code)]
    assert events == ["withdrawn", "undone"]


def test_many_leave_and_undo_at_once_without_harm(house: House) -> None:
    ada = a_subscriber(house, ADA, ("housing", "events"))
    left = leave(house, ada)

    restored = at_once(8, lambda _: undo(house, ada, left))

    assert sorted(restored) == [0] * 7 + [2]
    ended = at_once(8, lambda _: len(leave(house, ada).topics))
    assert sorted(ended) == [0] * 7 + [2]
    assert house.person(ADA).state is State.LEFT


def test_undo_restores_only_its_own_press(house: House) -> None:
    ada = a_subscriber(house, ADA, ("housing", "events"))
    leave(house, ada, "events")
    left = leave(house, ada, "housing")

    assert undo(house, ada, left) == 1

    assert list(cursors(house, ada)) == ["housing"]


def test_leaving_while_the_issue_is_sent_is_counted_once(house: House) -> None:
    house.publish("housing")
    house.publish("events")
    ada = a_subscriber(house, ADA, ("housing", "events"), cursor=0)
    issue = house.plan()
    leave(house, ada, "events")
    leave(house, ada, "housing")

    with house.database.reading() as session:
        assert issues.progress(session, issue).not_mailed == [("Housing", "left", 1), ("Events", "left", 1)]
        assert len(session.query(Variant).all()) == 2
        assert people.by_code(session, ada.code) is not None
