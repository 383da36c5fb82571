"""Addresses that must not be written to: whom that takes off the list, and what else it stops."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Ended, Outbound, Scope, State, Subscription, Suppression
from coalition.services import issues, suppressions
from coalition.services.suppressions import Cause
from tests.house import House, a_subscriber
from tests.relay import Scripted
from tests.services.scenes import deliveries, drain_to, states

ADA, IDA, GRACE = "ada@example.org", "ida@example.org", "grace@example.org"


def suppress(house: House, address: str, cause: Cause) -> bool:
    person = house.person(address)
    with house.database.transaction() as session:
        return suppressions.suppress(session, person.id, cause, utcnow())


def suppression_of(house: House, address: str) -> tuple[Scope, str] | None:
    key = house.person(address).address_key
    with house.database.reading() as session:
        row = session.scalar(select(Suppression).where(Suppression.address_key == key))
        return (row.scope, row.reason) if row else None


def endings(house: House, address: str) -> list[Ended | None]:
    query = select(Subscription.ended_reason).where(Subscription.subscriber_id == house.person(address).id)
    with house.database.reading() as session:
        return list(session.scalars(query))


def test_a_mailbox_that_does_not_exist_ends_its_subscriptions(house: House) -> None:
    a_subscriber(house, ADA, ("housing", "events"))
    house.publish()
    house.send(house.plan())

    with Scripted({"RCPT": "550 5.1.1 nobody"}) as server:
        drain_to(house, server.relay)

    assert endings(house, ADA) == [Ended.BOUNCED, Ended.BOUNCED]
    assert house.person(ADA).state is State.LEFT
    assert suppression_of(house, ADA) == (Scope.ALL, "hard bounce")


def test_many_dead_mailboxes_in_one_group_leave_the_others_alone(house: House) -> None:
    for address in (ADA, IDA, GRACE):
        a_subscriber(house, address)
    house.publish()
    house.send(house.plan())

    with Scripted({"RCPT": ["550 5.1.1 nobody", "550 5.1.1 nobody", "250 OK"]}) as server:
        drain_to(house, server.relay)

    assert Counter(states(deliveries(house))) == {Outbound.FAILED: 2, Outbound.SENT: 1}
    left = [reason for address in (ADA, IDA, GRACE) for reason in endings(house, address)]
    assert Counter(left) == {Ended.BOUNCED: 2, None: 1}


def test_what_waits_for_a_suppressed_reader_is_skipped_and_counted(house: House) -> None:
    a_subscriber(house, ADA)
    house.publish()
    issue = house.plan()
    house.send(issue)

    suppress(house, ADA, Cause.HARD_BOUNCE)

    assert house.drain() == []
    [delivery] = deliveries(house)
    assert (delivery.state, delivery.reason) == (Outbound.SKIPPED, "suppressed")
    with house.database.reading() as session:
        assert issues.progress(session, issue).not_mailed == [("Housing", "suppressed", 1)]


def test_twice_is_as_good_as_once(house: House) -> None:
    a_subscriber(house, ADA)

    assert suppress(house, ADA, Cause.HARD_BOUNCE)
    assert not suppress(house, ADA, Cause.HARD_BOUNCE)

    assert suppression_of(house, ADA) == (Scope.ALL, "hard bounce")


@pytest.mark.parametrize("scope", Scope)
def test_a_narrow_suppression_becomes_a_wide_one_and_a_wide_one_stays_as_it_was(house: House, scope: Scope) -> None:
    key, long_ago = a_subscriber(house, ADA).address_key, utcnow() - timedelta(days=90)
    with house.database.transaction() as session:
        session.add(Suppression(address_key=key, code=None, scope=scope, reason="before", since=long_ago))

    suppress(house, ADA, Cause.HARD_BOUNCE)

    before = (Scope.ALL, "before") if scope is Scope.ALL else (Scope.ALL, "hard bounce")
    assert suppression_of(house, ADA) == before
