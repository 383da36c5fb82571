"""A second person approves what is sent, where the community wants that."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from coalition.clock import utcnow
from coalition.errors import NotFound, Refused
from coalition.models import Issue, Phase
from coalition.services import cancelling, issues
from tests.house import House
from tests.services.scenes import an_audience
from tests.services.staffroom import plan_as, settle_in


@pytest.fixture
def careful(house: House) -> House:
    """A community whose issues are approved, with one reader and news."""
    an_audience(house, 1)
    house.publish()
    return settle_in(house, approval=True)


def approve(house: House, issue_id: int, who: str) -> Issue:
    with house.database.transaction() as session:
        return issues.approve(session, issue_id, who)


def test_a_second_person_lets_it_go(careful: House) -> None:
    issue = plan_as(careful, "ada", utcnow())

    approved = approve(careful, issue, "bea")
    careful.send(issue)

    assert (approved.state, approved.planned_by, approved.approved_by) == (Phase.APPROVED, "ada", "bea")
    assert len(careful.drain()) == 1


def test_nobody_approves_their_own(careful: House) -> None:
    issue = plan_as(careful, "ada", utcnow())

    with pytest.raises(Refused, match="a second person approves it"):
        approve(careful, issue, "ada")
    with pytest.raises(Refused, match="has to approve it first"):
        careful.send(issue)

    assert careful.drain() == []


def test_nothing_is_sent_before(careful: House) -> None:
    issue = plan_as(careful, "ada", utcnow())

    with pytest.raises(Refused, match=f"Issue {issue} is planned: a second person has to approve it first"):
        careful.send(issue)

    assert careful.drain() == []


def test_twice_is_as_good_as_once(careful: House) -> None:
    issue = plan_as(careful, "ada", utcnow())

    for who in ("bea", "bea", "cyd"):
        assert approve(careful, issue, who).approved_by == "bea"
    for _ in range(2):
        careful.send(issue)

    assert len(careful.drain()) == 1


def test_a_new_plan_is_approved_anew(careful: House) -> None:
    first = plan_as(careful, "ada", utcnow())
    approve(careful, first, "bea")
    second = plan_as(careful, "bea", utcnow())

    with pytest.raises(Refused, match="has to approve it first"):
        careful.send(second)
    with pytest.raises(Refused, match="a second person"):
        approve(careful, second, "bea")
    with pytest.raises(Refused, match="is cancelled"):
        approve(careful, first, "bea")
    approve(careful, second, "ada")
    careful.send(second)

    assert len(careful.drain()) == 1


def test_what_nobody_planned_anybody_may_approve(careful: House) -> None:
    issue = plan_as(careful, None, utcnow())

    assert approve(careful, issue, "ada").state is Phase.APPROVED


@pytest.mark.parametrize("fate", [lambda house, issue: house.send(issue), lambda house, issue: _cancel(house, issue)])
def test_what_is_on_its_way_or_over_is_not_approved(house: House, fate: Callable[[House, int], None]) -> None:
    an_audience(house, 1)
    house.publish()
    issue = plan_as(house, "ada", utcnow())
    fate(house, issue)

    with pytest.raises(Refused, match="only a planned issue can be approved"):
        approve(house, issue, "bea")


def test_an_approved_issue_can_still_be_cancelled(careful: House) -> None:
    issue = plan_as(careful, "ada", utcnow())
    approve(careful, issue, "bea")
    _cancel(careful, issue)

    with pytest.raises(Refused):
        careful.send(issue)

    assert careful.drain() == []


def test_without_the_rule_it_goes_with_or_without(house: House) -> None:
    an_audience(house, 1)
    house.publish()
    issue = plan_as(house, "ada", utcnow())
    approve(house, issue, "bea")
    house.send(issue)

    assert len(house.drain()) == 1


def test_an_issue_that_is_not_there_is_not_approved(careful: House) -> None:
    with pytest.raises(NotFound):
        approve(careful, 7, "bea")


def _cancel(house: House, issue_id: int) -> None:
    cancelling.cancel(house.database, issue_id, utcnow() + timedelta(seconds=1))
