"""What becomes of a delivery: sent, later, refused, in doubt; and what of it is the same when it goes again."""

import email
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.config import Uncertain
from coalition.models import Batch, Letter, Outbound, Scope, Suppression
from tests.house import House, a_subscriber, link
from tests.relay import Action, Scripted
from tests.services.scenes import deliveries, drain_to, states

ADA = "ada@example.org"

# The waits between tries, without their jitter of up to a tenth.
WAITS = [timedelta(minutes=5), timedelta(minutes=30), *[timedelta(hours=hours) for hours in (2, 6, 12, 24, 24, 24)]]


def an_issue_to(house: House, *addresses: str) -> int:
    house.publish()
    for address in addresses:
        a_subscriber(house, address)
    issue = house.plan()
    house.send(issue)
    return issue


def suppressions(house: House) -> list[Suppression]:
    with house.database.reading() as session:
        return list(session.scalars(select(Suppression)))


def test_a_letter_that_is_put_off_goes_later_with_the_same_bytes(house: House) -> None:
    an_issue_to(house, ADA)
    now = utcnow()

    with Scripted({".": ["451 4.3.0 later", "250 OK"]}) as server:
        with time_machine.travel(now):
            drain_to(house, server.relay)
        with time_machine.travel(now + timedelta(minutes=4)):
            drain_to(house, server.relay)
            assert len(server.messages) == 1
        with time_machine.travel(now + timedelta(minutes=6)):
            drain_to(house, server.relay)

    first, second = server.messages
    assert first == second
    assert states(deliveries(house)) == [Outbound.SENT]
    with house.database.reading() as session:
        dates = session.scalars(select(Batch.dated_at).where(Batch.issue_id.is_not(None))).all()
    assert len(dates) == 2
    assert len(set(dates)) == 1


def test_who_is_never_at_home_is_given_up_after_the_last_try(house: House) -> None:
    issue = an_issue_to(house, ADA)
    now = utcnow()

    with Scripted({"RCPT": "450 4.2.1 busy"}) as server:
        for wait in [timedelta(0), *WAITS]:
            now += wait * 1.1 + timedelta(seconds=1)
            with time_machine.travel(now):
                drain_to(house, server.relay)

    [given_up] = deliveries(house)
    assert (given_up.state, given_up.reason, given_up.attempts) == (Outbound.FAILED, "gave up", len(WAITS) + 1)
    assert suppressions(house) == []
    with house.database.reading() as session:
        assert not session.scalars(select(Batch.id).where(Batch.issue_id == issue, Batch.state != "done")).all()


def test_a_mailbox_that_does_not_exist_gets_nothing_any_more(house: House) -> None:
    an_issue_to(house, ADA)

    with Scripted({"RCPT": "550 5.1.1 nobody"}) as server:
        drain_to(house, server.relay)
    house.sign_up(ADA)

    assert house.drain() == []
    assert states(deliveries(house)) == [Outbound.FAILED, Outbound.SKIPPED]
    [suppression] = suppressions(house)
    assert suppression.scope is Scope.ALL


def test_a_confirm_letter_that_waits_stops_when_its_mailbox_turns_out_dead(house: House) -> None:
    now = utcnow()
    house.sign_up(ADA)
    with Scripted({"RCPT": "450 4.2.1 busy"}) as server:
        drain_to(house, server.relay)
    with house.database.transaction() as session:
        key = house.person(ADA).address_key
        session.add(Suppression(address_key=key, code=None, scope=Scope.ALL, reason="hard bounce", since=now))

    with time_machine.travel(now + timedelta(minutes=6)):
        assert house.drain() == []

    assert states(deliveries(house)) == [Outbound.SKIPPED]


@pytest.mark.parametrize("answer", ["550 5.7.1 policy", "554 5.7.1 blocked", "554 no"])
@pytest.mark.parametrize("step", ["RCPT", "."])
def test_a_refusal_that_is_not_about_the_mailbox_suppresses_nobody(house: House, step: str, answer: str) -> None:
    an_issue_to(house, ADA)

    with Scripted({step: answer}) as server:
        drain_to(house, server.relay)

    assert suppressions(house) == []
    assert states(deliveries(house)) != [Outbound.SENT]


