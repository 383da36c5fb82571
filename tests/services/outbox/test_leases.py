"""Who holds a batch, and what happens to it when the holder dies, falls silent, or comes back too late."""

import pytest
from sqlalchemy import select, update

from coalition.address import Address
from coalition.clock import utcnow
from coalition.config import Uncertain
from coalition.errors import LeaseLost
from coalition.mail.replies import Outcome, Reply
from coalition.models import Batch, Claim, Delivery, Issue, Outbound, Phase
from coalition.services import cancelling
from coalition.services.outbox import claims, recording
from coalition.services.outbox.claims import Claimed
from coalition.services.outbox.leases import Morgue, Worker
from coalition.services.outbox.recording import Result
from tests.house import House, parse
from tests.services.scenes import Watchful, an_audience, at_once, deliveries, drain_to, expire_leases, states

TAKEN = Reply(250, None, "taken")
ADA = Address.parse("ada@example.org")


@pytest.fixture
def worker(house: House) -> Worker:
    return Worker(house.config.home)


def an_issue(house: House, readers: int) -> int:
    house.publish()
    an_audience(house, readers)
    issue = house.plan()
    house.send(issue)
    return issue


def claim(house: House, worker: Worker, announce: int | None = None) -> Claimed:
    """Claim the first batch; `announce` is how many of its letters are announced."""
    with house.database.transaction() as session:
        claimed = claims.claim(session, worker.name, utcnow())
        assert claimed is not None
        if announce:
            claims.keep(session, claimed, worker.name, announce=claimed.waiting[announce - 1])
        return claimed


def reap(house: House, policy: Uncertain = Uncertain.RETRY) -> int:
    morgue = Morgue(house.config.home, same_machine=house.database.is_sqlite)
    with house.database.transaction() as session:
        return claims.reap(session, morgue, policy, utcnow())


def test_a_batch_is_held_by_one_sender(house: House, worker: Worker) -> None:
    an_issue(house, 3)
    claim(house, worker)

    assert reap(house) == 0
    with house.database.transaction() as session:
        assert claims.claim(session, "another", utcnow()) is None


def test_who_was_silent_for_too_long_cant_record_any_more(house: House, worker: Worker) -> None:
    an_issue(house, 3)
    claimed = claim(house, worker, announce=1)
    expire_leases(house)

    assert reap(house) == 1
    with house.database.transaction() as session, pytest.raises(LeaseLost):
        claims.keep(session, claimed, worker.name, announce=None)


def test_not_even_where_the_same_sender_has_claimed_it_again(house: House, worker: Worker) -> None:
    an_issue(house, 3)
    claimed = claim(house, worker)
    expire_leases(house)
    reap(house)
    again = claim(house, worker)

    with house.database.transaction() as session, pytest.raises(LeaseLost):
        claims.keep(session, claimed, worker.name, announce=None)
    with house.database.transaction() as session:
        claims.keep(session, again, worker.name, announce=None)
        claims.give_back(session, again, utcnow())


def test_a_sender_that_lost_its_lease_leaves_the_batch_to_the_other(house: House, worker: Worker) -> None:
    an_issue(house, 3)
    late: list[int] = []

    def take_over(count: int) -> None:
        if count == 1:
            expire_leases(house)
            late.append(reap(house))

    with Watchful(take_over) as relay:
        drain_to(house, relay.relay)

    # What the first holder had announced went once more, and nothing of it was recorded twice.
    assert late == [1]
    assert {each.state for each in deliveries(house)} == {Outbound.SENT}
    assert len({parse(each)["Message-ID"] for each in relay.received}) == 3


def test_a_heartbeat_keeps_what_is_held_and_nothing_else(house: House, worker: Worker) -> None:
    an_issue(house, 3)
    claimed = claim(house, worker)
    expire_leases(house)
    with house.database.transaction() as session:
        claims.renew(session, worker.name, [])
    assert reap(house) == 1

    again = claim(house, worker)
    expire_leases(house)
    with house.database.transaction() as session:
        claims.renew(session, worker.name, [again.batch_id])
    assert reap(house) == 0
    assert again.fence > claimed.fence


