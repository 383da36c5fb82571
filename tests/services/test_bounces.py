"""What follows from a letter that came back: once, for one reader, and never from what somebody merely claims.

Standards N1, N3, N5, N11, N12; bad input I22.
"""

from datetime import timedelta

import pytest
from sqlalchemy import select

from coalition.address import Address
from coalition.clock import utcnow
from coalition.mail.return_paths import ReturnPaths
from coalition.models import Bounce, Delivery, Ended, Fate, Letter, Outbound, Scope, State, Subscriber
from coalition.services import bounces, chain, consents, issues, requests, upkeep
from coalition.services.bounces import Done
from coalition.services.suppressions import Cause, suppress
from coalition.tokens import random_code
from tests.house import House, a_subscriber
from tests.mail.came_back import came_back
from tests.relay import Scripted
from tests.services.returning import (
    ADA,
    GRACE,
    a_plan,
    a_reader,
    an_issue,
    bounced,
    collect,
    deal,
    fates,
    let_it_have_gone,
    set_aside,
    suppressions,
)
from tests.services.scenes import deliveries, drain_to, states
from tests.services.test_suppressions import endings


@pytest.fixture(autouse=True)
def _collecting(house: House) -> None:
    collect(house)


def test_whose_mailbox_does_not_exist_gets_nothing_more_and_the_next_issue_counts_them(house: House) -> None:
    ada, _ = a_reader(house, ADA), a_reader(house, GRACE)
    a_subscriber(house, "ida@example.org")
    [to_ada, _] = an_issue(house)
    next_issue = a_plan(house)
    house.send(next_issue)

    assert deal(house, bounced(to_ada)) == [Done.SUPPRESSED]

    assert [each.recipient for each in house.drain()] == [GRACE]
    assert suppressions(house) == {ada.code: (Scope.ALL, "hard bounce")}
    assert (house.person(ADA).state, endings(house, ADA)) == (State.LEFT, [Ended.BOUNCED])
    with house.database.reading() as session:
        assert issues.progress(session, next_issue).not_mailed == [("Housing", "suppressed", 1)]
    assert [each.recipient for each in an_issue(house)] == [GRACE]
    house.sign_up(ADA)
    assert house.drain() == []


def test_a_bounce_that_comes_three_times_is_one(house: House) -> None:
    a_reader(house)
    [letter] = an_issue(house)

    # Another server on the way writes its own lines: the bytes differ, the letter is the same.
    assert deal(house, bounced(letter), b"Received: again\r\n" + bounced(letter), bounced(letter, "exim")) == [
        Done.SUPPRESSED,
        Done.KNOWN,
        Done.KNOWN,
    ]

    assert fates(house) == [Fate.DEAD]


@pytest.mark.parametrize(
    ("name", "done", "recorded"),
    [
        ("full", Done.NOTED, [Fate.SOFT]),
        ("passed_on", Done.NOTED, [Fate.SOFT]),
        ("policy", Done.NOTED, [Fate.POLICY]),
        ("delayed", Done.NOTED, [Fate.DELAYED]),
        ("several", Done.PASSED_OVER, []),
        ("out_of_office", Done.PASSED_OVER, []),
        ("receipt", Done.PASSED_OVER, []),
        ("missing_status", Done.SET_ASIDE, []),
        ("human", Done.SET_ASIDE, []),
    ],
)
def test_what_is_no_dead_mailbox_suppresses_nobody(house: House, name: str, done: Done, recorded: list[Fate]) -> None:
    a_reader(house)
    [letter] = an_issue(house)

    assert deal(house, bounced(letter, name)) == [done]

    assert (suppressions(house), fates(house)) == ({}, recorded)
    assert len(set_aside(house)) == (done is Done.SET_ASIDE)
    assert [each.recipient for each in an_issue(house)] == [ADA]


def test_a_forged_return_path_changes_nothing(house: House) -> None:
    ada = a_reader(house)
    [letter] = an_issue(house)
    [delivery] = deliveries(house)

    forged = [
        f"b+{delivery.nonce}.{(ada.address_key or b'')[:5].hex()}.{'0' * 20}@bounces.example.org",
        letter.sender.replace("@bounces.example.org", "@bounces.example.net"),
        ReturnPaths(house.resources.tokens, house.config.community).to(random_code(), ada.address_key),
        ADA,
    ]
    done = deal(house, *(came_back("postfix", path, ADA) for path in forged))

    assert done == [Done.SET_ASIDE] * len(forged)
    assert (suppressions(house), fates(house)) == ({}, [])


def test_a_bounce_that_names_two_letters_is_not_guessed(house: House) -> None:
    a_reader(house, ADA)
    a_reader(house, GRACE)
    to_ada, to_grace = an_issue(house)
    raw = f"Delivered-To: {to_grace.sender}\r\n".encode() + bounced(to_ada)

    assert deal(house, raw) == [Done.SET_ASIDE]
    assert suppressions(house) == {}


