""" "This is spam": believed from whom we know, lifted by nobody but the reader; and how many are too many.

Standards N6-N9, B8; bad input I23.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from coalition.address import Address
from coalition.clock import utcnow
from coalition.errors import NotFound, Refused
from coalition.models import Audit, Batch, Claim, Delivery, Ended, Issue, Letter, Outbound, Phase, Scope, State
from coalition.services import consents, issues, spam_rate, suppressions
from coalition.services.bounces import Done
from coalition.tokens import random_code
from tests.house import House, a_subscriber
from tests.relay import Received
from tests.services.returning import (
    ADA,
    GRACE,
    SERVER,
    a_reader,
    an_issue,
    bounced,
    collect,
    deal,
    fates,
    set_aside,
)
from tests.services.returning import suppressions as suppressed
from tests.services.scenes import deliveries
from tests.services.test_suppressions import endings


@pytest.fixture(autouse=True)
def _collecting(house: House) -> None:
    collect(house)


def reported(letter: Received) -> bytes:
    """A spam report about a letter, as a provider sends it, with the word of our own mail server on top."""
    return bounced(letter, "spam")


def test_who_reports_a_letter_as_spam_leaves_the_list(house: House) -> None:
    ada, _ = a_reader(house, ADA), a_reader(house, GRACE)
    [to_ada, _] = an_issue(house)

    assert deal(house, reported(to_ada), reported(to_ada)) == [Done.SUPPRESSED, Done.KNOWN]

    assert suppressed(house) == {ada.code: (Scope.LIST, "spam report")}
    assert (house.person(ADA).state, endings(house, ADA)) == (State.LEFT, [Ended.COMPLAINED])
    assert [each.recipient for each in an_issue(house)] == [GRACE]
    with house.database.reading() as session:
        *_, last = consents.history(session, ada.code)
    assert (last["event"], last["channel"]) == ("withdrawn", "spam report")


def test_after_a_spam_report_only_a_letter_to_confirm_goes_and_its_press_lifts_it(house: House) -> None:
    a_reader(house)
    deal(house, reported(an_issue(house)[0]))

    house.browser.post("/preferences", data={"email": ADA})
    assert house.drain() == []
    house.sign_up(ADA)
    [letter] = house.drain()
    assert deliveries(house)[-1].letter is Letter.CONFIRM
    assert suppressed(house) != {}

    assert house.confirm(ADA).status_code == 200
    assert suppressed(house) == {}
    assert [each.recipient for each in house.drain()] == [letter.recipient]
    assert house.person(ADA).state is State.ACTIVE


def test_a_report_that_comes_again_after_the_reader_came_back_changes_nothing(house: House) -> None:
    a_reader(house)
    [letter] = an_issue(house)
    deal(house, reported(letter))
    house.sign_up(ADA)
    house.drain()
    house.confirm(ADA)

    assert deal(house, reported(letter)) == [Done.KNOWN]
    assert suppressed(house) == {}


def test_a_report_without_its_return_path_is_found_by_the_message_id(house: House) -> None:
    ada = a_reader(house)
    [letter] = an_issue(house)
    raw = reported(letter).replace(letter.sender.encode(), b"redacted@example.org")

    assert deal(house, raw) == [Done.SUPPRESSED]
    assert ada.code in suppressed(house)


def _unsigned(raw: bytes) -> bytes:
    return raw.replace(b"dkim=pass", b"dkim=fail")


def _of_nobody_we_know(raw: bytes) -> bytes:
    return raw.replace(b"header.d=arf.mail.yahoo.com header.i=@arf.mail.yahoo.com", b"header.d=evil.example")


def _by_another_server(raw: bytes) -> bytes:
    return raw.replace(f"Authentication-Results: {SERVER}".encode(), b"Authentication-Results: mx.evil.example")


def _of_another_list(raw: bytes) -> bytes:
    return raw.replace(b"Message-ID: <", b"Message-ID: <x").replace(b"b+", b"c+")


@pytest.mark.parametrize("change", [_unsigned, _of_nobody_we_know, _by_another_server, _of_another_list])
def test_a_report_that_nobody_answers_for_or_that_is_not_ours_is_set_aside(
    house: House, change: Callable[[bytes], bytes]
) -> None:
    a_reader(house)
    raw = change(reported(an_issue(house)[0]))

    assert deal(house, raw) == [Done.SET_ASIDE]

    assert (suppressed(house), fates(house)) == ({}, [])
    assert len(set_aside(house)) == 1


def test_out_of_the_spam_folder_is_no_spam_report(house: House) -> None:
    a_reader(house)
    raw = reported(an_issue(house)[0]).replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam")

    assert deal(house, raw) == [Done.PASSED_OVER]
    assert (suppressed(house), fates(house), set_aside(house)) == ({}, [], [])


def test_staff_lift_what_bounces_closed_and_never_a_spam_report(house: House) -> None:
    vault = house.resources.vault
    a_reader(house, ADA)
    a_reader(house, GRACE)
    to_ada, to_grace = an_issue(house)
    deal(house, bounced(to_ada), reported(to_grace))

    with house.database.transaction() as session:
        suppressions.lift(session, vault, Address.parse(ADA), utcnow())
        with pytest.raises(Refused, match="only they"):
            suppressions.lift(session, vault, Address.parse(GRACE), utcnow())
        with pytest.raises(NotFound):
            suppressions.lift(session, vault, Address.parse("ida@example.org"), utcnow())

    house.sign_up(ADA)
    assert [each.recipient for each in house.drain()] == [ADA]
    assert deal(house, bounced(to_ada)) == [Done.KNOWN]


@pytest.mark.parametrize("is_known", [True, False])
def test_staff_close_an_address_for_everything(house: House, is_known: bool) -> None:
    if is_known:
        a_subscriber(house, ADA)

    for new in (True, False):
        with house.database.transaction() as session:
            assert suppressions.block(session, house.resources.vault, Address.parse(ADA), utcnow()) is new

    house.sign_up(ADA)
    assert house.drain() == []
    assert list(suppressed(house).values()) == [(Scope.ALL, "staff")]


def others_got_it(house: House, letters: int) -> None:
    """So many more letters of the newest issue went, to readers of no further interest."""
    now = utcnow()
    with house.database.transaction() as session:
        issue = session.scalars(select(Issue).order_by(Issue.id.desc()).limit(1)).one()
        batch = Batch(issue_id=issue.id, lane=1, state=Claim.DONE, due_at=now, dated_at=now, fence=1)
        session.add(batch)
        session.flush()
        row = {"batch_id": batch.id, "issue_id": issue.id, "letter": Letter.DIGEST}
        row |= {"state": Outbound.SENT, "attempts": 1, "ended_at": now}
        session.execute(insert(Delivery), [{**row, "nonce": random_code()} for _ in range(letters)])


@pytest.mark.parametrize(
    ("reports", "letters", "told", "held"),
    [
        (1, 1001, False, False),
        (1, 1000, True, False),
        (2, 1000, True, False),
        (3, 1001, True, False),
        (3, 1000, True, True),
    ],
)
def test_too_many_spam_reports_of_one_day_are_told_and_hold_what_is_being_sent(
    house: House, reports: int, letters: int, told: bool, held: bool
) -> None:
    for number in range(3):
        a_reader(house, f"reader{number}@example.org")
    came = an_issue(house)
    others_got_it(house, letters - 3)
    house.publish(title="More news")
    a_subscriber(house, "weekly@example.org")
    going = house.plan()
    house.send(going)

    deal(house, *(reported(letter) for letter in came[:reports]))

    with house.database.reading() as session:
        assert session.get_one(Issue, going).state is (Phase.HELD if held else Phase.SENDING)
        actions = {(each.action, each.subject) for each in session.scalars(select(Audit))}
        [day] = spam_rate.recent(session, utcnow())
    assert (day.sent, day.reports) == (letters, reports)
    assert (("spam rate alert", str(day.day)) in actions) is told
    assert (("spam rate hold", str(going)) in actions) is held
    assert bool(house.drain()) is not held


def test_what_staff_let_go_on_goes_on(house: House) -> None:
    a_reader(house, ADA)
    a_reader(house, GRACE)
    letters = an_issue(house)
    a_subscriber(house, "weekly@example.org")
    house.publish(title="More news")
    going = house.plan()
    house.send(going)
    deal(house, *map(reported, letters))

    with house.database.transaction() as session:
        issues.resume(session, going)
    deal(house, *map(reported, letters))

    assert [each.recipient for each in house.drain()] == ["weekly@example.org"]


def test_one_reader_alone_does_not_stop_everybodys_mail(house: House) -> None:
    a_reader(house, ADA)
    a_reader(house, GRACE)
    letters = an_issue(house)
    a_subscriber(house, "weekly@example.org")
    house.publish(title="More news")
    house.send(house.plan())

    deal(house, reported(letters[0]))

    assert [each.recipient for each in house.drain()] == ["weekly@example.org"]


def test_reports_count_for_the_day_on_which_their_letters_went(house: House) -> None:
    a_reader(house)
    [letter] = an_issue(house)
    went = deliveries(house)[0].ended_at
    assert went is not None

    deal(house, reported(letter), now=went + timedelta(days=3))

    with house.database.reading() as session:
        [day] = spam_rate.recent(session, went + timedelta(days=3))
        assert day.day == went.astimezone(UTC).date()
        assert spam_rate.recent(session, went + timedelta(days=8)) == []
        assert spam_rate.of_day(session, datetime(2026, 1, 1, tzinfo=UTC).date()).rate == 0.0
