"""A closed topic serves what was published, then ends; never while an issue is under way."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Ended, PauseMode, Phase, State, Subscription
from coalition.services import cancelling, issues, items, topics, upkeep
from tests.house import House, a_subscriber
from tests.services.scenes import at_once, cursors
from tests.services.staffroom import pause

ADA, BEN = "ada@example.org", "ben@example.org"


def close(house: House, slug: str = "housing") -> None:
    with house.database.transaction() as session:
        topics.close(session, slug)


def end_closed(house: House) -> int:
    with house.database.transaction() as session:
        return upkeep.end_closed_topics(session, utcnow())


def endings(house: House) -> list[Ended | None]:
    """Why each subscription ended, oldest first."""
    with house.database.reading() as session:
        return list(session.scalars(select(Subscription.ended_reason).order_by(Subscription.id)))


def test_it_ends_when_all_is_served(house: House) -> None:
    a_subscriber(house, ADA, ("housing", "events"), cursor=0)
    house.publish()
    close(house)
    assert end_closed(house) == 0
    house.send(house.plan())
    house.drain()

    assert [end_closed(house), end_closed(house)] == [1, 0]

    assert endings(house) == [Ended.CLOSED, None]
    assert house.person(ADA).state is State.ACTIVE


def test_who_had_nothing_else_has_left(house: House) -> None:
    a_subscriber(house, ADA)
    close(house)

    assert end_closed(house) == 1
    assert house.person(ADA).state is State.LEFT


def test_a_topic_without_news_ends_at_once_and_an_open_one_never(house: House) -> None:
    a_subscriber(house, ADA, ("housing", "events", "tools"), cursor=0)
    close(house, "events")

    assert end_closed(house) == 1
    assert endings(house) == [None, Ended.CLOSED, None]


def test_each_reader_is_served_first(house: House) -> None:
    house.publish()
    a_subscriber(house, ADA, cursor=0)
    a_subscriber(house, BEN, cursor=1)
    close(house)

    assert end_closed(house) == 1
    assert endings(house) == [None, Ended.CLOSED]


def test_what_was_withdrawn_is_not_waited_for(house: House) -> None:
    a_subscriber(house, ADA, cursor=0)
    house.publish()
    close(house)
    assert end_closed(house) == 0
    with house.database.transaction() as session:
        items.withdraw(session, 1, utcnow())

    assert end_closed(house) == 1


def test_who_is_on_a_break_is_waited_for(house: House) -> None:
    ada = a_subscriber(house, ADA, cursor=0)
    house.publish()
    pause(house, ada, utcnow() + timedelta(days=7), utcnow(), PauseMode.CATCH_UP)
    close(house)

    assert end_closed(house) == 0


@pytest.mark.parametrize("phase", [Phase.PLANNED, Phase.APPROVED, Phase.SENDING, Phase.HELD])
def test_nothing_ends_while_an_issue_is_under_way(house: House, phase: Phase) -> None:
    a_subscriber(house, ADA, cursor=0)
    house.publish()
    close(house)
    issue = house.plan()
    with house.database.transaction() as session:
        if phase is Phase.APPROVED:
            issues.approve(session, issue, "bea")
        elif phase is not Phase.PLANNED:
            issues.send(session, house.config.community, issue, utcnow())
        if phase is Phase.HELD:
            issues.hold(session, issue)

    assert end_closed(house) == 0

    with house.database.transaction() as session:
        if phase is Phase.HELD:
            issues.resume(session, issue)
    house.send(issue)
    assert len(house.drain()) == 1
    assert end_closed(house) == 1


def test_a_cancelled_issue_gives_back_what_is_still_to_be_served(house: House) -> None:
    ada = a_subscriber(house, ADA, cursor=0)
    house.publish()
    close(house)
    cancelling.cancel(house.database, house.plan(), utcnow())

    assert end_closed(house) == 0
    assert cursors(house, ada) == {"housing": 0}
    house.send(house.plan())
    assert len(house.drain()) == 1
    assert end_closed(house) == 1


def test_many_at_once_end_it_once(house: House) -> None:
    for number in range(5):
        a_subscriber(house, f"reader{number}@example.org")
    close(house)

    at_once(4, lambda _: end_closed(house))

    assert endings(house) == [Ended.CLOSED] * 5