def test_only_what_was_announced_and_not_recorded_is_in_doubt(house: House, worker: Worker) -> None:
    an_issue(house, 5)
    claimed = claim(house, worker, announce=1)
    with house.database.transaction() as session:
        claims.keep(session, claimed, worker.name, announce=claimed.waiting[2])
        results = [Result(claimed.waiting[0], Outcome.ACCEPTED, TAKEN, ADA)]
        recording.record(session, claimed, results, Uncertain.RETRY, utcnow())
    worker.close()

    assert reap(house) == 1
    assert [each.reason for each in deliveries(house)] == [None, "retried", "retried", None, None]
    assert states(deliveries(house)) == [Outbound.SENT] + [Outbound.QUEUED] * 4
    assert len(house.drain()) == 4


def test_what_is_in_doubt_a_second_time_ends_uncertain(house: House) -> None:
    issue = an_issue(house, 2)
    for _ in range(2):
        worker = Worker(house.config.home)
        claim(house, worker, announce=1)
        worker.close()
        reap(house)

    assert len(house.drain()) == 1
    assert states(deliveries(house)) == [Outbound.UNCERTAIN, Outbound.SENT]
    with house.database.reading() as session:
        assert session.get_one(Issue, issue).state is Phase.SENT


def test_what_is_in_doubt_is_left_to_a_person_where_staff_want_it_so(house: House, worker: Worker) -> None:
    an_issue(house, 2)
    claim(house, worker, announce=1)
    worker.close()

    reap(house, Uncertain.HOLD)

    assert states(deliveries(house)) == [Outbound.UNCERTAIN, Outbound.QUEUED]
    assert len(house.drain()) == 1


def test_recording_twice_is_as_good_as_once(house: House, worker: Worker) -> None:
    an_issue(house, 2)
    claimed = claim(house, worker, announce=2)
    later = Reply(451, "4.3.0", "later")
    results = [
        Result(claimed.waiting[0], Outcome.ACCEPTED, TAKEN, ADA),
        Result(claimed.waiting[1], Outcome.RETRY, later, ADA),
    ]
    for _ in range(2):  # the first commit was not heard of
        with house.database.transaction() as session:
            claims.keep(session, claimed, worker.name, announce=None)
            recording.record(session, claimed, results, Uncertain.RETRY, utcnow())
    with house.database.transaction() as session:
        claims.give_back(session, claimed, utcnow())

    assert [each.attempts for each in deliveries(house)] == [1, 1]
    with house.database.reading() as session:
        assert len(session.scalars(select(Batch)).all()) == 2


def test_two_senders_that_end_an_issue_at_once_call_it_sent(house: House) -> None:
    house.publish()
    an_audience(house, 2)
    issue = house.plan()
    with house.database.transaction() as session:  # two batches of one letter
        batch = Batch(issue_id=issue, lane=1, state=Claim.OPEN, due_at=None)
        session.add(batch)
        session.flush()
        session.execute(update(Delivery).where(Delivery.id == 2).values(batch_id=batch.id))
    house.send(issue)

    for _ in range(3):
        _end_together(house)

    with house.database.reading() as session:
        assert session.get_one(Issue, issue).state is Phase.SENT


def _end_together(house: House) -> None:
    workers = [Worker(house.config.home) for _ in range(2)]
    with house.database.transaction() as session:
        session.execute(update(Issue).values(state=Phase.SENDING))
        session.execute(update(Batch).values(state=Claim.OPEN))
        session.execute(update(Delivery).values(state=Outbound.QUEUED, ended_at=None))
    claimed = [claim(house, worker) for worker in workers]

    def end(number: int) -> None:
        with house.database.transaction() as session:
            mine = claimed[number]
            claims.keep(session, mine, workers[number].name, announce=None)
            results = [Result(each, Outcome.ACCEPTED, TAKEN, ADA) for each in mine.waiting]
            recording.record(session, mine, results, Uncertain.RETRY, utcnow())
            claims.give_back(session, mine, utcnow())

    at_once(2, end)
    for worker in workers:
        worker.close()


def test_what_a_dead_sender_held_of_a_cancelled_issue_is_cancelled(house: House, worker: Worker) -> None:
    issue = an_issue(house, 3)
    claim(house, worker)
    cancelling.cancel(house.database, issue, utcnow())
    assert states(deliveries(house)) == [Outbound.QUEUED] * 3  # its holder's to cancel
    worker.close()

    assert house.drain() == []
    assert states(deliveries(house)) == [Outbound.CANCELLED] * 3
    assert _can_be_planned_again(house)


def _can_be_planned_again(house: House) -> bool:
    house.send(house.plan())
    return len(house.drain()) == 3