def test_the_address_in_a_bounce_chooses_nobody(house: House) -> None:
    a_reader(house, ADA)
    grace = a_reader(house, GRACE)
    to_ada, _ = an_issue(house)

    deal(house, came_back("postfix", to_ada.sender, GRACE))

    assert grace.code not in suppressions(house)
    assert fates(house) == [Fate.SOFT]


def test_what_comes_back_from_an_address_of_before_says_nothing_of_the_new_one(house: House) -> None:
    ada = a_reader(house)
    [letter] = an_issue(house)
    moved, vault = Address.parse("ada@new.example"), house.resources.vault
    with house.database.transaction() as session:
        person = session.get_one(Subscriber, ada.id)
        person.address_sealed, person.address_key = vault.seal(moved), vault.key(moved)

    assert deal(house, bounced(letter)) == [Done.PASSED_OVER]
    assert (suppressions(house), fates(house)) == ({}, [])


def test_of_the_erased_nothing_is_kept(house: House) -> None:
    ada = a_reader(house)
    [letter] = an_issue(house)
    with house.database.transaction() as session:
        person = session.get_one(Subscriber, ada.id)
        person.state, person.address_sealed = State.ERASED, None

    assert deal(house, bounced(letter)) == [Done.PASSED_OVER]
    assert (fates(house), set_aside(house)) == ([], [])


def test_who_confirmed_after_a_letter_went_has_a_mailbox(house: House) -> None:
    ada = a_reader(house)
    [letter] = an_issue(house)
    with house.database.transaction() as session:
        session.get_one(Subscriber, ada.id).confirmed_at = utcnow() + timedelta(minutes=1)

    assert deal(house, bounced(letter)) == [Done.NOTED]
    assert suppressions(house) == {}


def test_a_letter_to_confirm_that_comes_back_closes_that_address_for_30_days(house: House) -> None:
    house.sign_up(ADA)
    [letter] = house.drain()
    now = utcnow()

    assert deal(house, bounced(letter)) == [Done.SUPPRESSED]
    house.sign_up(ADA)
    assert house.drain() == []

    for days, kept in ((8, 1), (29, 1), (31, 0)):
        upkeep.tick(house.database, house.resources.eraser, now + timedelta(days=days))
        assert len(suppressions(house)) == kept
    house.sign_up(ADA)
    assert len(house.drain()) == 1


def test_a_dead_mailbox_of_a_reader_stays_closed(house: House) -> None:
    a_reader(house)
    deal(house, bounced(an_issue(house)[0]))

    upkeep.tick(house.database, house.resources.eraser, utcnow() + timedelta(days=31))

    assert len(suppressions(house)) == 1


def test_what_is_set_aside_is_sealed_shown_to_staff_and_gone_after_30_days(house: House) -> None:
    a_reader(house)
    [letter] = an_issue(house)
    raw = bounced(letter, "human")

    assert deal(house, raw, raw) == [Done.SET_ASIDE, Done.KNOWN]

    [kept] = set_aside(house)
    assert kept.sealed is not None
    assert b"neighbour" not in kept.sealed
    assert "@" not in kept.why
    with house.database.reading() as session:
        assert bounces.open_aside(session, house.resources.vault, kept.id) == raw.decode()
    now = utcnow()
    upkeep.tick(house.database, house.resources.eraser, now + timedelta(days=29))
    assert len(set_aside(house)) == 1
    upkeep.tick(house.database, house.resources.eraser, now + timedelta(days=31))
    assert set_aside(house) == []


