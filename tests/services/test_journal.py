"""A database that comes back from the past learns who left and what was sent before anything goes out (L6, X13)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from coalition.clock import utcnow
from coalition.errors import JournalAhead, JournalIncomplete
from coalition.journal import Entry, Journal, Line, What
from coalition.models import Cadence, Ended, Issue, Outbound, Phase, State
from coalition.resources import open_resources
from coalition.services import consents, counters, held, issues, journaling, restored_issues, subscriptions, topics
from coalition.services.counters import POSITION
from coalition.services.dealing import LETTERS_A_BATCH
from coalition.services.outbox.sender import Sender
from tests.house import House, a_subscriber, hidden
from tests.services.scenes import (
    Watchful,
    an_audience,
    at_once,
    cursors,
    deliveries,
    leave,
    sender_to,
    states,
    undo,
)
from tests.web.rows import every_row


class Crash(Exception):
    """What no program can prepare for."""


ADA, BOB = "ada@example.org", "bob@example.org"


def lines(house: House) -> list[Line]:
    journal = house.resources.journal
    return [line for stream in journal.lasts() for line in journal.lines(stream, after=0)]


def marks(house: House) -> dict[str, int]:
    with house.database.reading() as session:
        return journaling.marks(session)


def ends(house: House, address: str) -> list[Ended | None]:
    with house.database.reading() as session:
        return [each.ended_reason for each, _ in held.subscriptions(session, house.person(address))]


def test_l6_who_left_after_the_backup_has_left(house: House, back_up: Callable[[], str]) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, ("housing", "events"), cursor=0)
    a_subscriber(house, BOB, cursor=0)
    house.send(house.plan())
    backup = back_up()
    leave(house, ada)

    restored = house.on(backup)

    assert restored.person(ADA).state is State.LEFT
    assert ends(restored, ADA) == [Ended.LEFT_ALL] * 2
    assert [each.recipient for each in restored.drain()] == [BOB]
    assert [each.reason for each in deliveries(restored, address=ADA)] == ["left"]
    with restored.database.reading() as session:
        [withdrawn] = consents.history(session, ada.code)
    assert (withdrawn["event"], withdrawn["channel"]) == ("withdrawn", "journal")
    restored.database.close()


@pytest.mark.parametrize("way", ["topic", "one-click", "preferences"])
def test_l6_every_way_of_leaving_is_in_the_journal(house: House, back_up: Callable[[], str], way: str) -> None:
    ada = a_subscriber(house, ADA, ("housing", "events"))
    backup = back_up()
    if way == "topic":
        leave(house, ada, "housing")
    elif way == "one-click":
        house.browser.post(f"/unsubscribe/{ada.code}")
    else:
        url = house.resources.links.preferences(ada.code, ada.epoch, utcnow())
        page = house.browser.get(url).text
        with house.database.reading() as session:
            events = str(topics.get(session, "events").id)
        fields = {"topics": events, f"cadence-{events}": "weekly", "format": "html", "action": "save"}
        house.browser.post(url, data={**fields, "stamp": hidden(page, "stamp")})

    restored = house.on(backup)

    left = cursors(restored, ada)
    assert list(left) == ([] if way == "one-click" else ["events"])
    restored.database.close()


def test_l6_a_running_sender_meets_a_database_that_came_back(house: House, back_up: Callable[[], str]) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    house.send(house.plan())
    backup = back_up()
    restored = house.on(backup)
    leave(house, ada)  # by a machine that still works on the database of before

    assert restored.drain() == []

    assert states(deliveries(restored)) == [Outbound.SKIPPED]
    restored.database.close()


def test_x13_an_issue_that_went_after_the_backup_does_not_go_again(house: House, back_up: Callable[[], str]) -> None:
    house.publish()
    a_subscriber(house, ADA, cursor=0)
    issue = house.plan()
    backup = back_up()
    house.send(issue)
    assert len(house.drain()) == 1

    restored = house.on(backup)

    with restored.database.reading() as session:
        assert session.get_one(Issue, issue).state is Phase.SENT
    assert [(each.state, each.reason) for each in deliveries(restored)] == [(Outbound.UNCERTAIN, "restored")]
    assert restored.drain() == []
    restored.database.close()


def test_x13_an_issue_of_which_the_backup_knows_nothing_is_made_as_sent(
    house: House, back_up: Callable[[], str]
) -> None:
    ada = a_subscriber(house, ADA, cursor=0)
    backup = back_up()
    house.publish(title="One")
    house.publish(title="Two")
    house.send(house.plan(subject="The digest of May"))
    house.drain()

    restored = house.on(backup)

    with restored.database.reading() as session:
        [issue] = session.query(Issue).all()
        assert counters.newest(session, POSITION) == 2
    assert (issue.state, issue.subject, issue.through_position) == (Phase.SENT, "The digest of May", 2)
    assert cursors(restored, ada) == {"housing": 2}
    assert restored.publish(title="New").position == 3
    restored.database.close()


def test_x13_a_backup_made_while_an_issue_went_sends_nothing_once_more(
    house: House, back_up: Callable[[], str]
) -> None:
    house.publish()
    a_subscriber(house, ADA, cursor=0)
    house.send(house.plan())
    backup = back_up()
    house.drain()

    restored = house.on(backup)

    assert restored.drain() == []
    assert states(deliveries(restored)) == [Outbound.UNCERTAIN]
    restored.database.close()


def test_an_issue_is_written_down_when_its_first_letter_goes_and_when_all_are_out(house: House) -> None:
    house.publish()
    a_subscriber(house, ADA, cursor=0)
    house.send(house.plan())
    assert lines(house) == []

    house.drain()

    assert [line.what for line in lines(house)] == [What.BEGUN, What.OVER]
    assert lines(house)[0].facts["through"] == 1


def test_who_left_and_returned_is_there_where_the_address_is(house: House, back_up: Callable[[], str]) -> None:
    ada = a_subscriber(house, ADA, ("housing", "events"))
    backup = back_up()
    undo(house, ada, leave(house, ada))
    leave(house, ada, "events")

    restored = house.on(backup)

    assert list(cursors(restored, ada)) == ["housing"]
    assert restored.person(ADA).state is State.ACTIVE
    restored.database.close()


def test_an_undo_goes_on_where_it_stood(house: House, back_up: Callable[[], str]) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    backup = back_up()
    undo(house, ada, leave(house, ada))

    restored = house.on(backup)

    assert cursors(restored, ada) == {"housing": 0}
    restored.database.close()


def test_replaying_twice_is_as_good_as_once(house: House, back_up: Callable[[], str]) -> None:
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    backup = back_up()
    house.send(house.plan())
    house.drain()
    leave(house, ada)
    restored = house.on(backup)
    before = every_row(restored)

    assert restored.resources.backlog.work_off() == 0
    assert every_row(restored) == before
    with restored.database.transaction() as session:
        journaling.go_on_from(session, restored.resources.journal.stream, 0)
    assert restored.resources.backlog.work_off() == 3

    assert every_row(restored) == before
    restored.database.close()


def test_many_that_replay_at_once_do_each_line_once(house: House, back_up: Callable[[], str]) -> None:
    people = [a_subscriber(house, f"reader{number}@example.org") for number in range(6)]
    backup = back_up()
    restored = house.on(backup)
    for person in people:
        leave(house, person)

    at_once(4, lambda _: restored.resources.backlog.work_off())

    assert {restored.person(f"reader{number}@example.org").state for number in range(6)} == {State.LEFT}
    with restored.database.reading() as session:
        assert [len(consents.history(session, person.code)) for person in people] == [1] * 6
    restored.database.close()


def test_a_crash_between_the_journal_and_the_commit_leaves_the_person_out(house: House) -> None:
    ada = a_subscriber(house, ADA)

    written = house.database.before_commit

    def die(session: object) -> None:
        written(session)  # type: ignore[arg-type]  # it is one
        raise Crash

    house.database.before_commit = die
    with pytest.raises(Crash):
        leave(house, ada)
    house.database.before_commit = written
    assert house.person(ADA).state is State.ACTIVE

    open_resources(house.config).database.close()

    assert house.person(ADA).state is State.LEFT


def test_after_such_a_crash_nobody_writes_past_the_line(house: House) -> None:
    ada, bob = a_subscriber(house, ADA), a_subscriber(house, BOB)
    journal = house.resources.journal
    facts = {"code": ada.code, "topics": ["housing"], "why": "left_all"}
    journal.append([Entry(What.LEFT, utcnow(), facts)], after=0)

    with pytest.raises(JournalAhead):
        leave(house, bob)
    house.browser.post(f"/unsubscribe/{bob.code}")

    assert (house.person(ADA).state, house.person(BOB).state) == (State.LEFT, State.LEFT)
    assert marks(house) == {journal.stream: 2}


def test_what_is_rolled_back_is_not_written_down(house: House) -> None:
    ada = a_subscriber(house, ADA)

    def give_up() -> None:
        with house.database.transaction() as session:
            subscriptions.end_all(session, ada, Ended.LEFT_ALL, utcnow())
            raise Crash

    with pytest.raises(Crash):
        give_up()

    assert lines(house) == []


def test_lines_name_people_by_code_and_hold_no_address(house: House) -> None:
    house.join(ADA)
    house.browser.post(f"/unsubscribe/{house.person(ADA).code}")

    [line] = lines(house)
    assert line.facts["code"] == house.person(ADA).code
    assert b"example.org" not in b"".join(path.read_bytes() for path in house.config.journal.iterdir())


def test_two_machines_that_share_a_folder_learn_from_each_other(house: House, back_up: Callable[[], str]) -> None:
    ada, bob = a_subscriber(house, ADA), a_subscriber(house, BOB)
    second = replace(house.resources, journal=Journal(house.config.journal, "second"))
    backup = back_up()
    leave(house, ada)
    with house.database.transaction() as session:
        subscriptions.end_all(session, bob, Ended.LEFT_ALL, utcnow())
        journaling.write_down(second.journal, session)

    restored = house.on(backup)

    assert (restored.person(ADA).state, restored.person(BOB).state) == (State.LEFT, State.LEFT)
    assert marks(restored) == {house.resources.journal.stream: 1, "second": 1}
    restored.database.close()


def test_l6_nothing_is_sent_while_a_stream_that_the_database_knows_is_missing(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA)
    a_subscriber(house, BOB, cursor=0)
    leave(house, ada)
    house.send(house.plan())
    [file] = house.config.journal.iterdir()
    kept = file.read_bytes()

    file.unlink()
    assert house.drain() == []
    file.write_bytes(b"")
    assert house.drain() == []
    with pytest.raises(JournalIncomplete, match="ends before"):
        house.resources.backlog.work_off()
    file.write_bytes(kept)

    assert [each.recipient for each in house.drain()] == [BOB]


def test_leaving_works_while_the_journal_is_lost(house: House) -> None:
    ada, bob = a_subscriber(house, ADA), a_subscriber(house, BOB)
    leave(house, ada)
    [file] = house.config.journal.iterdir()
    file.unlink()

    assert house.browser.post(f"/unsubscribe/{bob.code}").status_code == 200

    assert house.person(BOB).state is State.LEFT


def test_who_gives_up_a_lost_journal_goes_on(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, ADA)
    a_subscriber(house, BOB, cursor=0)
    leave(house, ada)
    house.send(house.plan())
    [file] = house.config.journal.iterdir()
    file.unlink()

    lost = house.resources.backlog.give_up()

    assert len(lost) == 1
    assert [each.recipient for each in house.drain()] == [BOB]
    assert house.resources.backlog.give_up() == []


def test_a_daily_issue_that_went_is_not_planned_again(house: House, back_up: Callable[[], str]) -> None:
    a_subscriber(house, ADA, cadence=Cadence.DAILY, cursor=0)
    house.publish()
    backup = back_up()
    house.send(house.plan(Cadence.DAILY))
    house.drain()
    restored = house.on(backup)

    with restored.database.reading() as session:
        assert [issue.state for issue in session.query(Issue)] == [Phase.SENT]
    restored.database.close()


def stop_after(house: House, letters: int) -> list[str]:
    """Let a sender send so many letters, and what is under way then. Returns who got one."""
    sender: list[Sender] = []

    def then(count: int) -> None:
        if count == letters:
            sender[0].stop()

    with Watchful(then) as relay:
        sender.append(sender_to(house, relay.relay))
        sender[0].drain_and_close()
        return [each.recipient for each in relay.received]


def test_x13_the_rest_of_an_issue_that_was_being_sent_does_not_go_by_itself(
    house: House, back_up: Callable[[], str]
) -> None:
    house.publish()
    an_audience(house, LETTERS_A_BATCH + 50)  # two batches
    issue = house.plan()
    house.send(issue)
    first = stop_after(house, 5)
    backup = back_up()
    later = stop_after(house, 5)  # and then the database was lost
    assert 10 <= len({*first, *later}) < LETTERS_A_BATCH

    restored = house.on(backup)

    assert restored.drain() == []
    with restored.database.reading() as session:
        assert session.get_one(Issue, issue).state is Phase.HELD
        assert {found.id: n for found, n in restored_issues.in_doubt(session).items()} == {
            issue: LETTERS_A_BATCH - len(first)
        }
    with restored.database.transaction() as session:
        issues.resume(session, issue)
    gone = [each.recipient for each in restored.drain()]
    assert len(gone) == 50
    assert not {*first, *later} & {*gone}
    restored.database.close()


def test_a_crash_between_the_journal_and_the_first_letter_holds_nothing(house: House) -> None:
    house.publish()
    a_subscriber(house, ADA, cursor=0)
    house.send(house.plan())
    written = house.database.before_commit
    crashed: list[bool] = []

    def die(session: object) -> None:
        written(session)  # type: ignore[arg-type]  # it is one
        if lines(house) and not crashed:
            crashed.append(True)
            raise Crash

    house.database.before_commit = die
    sender = house.sender()
    with pytest.raises(Crash):
        sender.drain()
    sender.close()
    house.database.before_commit = written

    assert [each.recipient for each in house.drain()] == [ADA]
    assert states(deliveries(house)) == [Outbound.SENT]
