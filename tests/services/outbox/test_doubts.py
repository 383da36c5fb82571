"""Letters that nobody knows enough of, settled by a person; and counts that tell when something is missing."""

import pytest
from sqlalchemy import delete, select

from coalition.clock import utcnow
from coalition.config import Uncertain
from coalition.errors import NotFound, Refused
from coalition.models import Delivery, Issue, Outbound, Phase, Tally
from coalition.services import cancelling
from coalition.services.outbox import doubts, ledger
from tests.cli.shell import Shell
from tests.house import House, a_subscriber
from tests.relay import Action, Scripted
from tests.services.scenes import an_audience, deliveries, drain_to, states


@pytest.fixture
def shell(house: House) -> Shell:
    return Shell(house)


def in_doubt(house: House, readers: int = 2) -> tuple[int, list[bytes]]:
    """An issue whose letters the mail server took without a word, and what it heard of them."""
    house.publish()
    an_audience(house, readers)
    issue = house.plan()
    house.send(issue)
    with Scripted({".": Action.CLOSE}) as server:
        drain_to(house, server.relay, uncertain=Uncertain.HOLD)
    assert set(states(deliveries(house))) == {Outbound.UNCERTAIN}
    return issue, server.messages


def phase(house: House, issue: int) -> Phase:
    with house.database.reading() as session:
        return session.get_one(Issue, issue).state


def test_staff_say_that_letters_were_taken(shell: Shell) -> None:
    in_doubt(shell.house)

    rows = shell.run("outbox", "uncertain", "--json").json
    asked = shell.run("outbox", "settle", str(rows[0]["delivery"]), "--sent", answer="n\n", code=1)
    assert "Call sent: 1 letter" in asked.out
    shell.run("outbox", "settle", str(rows[0]["delivery"]), "--sent", "--yes")

    assert states(deliveries(shell.house)) == [Outbound.SENT, Outbound.UNCERTAIN]
    assert [row["delivery"] for row in shell.run("outbox", "uncertain", "--json").json] == [rows[1]["delivery"]]
    assert shell.audit() == [("outbox settle", f"sent: {rows[0]['delivery']}")]


def test_staff_send_letters_again_with_the_same_bytes(shell: Shell) -> None:
    issue, before = in_doubt(shell.house)
    assert phase(shell.house, issue) is Phase.SENT

    shell.run("outbox", "settle", "--issue", str(issue), "--again", "--yes")
    assert phase(shell.house, issue) is Phase.SENDING
    with Scripted() as server:
        drain_to(shell.house, server.relay)

    assert sorted(server.messages) == sorted(before)
    assert set(states(deliveries(shell.house))) == {Outbound.SENT}
    assert phase(shell.house, issue) is Phase.SENT
    assert shell.run("outbox", "uncertain").out == "No letter is uncertain.\n"


def test_what_is_not_uncertain_or_cancelled_cant_be_settled(house: House) -> None:
    issue, _ = in_doubt(house)
    with house.database.transaction() as session, pytest.raises(NotFound):
        doubts.find(session, [999])
    with house.database.transaction() as session:
        session.get_one(Issue, issue).state = Phase.SENDING
    cancelling.cancel(house.database, issue, utcnow())

    with house.database.transaction() as session, pytest.raises(Refused):
        doubts.send_again(session, doubts.uncertain(session), utcnow())


def test_settling_wants_one_answer_and_names_or_an_issue(shell: Shell) -> None:
    for words in (["1"], ["--sent"], ["1", "--issue", "1", "--sent"]):
        assert "Usage" in shell.run("outbox", "settle", *words, code=2).err


def test_news_that_went_nowhere_and_is_not_counted_is_found(house: House) -> None:
    house.publish()
    a_subscriber(house)
    house.send(house.plan())
    with Scripted({"RCPT": "554 no"}) as server:
        drain_to(house, server.relay)
    with house.database.reading() as session:
        assert ledger.check(session) == []
        [before] = session.scalars(select(Tally)).all()

    with house.database.transaction() as session:
        session.execute(delete(Tally))
    with house.database.reading() as session:
        [fault] = ledger.check(session)
    with house.database.transaction() as session:
        session.add(Tally(issue_id=before.issue_id, topic_id=before.topic_id, reason=before.reason, n=before.n))

    assert "failed" in fault


def test_an_issue_that_was_forgotten_at_its_end_is_found(house: House) -> None:
    house.publish()
    a_subscriber(house)
    house.send(house.plan())
    house.drain()
    with house.database.transaction() as session:
        session.scalars(select(Issue)).one().state = Phase.SENDING

    with house.database.reading() as session:
        [fault] = ledger.check(session)
    with house.database.transaction() as session:
        session.scalars(select(Issue)).one().state = Phase.SENT

    assert "nothing left to send" in fault


def test_status_tells_how_far_how_fast_and_what_stands_in_the_way(shell: Shell) -> None:
    house = shell.house
    house.publish()
    for number in range(40):
        a_subscriber(house, f"reader{number}@mail{number}.example")
    issue = house.plan()
    house.send(issue)

    def take_three(line: str) -> str | None:
        refuse = line.startswith("RCPT") and len(server.messages) >= 3
        return "550 5.7.1 you are blocked" if refuse else None

    with Scripted(take_three) as server:
        drain_to(house, server.relay)
    [facts] = shell.run("outbox", "status", "--json").json
    said = shell.run("outbox", "status").out

    went = facts["sent letters"]
    assert went >= 3
    assert facts["letters in the last minute"] == went
    assert facts["seconds left"] > 0
    assert facts["issues"] == [{"issue": issue, "state": "sending", "ended": went, "deliveries": 40}]
    assert facts["deferred"]["550 5.7.1"] >= 20
    [breaker] = facts["breakers"]
    assert (breaker["of"], breaker["state"], breaker["reason"]) == ("everybody", "open", "550 5.7.1 you are blocked")
    assert "Letters to everybody are refused (550 5.7.1 you are blocked)" in said
    assert f"Issue {issue}, sending: {went} of 40" in said

    assert "Senders go on" in shell.run("outbox", "resume").out
    assert shell.audit() == [("outbox resume", None)]
    with house.database.reading() as session:
        assert session.scalars(select(Delivery.id).where(Delivery.state == Outbound.FAILED)).all() == []
    house.drain()
    assert set(states(deliveries(house))) == {Outbound.SENT}


def test_status_tells_that_the_mail_server_is_away_and_that_it_is_back(shell: Shell) -> None:
    shell.house.sign_up("ada@example.org")
    with Scripted({"GREETING": "554 5.7.1 not you"}) as server:
        drain_to(shell.house, server.relay)

    assert "The mail server can't be reached: " in shell.run("outbox", "status").out
    [facts] = shell.run("outbox", "status", "--json").json
    assert [each["state"] for each in facts["breakers"]] == ["lost"]
    assert "not you" in facts["breakers"][0]["reason"]

    shell.house.drain()
    assert shell.run("outbox", "status", "--json").json[0]["breakers"] == []
