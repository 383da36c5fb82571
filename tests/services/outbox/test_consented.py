"""Since when a reader agrees to get a topic, as the foot of each digest tells them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from sqlalchemy import event

from coalition.clock import utcnow
from coalition.models import Cadence, Format, Subscriber
from coalition.services import preferences, topics
from coalition.services.outbox import claims, looking
from coalition.services.outbox.leases import Worker
from tests.house import House, a_subscriber, parse, text_of
from tests.services.scenes import an_audience, leave, undo

ADA = "ada@example.org"
MARCH, APRIL, MAY = (datetime(2026, month, day, 12, tzinfo=UTC) for month, day in ((3, 3), (4, 6), (5, 9)))


def tick(house: House, person: Subscriber, **chosen: Cadence) -> None:
    """Save these topics and no others in the preferences."""
    with house.database.transaction() as session:
        wanted = {topics.get(session, slug).id: cadence for slug, cadence in chosen.items()}
        community = house.config.community
        preferences.save(session, community, person, wanted, Format.HTML, utcnow(), may_return=True)


def whys(house: House, *chosen: str, cadence: Cadence = Cadence.WEEKLY) -> list[str]:
    """Publish something in these topics, send the digest, and read why its readers get it."""
    for slug in chosen:
        house.publish(slug, f"News of {slug}")
    house.send(house.plan(cadence))
    [digest] = house.drain()
    foot = text_of(parse(digest)).partition("\n--\n")[2]
    return [line for line in foot.split("\n") if line.startswith("- ")]


@time_machine.travel(MARCH, tick=False)
def test_each_topic_has_the_day_on_which_its_reader_chose_it(house: House) -> None:
    ada = a_subscriber(house, ADA)

    with time_machine.travel(MAY, tick=False):
        tick(house, ada, housing=Cadence.WEEKLY, events=Cadence.WEEKLY)

        assert whys(house, "housing", "events") == [
            "- Housing, weekly, confirmed on 3 March 2026",
            "- Events, weekly, confirmed on 9 May 2026",
        ]


@time_machine.travel(MARCH, tick=False)
def test_a_topic_that_the_letter_does_not_bring_is_not_named(house: House) -> None:
    a_subscriber(house, ADA, ("housing", "events"))

    assert whys(house, "events") == ["- Events, weekly, confirmed on 3 March 2026"]


@time_machine.travel(MARCH, tick=False)
def test_another_cadence_is_no_other_consent(house: House) -> None:
    ada = a_subscriber(house, ADA)
    for moment, cadence in ((APRIL, Cadence.MONTHLY), (MAY, Cadence.DAILY)):
        with time_machine.travel(moment, tick=False):
            tick(house, ada, housing=cadence)

    with time_machine.travel(MAY, tick=False):
        assert whys(house, "housing", cadence=Cadence.DAILY) == ["- Housing, daily, confirmed on 3 March 2026"]


@time_machine.travel(MARCH, tick=False)
def test_leaving_that_was_taken_back_never_was(house: House) -> None:
    ada = a_subscriber(house, ADA)

    with time_machine.travel(MAY, tick=False):
        undo(house, ada, leave(house, ada))

        assert whys(house, "housing") == ["- Housing, weekly, confirmed on 3 March 2026"]


@pytest.mark.parametrize("way", ["preferences", "form"])
@time_machine.travel(MARCH, tick=False)
def test_who_left_and_came_back_has_chosen_anew(house: House, way: str) -> None:
    ada = a_subscriber(house, ADA)
    with time_machine.travel(APRIL, tick=False):
        leave(house, ada)

    with time_machine.travel(MAY, tick=False):
        if way == "form":
            house.join(ADA)
        else:
            tick(house, ada, housing=Cadence.WEEKLY)

        assert whys(house, "housing") == ["- Housing, weekly, confirmed on 9 May 2026"]


@time_machine.travel(MARCH, tick=False)
def test_readers_of_one_batch_have_their_own_days(house: House) -> None:
    a_subscriber(house, ADA)
    with time_machine.travel(APRIL, tick=False):
        a_subscriber(house, "bob@example.org")

    with time_machine.travel(MAY, tick=False):
        house.publish()
        house.send(house.plan())
        texts = {each.recipient: text_of(parse(each)) for each in house.drain()}

    assert "confirmed on 3 March 2026" in texts[ADA]
    assert "confirmed on 6 April 2026" in texts["bob@example.org"]
    assert len(texts) == 2


def test_a_sender_asks_once_for_a_whole_group_however_large_it_is(house: House) -> None:
    an_audience(house, 20)
    house.publish()
    house.send(house.plan())
    worker = Worker(house.config.home)

    with house.database.transaction() as session:
        claimed = claims.claim(session, worker.name, utcnow())
        assert claimed is not None
        session.flush()
        with statements(house) as few:
            looking.look(session, house.resources.vault, claimed, claimed.waiting[:2], utcnow())
        with statements(house) as many:
            ready = looking.look(session, house.resources.vault, claimed, claimed.waiting, utcnow())
        session.rollback()
    worker.close()

    assert [set(each.since) for each in ready] == [{"housing"}] * 20
    assert len(many) == len(few)
    assert sum("subscription.began_at" in each for each in many) == 1


@contextmanager
def statements(house: House) -> Iterator[list[str]]:
    """The statements that the database is given meanwhile."""
    given: list[str] = []
    engine = house.database.engine

    def note(_connection: object, _cursor: Any, statement: str, *_: object) -> None:
        given.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield given
    finally:
        event.remove(engine, "before_cursor_execute", note)
