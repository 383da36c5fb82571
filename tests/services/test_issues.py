"""The life of an issue: planned once a period, replaced while unsent, cancelled at any moment."""

import pytest
import time_machine
from sqlalchemy import func, select, update

from coalition.clock import utcnow
from coalition.errors import Refused
from coalition.models import Batch, Cadence, Claim, Delivery, Issue, Outbound, Phase
from coalition.services import cancelling, dealing, issues
from coalition.services.outbox import claims
from coalition.services.outbox.leases import Worker
from tests.house import House, a_subscriber, text_of
from tests.services.scenes import Watchful, an_audience, cursors, deliveries, drain_to

MONDAY = "2026-11-23T12:00:00+00:00"


def test_a_new_plan_replaces_an_unsent_one(house: House) -> None:
    house.publish()
    [ada] = an_audience(house, 1)
    first = house.plan()
    second = house.plan(subject="Better")

    with house.database.reading() as session:
        assert session.get_one(Issue, first).state is Phase.CANCELLED
        assert session.get_one(Issue, second).state is Phase.PLANNED
    house.send(second)
    assert len(house.drain()) == 1
    assert cursors(house, ada) == {"housing": 1}


def test_a_sent_period_is_not_planned_again(house: House) -> None:
    house.publish()
    an_audience(house, 1)
    house.send(house.plan())
    house.drain()
    house.publish(title="More")

    with pytest.raises(Refused, match="sent already"):
        house.plan()


def test_the_next_period_brings_what_is_new(house: House) -> None:
    with time_machine.travel(MONDAY, tick=True) as clock:
        house.publish(title="First")
        an_audience(house, 1)
        house.send(house.plan())
        house.drain()
        house.publish(title="Second")
        clock.shift(7 * 24 * 3600)
        house.send(house.plan())
        [digest] = house.drain()

    assert b"Second" in digest.data
    assert b"First" not in digest.data


def test_cancelling_puts_everybody_back_and_counts_it(house: House) -> None:
    house.publish()
    people = an_audience(house, 5)
    issue = house.plan()

    for _ in range(2):
        cancelling.cancel(house.database, issue, utcnow())

    assert {cursors(house, person)["housing"] for person in people} == {0}
    with house.database.reading() as session:
        assert issues.progress(session, issue).not_mailed == [("Housing", "cancelled", 5)]


def test_a_plan_made_again_leaves_out_who_was_sent_one_already(house: House) -> None:
    house.publish(title="First")
    an_audience(house, 60)
    first = house.plan()
    house.send(first)

    def cancel(count: int) -> None:
        if count == 5:
            cancelling.cancel(house.database, first, utcnow())

    with Watchful(cancel) as relay:
        drain_to(house, relay.relay)
    house.publish(title="Second")
    house.send(house.plan())
    rest = house.drain()

    reached = [each.recipient for each in [*relay.received, *rest]]
    assert len(reached) == len(set(reached)) == 60
    assert all(b"First" in each.data and b"Second" in each.data for each in rest)


def test_an_issue_that_had_nothing_for_a_reader_does_not_stand_between_them_and_an_earlier_one(house: House) -> None:
    a_subscriber(house, "ada@example.org", cadence=Cadence.AS_IT_HAPPENS, cursor=0)
    a_subscriber(house, "ben@example.org", ("events",), cadence=Cadence.AS_IT_HAPPENS, cursor=0)
    house.publish("housing", "For Ada")
    first = house.plan(Cadence.AS_IT_HAPPENS)
    house.send(first)
    house.publish("events", "For Ben")
    second = house.plan(Cadence.AS_IT_HAPPENS)

    for issue in (second, first):
        cancelling.cancel(house.database, issue, utcnow())
    house.publish("housing", "Later")
    house.send(house.plan(Cadence.AS_IT_HAPPENS))
    house.drain()

    [digest] = house.letters_to("ada@example.org")
    assert "For Ada" in text_of(digest)


def test_nothing_is_planned_anew_while_a_sender_holds_what_was_cancelled(house: House) -> None:
    house.publish(title="First")
    [ada] = an_audience(house, 1)
    issue = house.plan()
    house.send(issue)
    worker = Worker(house.config.home)
    with house.database.transaction() as session:
        assert claims.claim(session, worker.name, utcnow()) is not None
    cancelling.cancel(house.database, issue, utcnow())
    house.publish(title="Second")

    with pytest.raises(Refused, match="still at work"):
        house.plan()
    worker.close()
    house.drain()
    house.send(house.plan())
    [digest] = house.drain()

    assert b"First" in digest.data
    assert b"Second" in digest.data
    assert cursors(house, ada) == {"housing": 2}


def test_a_cancelling_that_died_in_the_middle_is_ended_by_the_next_plan(house: House) -> None:
    house.publish()
    people = an_audience(house, 3)
    issue = house.plan()
    with house.database.transaction() as session:  # as far as a process came that died after its first step
        session.execute(update(Issue).where(Issue.id == issue).values(state=Phase.CANCELLED, ended_at=utcnow()))

    house.send(house.plan())

    assert len(house.drain()) == 3
    assert {cursors(house, person)["housing"] for person in people} == {1}
    assert [each.state for each in deliveries(house)][:3] == [Outbound.CANCELLED] * 3


def test_letters_lie_in_batches(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "LETTERS_A_BATCH", 4)
    house.publish()
    an_audience(house, 10)
    issue = house.plan()

    with house.database.reading() as session:
        sizes = session.scalars(
            select(func.count()).where(Delivery.issue_id == issue).group_by(Delivery.batch_id).order_by(func.count())
        ).all()
        assert session.scalars(select(Batch.due_at).where(Batch.issue_id == issue)).all() == [None] * 3
    assert sizes == [2, 4, 4]
    assert house.drain() == []  # nothing goes before staff say so


def test_without_letters_there_is_no_issue_and_the_period_stays_free(house: House) -> None:
    an_audience(house, 2)
    with pytest.raises(Refused, match="2 nothing new"):
        house.plan()
    house.publish()

    house.send(house.plan())

    assert len(house.drain()) == 2


def test_without_readers_there_is_no_issue(house: House) -> None:
    house.publish()

    with pytest.raises(Refused, match="Nobody has a daily subscription"):
        house.plan(Cadence.DAILY)


def test_one_period_has_one_issue_for_each_rhythm(house: House) -> None:
    house.publish()
    for cadence in Cadence:
        a_subscriber(house, f"{cadence}@example.org", cadence=cadence, cursor=0)

    for cadence in Cadence:
        house.send(house.plan(cadence))

    assert sorted(each.recipient for each in house.drain()) == sorted(f"{each}@example.org" for each in Cadence)


def test_sending_holding_and_resuming_twice_is_as_good_as_once(house: House) -> None:
    house.publish()
    an_audience(house, 2)
    issue = house.plan()
    with house.database.transaction() as session:
        for step in (issues.hold, issues.resume):
            with pytest.raises(Refused):
                step(session, issue)
    house.send(issue)
    house.send(issue)
    with house.database.transaction() as session:
        assert issues.hold(session, issue).state is Phase.HELD
        assert issues.hold(session, issue).state is Phase.HELD
    assert house.drain() == []
    with house.database.transaction() as session:
        assert issues.resume(session, issue).state is Phase.SENDING
        assert issues.resume(session, issue).state is Phase.SENDING

    assert len(house.drain()) == 2
    with pytest.raises(Refused, match="has been sent"):
        cancelling.cancel(house.database, issue, utcnow())
    with house.database.reading() as session:
        assert not session.scalars(select(Batch.id).where(Batch.state != Claim.DONE)).all()
