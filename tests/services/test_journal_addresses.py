"""Nobody is written to in a database from the past whom the newer one knew to leave in peace (L6, X13)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from coalition.address import Address
from coalition.clock import utcnow
from coalition.journal import What
from coalition.models import Scope, State, Subscriber, Suppression
from coalition.services import journaling, people, retention, suppressions
from coalition.services.suppressions import MOVED_AWAY, Cause
from tests.house import House, a_subscriber
from tests.services.scenes import cursors, leave, undo
from tests.services.test_journal import lines
from tests.web.doors import move_link, put_back_link
from tests.web.rows import every_row

ADA, BOB, NEW = "ada@example.org", "bob@example.org", "new@example.org"


def close(house: House, address: str, cause: Cause) -> None:
    with house.database.transaction() as session:
        suppressions.suppress(session, house.person(address).id, cause, utcnow())


def closed(house: House) -> list[tuple[Scope, str]]:
    with house.database.reading() as session:
        rows = session.scalars(select(Suppression).order_by(Suppression.since))
        return [(row.scope, row.reason) for row in rows]


def an_issue(house: House) -> list[str]:
    house.publish()
    house.send(house.plan())
    return [each.recipient for each in house.drain()]


def move(house: House) -> None:
    """From the old mailbox to the new one, pressed there."""
    house.press(move_link(house), answer="yes")
    house.drain()


@pytest.mark.parametrize("cause", Cause)
def test_x13_who_was_suppressed_after_the_backup_is_so_in_it(
    house: House, back_up: Callable[[], str], cause: Cause
) -> None:
    a_subscriber(house, ADA, cursor=0)
    a_subscriber(house, BOB, cursor=0)
    backup = back_up()
    close(house, ADA, cause)

    restored = house.on(backup)

    assert closed(restored) == closed(house)
    assert restored.person(ADA).state is State.LEFT
    assert an_issue(restored) == [BOB]
    restored.database.close()


def test_x13_an_address_that_nobody_has_and_staff_closed_stays_closed(house: House, back_up: Callable[[], str]) -> None:
    backup = back_up()
    with house.database.transaction() as session:
        assert suppressions.block(session, house.resources.vault, Address.parse(ADA), utcnow())

    restored = house.on(backup)
    restored.sign_up(ADA)

    assert restored.drain() == []
    assert closed(restored) == [(Scope.ALL, "staff")]
    restored.database.close()


def test_a_suppression_that_staff_lifted_is_lifted(house: House, back_up: Callable[[], str]) -> None:
    a_subscriber(house, ADA)
    close(house, ADA, Cause.HARD_BOUNCE)
    backup = back_up()
    with house.database.transaction() as session:
        suppressions.lift(session, house.resources.vault, Address.parse(ADA), utcnow())

    restored = house.on(backup)

    assert closed(restored) == []
    restored.database.close()


def test_a_spam_report_that_the_person_took_back_by_signing_up_again_is_taken_back(
    house: House, back_up: Callable[[], str]
) -> None:
    a_subscriber(house, ADA)
    backup = back_up()
    close(house, ADA, Cause.SPAM_REPORT)
    house.join(ADA)

    restored = house.on(backup)

    assert closed(restored) == []
    assert list(cursors(restored, restored.person(ADA))) == ["housing"]
    restored.database.close()


def test_the_widest_suppression_stays_whatever_the_order(house: House, back_up: Callable[[], str]) -> None:
    a_subscriber(house, ADA)
    backup = back_up()
    for cause in (Cause.SPAM_REPORT, Cause.STAFF, Cause.SPAM_REPORT):
        close(house, ADA, cause)

    restored = house.on(backup)

    assert closed(restored) == [(Scope.ALL, "staff")]
    restored.database.close()


def test_of_a_stranger_whose_mailbox_is_dead_the_journal_keeps_nothing(house: House) -> None:
    house.sign_up(ADA)
    house.drain()

    close(house, ADA, Cause.HARD_BOUNCE)

    assert closed(house) == [(Scope.ALL, "hard bounce")]
    assert lines(house) == []


def test_x13_nobody_writes_to_an_address_that_somebody_moved_away_from(
    house: House, back_up: Callable[[], str]
) -> None:
    house.join(ADA)
    a_subscriber(house, BOB, cursor=0)
    backup = back_up()
    move(house)

    restored = house.on(backup)

    assert closed(restored) == [(Scope.LIST, MOVED_AWAY)]
    assert an_issue(restored) == [BOB]
    before = len(restored.letters_to(ADA))
    restored.browser.post("/preferences", data={"email": ADA})
    restored.drain()
    assert len(restored.letters_to(ADA)) == before  # whoever reads that mailbox now gets no link
    restored.database.close()


def test_who_moved_and_went_back_gets_letters_where_they_are(house: House, back_up: Callable[[], str]) -> None:
    house.join(ADA)
    backup = back_up()
    house.press(put_back_link(house))
    assert house.person(ADA).state is State.ACTIVE

    restored = house.on(backup)

    assert closed(restored) == []
    assert an_issue(restored) == [ADA]
    restored.database.close()


def test_leaving_and_returning_from_the_new_mailbox_do_not_open_the_old_one(
    house: House, back_up: Callable[[], str]
) -> None:
    house.join(ADA)
    a_subscriber(house, BOB, cursor=0)
    backup = back_up()
    move(house)
    undo(house, house.person(NEW), leave(house, house.person(NEW)))

    restored = house.on(backup)

    assert closed(restored) == [(Scope.LIST, MOVED_AWAY)]
    assert an_issue(restored) == [BOB]
    restored.database.close()


def test_what_a_backup_knows_of_somebody_who_moved_is_forgotten_as_any_old_address(
    house: House, back_up: Callable[[], str]
) -> None:
    house.join(ADA)
    code = house.person(ADA).code
    backup = back_up()
    move(house)
    restored = house.on(backup)

    retention.prune(restored.database, restored.resources.eraser, utcnow() + timedelta(days=8))

    with restored.database.reading() as session:
        person = people.by_code(session, code)
        assert person is not None
        assert (person.state, person.address_sealed) == (State.ERASED, None)
    restored.database.close()


def test_no_line_holds_an_address_in_clear_or_sealed(house: House) -> None:
    house.join(ADA)
    move(house)
    close(house, NEW, Cause.STAFF)

    kept = b"".join(path.read_bytes() for path in house.config.journal.iterdir())

    assert [line.what for line in lines(house)] == [What.MOVED, What.SUPPRESSED, What.LEFT]
    with house.database.reading() as session:
        sealed = session.scalars(select(Subscriber.address_sealed)).one()
    assert sealed is not None
    for secret in (b"example.org", sealed, sealed.hex().encode()):
        assert secret not in kept


def test_replaying_them_twice_is_as_good_as_once(house: House, back_up: Callable[[], str]) -> None:
    house.join(ADA)
    a_subscriber(house, BOB)
    backup = back_up()
    move(house)
    close(house, BOB, Cause.SOFT_BOUNCES)
    restored = house.on(backup)
    before = every_row(restored)

    with restored.database.transaction() as session:
        journaling.go_on_from(session, restored.resources.journal.stream, 0)
    assert restored.resources.backlog.work_off() == 3

    assert every_row(restored) == before
    restored.database.close()
