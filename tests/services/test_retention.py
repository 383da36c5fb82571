"""What is kept how long: each kind with a moved clock, the day before and the day after (L10, D17)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from coalition.clock import utcnow
from coalition.models import Audit, Delivery, Grievance, Rate, Request, State, Subscriber, Suppression
from coalition.services import audit, consents, grievances, requests, retention
from coalition.services.retention import PERIODS
from tests.cli.shell import Shell
from tests.house import House, a_subscriber
from tests.services.scenes import leave, undo
from tests.web.rows import every_row, nothing_changes

ADA = "ada@example.org"
DAY = timedelta(days=1)


def count(house: House, *where: object) -> int:
    with house.database.reading() as session:
        return session.scalar(select(func.count()).where(*where)) or 0  # type: ignore[arg-type]  # the callers' columns


def prune(house: House, at: datetime) -> dict[str, int]:
    return retention.prune(house.database, house.resources.eraser, at)


def an_unconfirmed_request(house: House) -> None:
    house.sign_up(ADA)
    house.drain()


def somebody_who_left(house: House) -> None:
    leave(house, a_subscriber(house, ADA))


def a_reply(house: House) -> None:
    house.publish()
    a_subscriber(house, ADA, cursor=0)
    house.send(house.plan())
    house.drain()


def a_test_letter(house: House) -> None:
    a_reply(house)
    with house.database.transaction() as session:
        requests.queue_service(session, utcnow(), recipient_sealed=b"sealed")
        session.execute(update(Delivery).where(Delivery.recipient_sealed.is_not(None)).values(_ENDED))


_ENDED = {"state": "sent", "ended_at": utcnow()}


def evidence(house: House) -> None:
    house.join(ADA)
    leave(house, house.person(ADA))
    prune(house, utcnow() + 29 * DAY)
    assert consent_rows(house) > 0


def consent_rows(house: House) -> int:
    with house.database.reading() as session:
        code = session.scalars(select(Subscriber.code)).one()
        return len(consents.history(session, code))


def a_look_by_staff(house: House) -> None:
    with house.database.transaction() as session:
        audit.record(session, "subscriber show", "somebody")


def an_answered_grievance(house: House) -> None:
    house.press("/privacy/grievance", email=ADA, text="Why?")
    with house.database.transaction() as session:
        grievances.answer(session, house.resources.vault, 1, "Because.", utcnow(), by_letter=True)


CASES: dict[str, tuple[Callable[[House], None], Callable[[House], int]]] = {
    "requests": (an_unconfirmed_request, lambda house: count(house, Request.id > 0)),
    "strangers": (an_unconfirmed_request, lambda house: count(house, Subscriber.id > 0)),
    "people who left": (somebody_who_left, lambda house: count(house, Subscriber.address_sealed.is_not(None))),
    "replies": (a_reply, lambda house: count(house, Delivery.reply.is_not(None))),
    "test letters": (a_test_letter, lambda house: count(house, Delivery.recipient_sealed.is_not(None))),
    "evidence": (evidence, consent_rows),
    "grievances": (an_answered_grievance, lambda house: count(house, Grievance.id > 0)),
    "audit": (a_look_by_staff, lambda house: count(house, Audit.id > 0)),
}


def test_every_kind_is_tried() -> None:
    # What comes back by mail, and moves, have tests of their own.
    assert {period.name for period in PERIODS} - set(CASES) == {"counters", "set aside", "bounces", "old addresses"}


@pytest.mark.parametrize("period", [each for each in PERIODS if each.name in CASES], ids=lambda period: period.name)
def test_l10_it_is_there_the_day_before_and_gone_the_day_after(house: House, period: retention.Period) -> None:
    make, remains = CASES[period.name]
    make(house)
    now = utcnow()

    prune(house, now + period.keep - DAY)
    assert remains(house) > 0

    done = prune(house, now + period.keep + DAY)
    assert remains(house) == 0
    assert done[period.name] > 0
    with nothing_changes(house):
        assert set(prune(house, now + period.keep + DAY).values()) == {0}


def test_l10_a_counter_goes_when_its_window_is_over_and_no_window_is_longer_than_told(house: House) -> None:
    an_unconfirmed_request(house)
    [longest] = [period.keep for period in PERIODS if period.name == "counters"]
    with house.database.reading() as session:
        last = session.scalars(select(func.max(Rate.expires_at))).one()
    assert last <= utcnow() + longest

    prune(house, last - timedelta(minutes=1))
    assert count(house, Rate.count > 0) > 0
    prune(house, last + timedelta(minutes=1))

    assert count(house, Rate.count > 0) == 0


def test_who_returns_in_time_stays(house: House) -> None:
    ada = a_subscriber(house, ADA)
    undo(house, ada, leave(house, ada))

    prune(house, utcnow() + 60 * DAY)

    assert house.person(ADA).state is State.ACTIVE
    assert count(house, Suppression.reason != "") == 0


def test_only_what_was_left_last_counts(house: House) -> None:
    ada = a_subscriber(house, ADA, ("housing", "events"))
    leave(house, ada, "housing", at=utcnow() - 27 * DAY)

    prune(house, utcnow() + 10 * DAY)
    assert house.person(ADA).state is State.ACTIVE
    leave(house, ada)
    prune(house, utcnow() + 10 * DAY)

    assert house.person(ADA).state is State.LEFT


def test_telling_beforehand_changes_nothing_and_tells_the_same(house: House) -> None:
    an_unconfirmed_request(house)
    leave(house, a_subscriber(house, "bob@example.org"))
    later = utcnow() + 40 * DAY
    before = every_row(house)
    lines = house.resources.journal.lasts()

    told = retention.foretell(house.database, house.resources.eraser, later)

    assert (every_row(house), house.resources.journal.lasts()) == (before, lines)
    assert told == prune(house, later)
    assert told["people who left"] == 1


def test_the_page_about_privacy_tells_every_period(house: House) -> None:
    page = house.browser.get("/privacy?lang=en").text

    for period in PERIODS:
        assert period.told % period.numbers in page


def test_staff_prune_and_are_told_what_would_go(shell: Shell) -> None:
    a_look_by_staff(shell.house)
    with shell.house.database.transaction() as session:
        session.execute(update(Audit).values(at=utcnow() - 4 * 365 * DAY))

    dry = {row["what"]: row["forgotten"] for row in shell.run("privacy", "prune", "--dry-run", "--json").json}
    done = {row["what"]: row["forgotten"] for row in shell.run("privacy", "prune", "--json").json}

    assert dry == done
    assert done["audit"] == 1
    assert shell.audit() == [("privacy prune", "1 rows")]


def test_staff_forget_a_caller(shell: Shell) -> None:
    shell.house.join(ADA)
    code = shell.house.person(ADA).code

    said = shell.run("subscriber", "forget", ADA, answer="y\n")

    assert "Erased" in said.out
    assert ADA not in said.out
    assert shell.audit() == [("subscriber forget", code)]
    assert "known here" in shell.refused("subscriber", "show", ADA)


@pytest.fixture
def shell(house: House) -> Shell:
    """The `coalition` command on a house."""
    return Shell(house)
