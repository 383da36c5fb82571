"""An issue that staff stopped stays stopped in a database that comes back from before (X13)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.models import Cadence, Issue, Outbound, Phase
from coalition.services import cancelling, issues, upkeep
from tests.house import House, a_subscriber
from tests.services.scenes import cursors, deliveries, states
from tests.services.staffroom import MONDAY, tick
from tests.web.rows import every_row

ADA = "ada@example.org"
NOON = datetime.fromisoformat(MONDAY)
DAY = timedelta(days=1)


def phases(house: House) -> list[Phase]:
    with house.database.reading() as session:
        return [issue.state for issue in session.query(Issue).order_by(Issue.id)]


def going(house: House) -> int:
    """An issue that was let go and of which nothing has gone yet."""
    house.publish()
    a_subscriber(house, ADA, cursor=0)
    issue = house.plan()
    house.send(issue)
    return issue


def hold(house: House, issue: int) -> None:
    with house.database.transaction() as session:
        issues.hold(session, issue)


def test_x13_what_staff_cancelled_after_the_backup_does_not_go(house: House, back_up: Callable[[], str]) -> None:
    issue = going(house)
    backup = back_up()
    cancelling.cancel(house.database, issue, utcnow())

    restored = house.on(backup)

    assert restored.drain() == []
    assert phases(restored) == [Phase.CANCELLED]
    upkeep.tick(restored.database, restored.resources.eraser, utcnow())
    assert states(deliveries(restored)) == [Outbound.CANCELLED]
    assert cursors(restored, restored.person(ADA)) == {"housing": 0}
    restored.send(restored.plan())
    assert [each.recipient for each in restored.drain()] == [ADA]
    restored.database.close()


def test_x13_what_staff_put_on_hold_after_the_backup_waits_for_their_word(
    house: House, back_up: Callable[[], str]
) -> None:
    issue = going(house)
    backup = back_up()
    hold(house, issue)

    restored = house.on(backup)

    assert restored.drain() == []
    assert phases(restored) == [Phase.HELD]
    with restored.database.transaction() as session:
        issues.resume(session, issue)
    assert [each.recipient for each in restored.drain()] == [ADA]
    restored.database.close()


@pytest.mark.parametrize("stop", ["held", "cancelled"])
def test_x13_a_plan_that_would_go_by_itself_stays_stopped(house: House, back_up: Callable[[], str], stop: str) -> None:
    with time_machine.travel(NOON, tick=False):
        a_subscriber(house, ADA, cadence=Cadence.DAILY, cursor=0)
        with time_machine.travel(NOON - DAY, tick=False):
            house.publish()
        issue = house.plan(Cadence.DAILY)
        backup = back_up()  # planned by periodic work, which is about to let it go
        tick(house, utcnow())
        if stop == "held":
            hold(house, issue)
        else:
            cancelling.cancel(house.database, issue, utcnow())

        restored = house.on(backup)
        assert tick(restored, utcnow()) == {}

        assert restored.drain() == []
        assert phases(restored) == [Phase.HELD if stop == "held" else Phase.CANCELLED]
        restored.database.close()


def test_x13_a_period_whose_issue_staff_cancelled_gets_no_other_by_itself(
    house: House, back_up: Callable[[], str]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        a_subscriber(house, ADA, cadence=Cadence.DAILY, cursor=0)
        with time_machine.travel(NOON - DAY, tick=False):
            house.publish()
        backup = back_up()  # it knows nothing of the issue
        tick(house, utcnow())
        cancelling.cancel(house.database, 1, utcnow())

        restored = house.on(backup)

        assert tick(restored, utcnow()) == {}
        clock.shift(DAY)
        assert tick(restored, utcnow()) == {"daily": 1}
        assert [each.recipient for each in restored.drain()] == [ADA]
        restored.database.close()


def test_replaying_them_twice_is_as_good_as_once(house: House, back_up: Callable[[], str]) -> None:
    issue = going(house)
    backup = back_up()
    hold(house, issue)
    cancelling.cancel(house.database, issue, utcnow())
    restored = house.on(backup)
    before = every_row(restored)

    again = house.on(backup)

    assert every_row(again) == before
    for each in (restored, again):
        each.database.close()