def test_a_letter_without_an_answer_is_tried_once_more_with_the_same_bytes(house: House) -> None:
    an_issue_to(house, ADA)

    with Scripted({".": [Action.CLOSE, "250 OK"]}) as server:
        drain_to(house, server.relay)

    first, second = server.messages
    assert first == second
    parsed = email.message_from_bytes(first)
    assert parsed["Message-ID"]
    assert parsed["Date"]
    assert states(deliveries(house)) == [Outbound.SENT]


def test_a_second_doubt_ends_it(house: House) -> None:
    an_issue_to(house, ADA)

    with Scripted({".": Action.CLOSE}) as server:
        drain_to(house, server.relay)
        drain_to(house, server.relay)

    assert len(server.messages) == 2
    assert states(deliveries(house)) == [Outbound.UNCERTAIN]


def test_a_letter_in_doubt_is_left_to_a_person_where_staff_want_it_so(house: House) -> None:
    an_issue_to(house, ADA)

    with Scripted({".": Action.CLOSE}) as server:
        drain_to(house, server.relay, uncertain=Uncertain.HOLD)
        drain_to(house, server.relay, uncertain=Uncertain.HOLD)

    assert len(server.messages) == 1
    assert states(deliveries(house)) == [Outbound.UNCERTAIN]


def test_what_the_server_says_is_stored_without_the_address(house: House) -> None:
    an_issue_to(house, ADA)

    with Scripted({"RCPT": f"550 5.1.1 <{ADA}>: nobody"}) as server:
        drain_to(house, server.relay)

    [delivery] = deliveries(house)
    assert delivery.reply == "550 5.1.1 [address]: nobody"


def test_a_service_letter_put_off_goes_again_with_the_same_bytes(house: House) -> None:
    now = utcnow()
    house.sign_up(ADA)

    with Scripted({".": ["451 4.3.0 later", "250 OK"]}) as server:
        drain_to(house, server.relay)
        with time_machine.travel(now + timedelta(minutes=6)):
            drain_to(house, server.relay)

    assert server.messages[0] == server.messages[1]
    assert states(deliveries(house, letter=Letter.CONFIRM)) == [Outbound.SENT]


def test_a_confirm_letter_whose_link_would_be_dead_does_not_go(house: House) -> None:
    now = utcnow()
    house.sign_up(ADA)

    with time_machine.travel(now + timedelta(hours=73)):
        assert house.drain() == []

    [stale] = deliveries(house)
    assert (stale.state, stale.reason) == (Outbound.SKIPPED, "stale")


def test_a_welcome_goes_however_long_the_mail_server_was_away(house: House) -> None:
    now = utcnow()
    house.sign_up(ADA)
    house.drain()
    house.confirm(ADA)

    with time_machine.travel(now + timedelta(hours=73)):
        [welcome] = house.drain()

    assert welcome.recipient == ADA


def test_a_fresh_link_lives_from_its_sending_where_the_mail_server_was_away(house: House) -> None:
    now = utcnow()
    a_subscriber(house, ADA)
    house.browser.post("/preferences", data={"email": ADA})
    with Scripted({"GREETING": Action.CLOSE}) as server:
        drain_to(house, server.relay)

    with time_machine.travel(now + timedelta(hours=3)):
        house.drain()
        fresh = link(house.letters_to(ADA)[-1], "/preferences/")
        assert house.browser.get(f"{fresh}/data").status_code == 200


def test_a_fresh_link_that_would_be_dead_does_not_go(house: House) -> None:
    now = utcnow()
    a_subscriber(house, ADA)
    house.browser.post("/preferences", data={"email": ADA})
    with Scripted({"RCPT": "450 4.2.1 busy"}) as server:
        drain_to(house, server.relay)

    with time_machine.travel(now + timedelta(hours=3)):
        assert house.drain() == []

    [stale] = deliveries(house)
    assert (stale.state, stale.reason) == (Outbound.SKIPPED, "stale")