@pytest.mark.parametrize(
    ("days", "is_suppressed"),
    [
        ("0 7 14 21", False),  # four
        ("0 1 2 3 4 5 6", False),  # seven, but in one week
        ("0 5 10 15 20", False),
        ("0 5 10 15 21", True),
        ("0 5 10 11+ 15 21", False),  # one of them arrived
        ("0 5 10 11? 15 21", True),  # one was refused for our sake, which says nothing
        ("0+ 7 14 21 28 35", True),
        ("0 7 14 21 28 35+", True),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_letters_that_come_back_for_weeks_end_it(house: House, days: str, is_suppressed: bool, backwards: bool) -> None:
    ada, now = a_reader(house), utcnow()
    with house.database.transaction() as session:
        session.get_one(Subscriber, ada.id).confirmed_at = now - timedelta(days=100)
    messages = []
    for word in days.split():
        [letter] = an_issue(house)
        let_it_have_gone(house, letter, now - timedelta(days=90 - int(word.rstrip("+?"))))
        messages += [] if word.endswith("+") else [bounced(letter, "policy" if word.endswith("?") else "full")]

    deal(house, *(reversed(messages) if backwards else messages))

    expected = {ada.code: (Scope.ALL, "soft bounces")} if is_suppressed else {}
    assert suppressions(house) == expected
    assert endings(house, ADA) == ([Ended.BOUNCED] if is_suppressed else [None])


def test_weeks_of_before_do_not_count_for_who_has_confirmed_again(house: House) -> None:
    ada, now = a_reader(house), utcnow()
    letters = [an_issue(house)[0] for _ in range(6)]
    for number, letter in enumerate(letters):
        let_it_have_gone(house, letter, now - timedelta(days=60 - 7 * number))
    with house.database.transaction() as session:
        session.get_one(Subscriber, ada.id).confirmed_at = now - timedelta(days=30)

    deal(house, *(bounced(letter, "full") for letter in letters))

    assert suppressions(house) == {}


def a_test_letter(house: House, address: str) -> None:
    """Staff send themselves a letter of an issue that is planned and not sent."""
    issue, nonce = a_plan(house), random_code()
    with house.database.transaction() as session:
        [(variant, _)] = issues.largest_variants(session, issue)
        sealed = house.resources.vault.seal_text(address, nonce.encode())
        requests.queue_service(
            session, utcnow(), letter=Letter.DIGEST, variant_id=variant.id, recipient_sealed=sealed, nonce=nonce
        )


def test_a_test_letter_that_comes_back_is_recorded_about_nobody(house: House) -> None:
    a_reader(house)
    a_test_letter(house, "staff@example.org")
    [letter] = house.drain()

    assert deal(house, bounced(letter)) == [Done.NOTED]

    with house.database.reading() as session:
        assert session.scalars(select(Bounce.subscriber_id)).all() == [None]
    assert suppressions(house) == {}


def test_no_test_letter_goes_to_a_suppressed_address(house: House) -> None:
    a_reader(house, ADA)
    a_reader(house, GRACE)
    deal(house, bounced(an_issue(house)[0]))

    a_test_letter(house, ADA)

    assert house.drain() == []
    assert states(deliveries(house))[-1] is Outbound.SKIPPED


def refuse(house: House, answer: str, step: str = "RCPT") -> None:
    """Plan an item and send it to a mail server that says this."""
    house.send(a_plan(house))
    with Scripted({step: answer}) as server:
        drain_to(house, server.relay)


def weeks_ago(house: House, weeks: int) -> None:
    """Let what was refused last have been refused so long ago."""
    with house.database.transaction() as session:
        last = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
        assert last is not None
        last.ended_at = utcnow() - timedelta(weeks=weeks)


@pytest.mark.parametrize(
    ("answers", "is_suppressed"),
    [
        (["550 5.2.0 not now"] * 5, True),
        (["550 5.2.0 not now"] * 4, False),
        (["554 no"] * 5, True),
        (["550 5.2.0 no", "550 5.2.0 no", "250 ok", "550 5.2.0 no", "550 5.2.0 no", "550 5.2.0 no"], False),
        (["550 5.2.0 no"] * 3 + ["came back"] * 2, True),
    ],
)
def test_issues_that_are_refused_at_once_count_as_those_that_come_back(
    house: House, answers: list[str], is_suppressed: bool
) -> None:
    ada = a_reader(house)
    with house.database.transaction() as session:
        session.get_one(Subscriber, ada.id).confirmed_at = utcnow() - timedelta(days=100)
    for number, answer in enumerate(answers):
        ago = len(answers) - number
        if answer == "came back":
            [letter] = an_issue(house)
            let_it_have_gone(house, letter, utcnow() - timedelta(weeks=ago))
            deal(house, bounced(letter, "full"))
        else:
            refuse(house, answer)
            weeks_ago(house, ago)

    expected = {ada.code: (Scope.ALL, "soft bounces")} if is_suppressed else {}
    assert suppressions(house) == expected
    with house.database.reading() as session:
        events = [(each["event"], each["why"]) for each in consents.history(session, ada.code)]
    why = "issue after issue could not be delivered, for weeks"
    assert events == ([("ended", why)] if is_suppressed else [])


@pytest.mark.parametrize(
    ("cause", "event"),
    [
        (Cause.HARD_BOUNCE, "ended"),
        (Cause.SOFT_BOUNCES, "ended"),
        (Cause.SPAM_REPORT, "withdrawn"),
        (Cause.STAFF, "withdrawn"),
    ],
)
def test_whatever_ends_somebodys_subscriptions_stands_in_the_consent_chain_in_words(
    house: House, cause: Cause, event: str
) -> None:
    ada = a_reader(house)

    with house.database.transaction() as session:
        assert suppress(session, ada.id, cause, utcnow())

    with house.database.reading() as session:
        [row] = consents.history(session, ada.code)
        assert chain.verify(session, []).faults == []
    assert (row["event"], row["channel"], row["names"]) == (event, cause, {"1": "Housing"})
    assert len(row["why"].split()) > 3
