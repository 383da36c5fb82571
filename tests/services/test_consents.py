"""The consent chain: gapless, provable by anybody who recomputes it, and without a single address."""

import hashlib
import re
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from coalition.clock import utcnow
from coalition.models import Cadence, Consent, Format
from coalition.services import consents, preferences, unsubscribe
from coalition.services.consents import Event
from coalition.services.unsubscribe import Channel
from tests.house import House
from tests.services.scenes import at_once, leave
from tests.services.tampering import unguarded

ADA = "ada@example.org"
REFUSED = re.compile("only grows|never changed")


def chain(house: House) -> list[Consent]:
    with house.database.reading() as session:
        return list(session.scalars(select(Consent).order_by(Consent.seq)))


def broken_at(rows: list[Consent]) -> list[int]:
    """Recompute the chain as an outsider would. Returns the numbers of rows that do not fit."""
    found, previous = [], bytes(32)
    for expected, row in enumerate(rows, 1):
        content = hashlib.sha256(row.salt + row.content.encode()).digest() if row.salt and row.content else None
        is_whole = content in {None, row.content_hash}
        if row.seq != expected or not is_whole or row.hash != hashlib.sha256(previous + row.content_hash).digest():
            found.append(row.seq)
        previous = row.hash
    return found


def test_the_chain_of_a_whole_journey_holds_and_names_no_address(house: House) -> None:
    house.join(ADA, ("housing", "events"))
    house.join("bea@example.org")
    leave(house, house.person(ADA), "events")
    leave(house, house.person(ADA))

    rows = chain(house)

    assert broken_at(rows) == []
    assert [row.seq for row in rows] == list(range(1, 9))
    everything = " ".join(f"{row.subject} {row.content}" for row in rows)
    assert "@" not in everything
    assert "ada" not in everything.lower().split()
    assert "127.0.0.1" not in everything


def test_a_row_that_was_changed_shows(house: House) -> None:
    house.join(ADA)
    with unguarded(house) as session:
        session.execute(text("UPDATE consent SET content = '{}' WHERE seq = 2"))

    assert broken_at(chain(house)) == [2]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent SET content = '{}' WHERE seq = 2",
        "UPDATE consent SET content = NULL WHERE seq = 2",
        "UPDATE consent SET salt = NULL WHERE seq = 2",
        "UPDATE consent SET content = NULL, salt = NULL, subject = 'bea'",
        "UPDATE consent SET content = NULL, salt = NULL, hash = content_hash",
        "UPDATE consent SET content = NULL, salt = NULL, content_hash = hash",
        "UPDATE consent SET content = NULL, salt = NULL, seq = seq + 10",
        "DELETE FROM consent WHERE seq = 3",
        "DELETE FROM consent",
        "INSERT INTO consent SELECT 5, subject, content, salt, content_hash, salt FROM consent WHERE seq = 1",
        "INSERT INTO consent SELECT 0, subject, content, salt, content_hash, salt FROM consent WHERE seq = 1",
        "UPDATE wording SET text = 'I want everything.'",
        "UPDATE wording SET sha256 = locale WHERE id = 1",
        "DELETE FROM wording",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_agreed_to(house: House, statement: str) -> None:
    house.join(ADA)
    before = chain(house)

    with pytest.raises(DBAPIError, match=REFUSED), house.database.transaction() as session:
        session.execute(text(statement))

    assert [row.hash for row in chain(house)] == [row.hash for row in before]


def test_neither_replacing_nor_emptying_a_whole_table_goes_past_the_guards(house: House) -> None:
    house.join(ADA)
    past = (
        ["INSERT OR REPLACE INTO consent SELECT * FROM consent", "REPLACE INTO wording SELECT * FROM wording"]
        if house.database.is_sqlite
        else ["TRUNCATE consent", "TRUNCATE wording CASCADE"]
    )
    for statement in past:
        with pytest.raises(DBAPIError, match=REFUSED), house.database.transaction() as session:
            session.execute(text(statement))

    assert len(chain(house)) == 3


def test_erased_rows_leave_the_chain_provable(house: House) -> None:
    house.join(ADA)
    with house.database.transaction() as session:
        emptied = consents.empty(session, house.person(ADA).code)
        again = consents.empty(session, house.person(ADA).code)
        history = consents.history(session, house.person(ADA).code)
    house.join("bea@example.org")

    assert (emptied, again) == (3, 0)
    assert broken_at(chain(house)) == []
    assert history == []
    assert [row.content is None for row in chain(house)] == [True] * 3 + [False] * 3


def test_eight_writers_at_once_leave_no_gap_and_no_fork(house: House) -> None:
    def write(number: int) -> None:
        for _ in range(5):
            with house.database.transaction() as session:
                consents.record(session, f"person{number}", Event.CHANGED, utcnow(), added=[number])

    at_once(8, write)

    rows = chain(house)
    assert [row.seq for row in rows] == list(range(1, 41))
    assert broken_at(rows) == []
    assert len({row.salt for row in rows}) == 40


def test_what_is_rolled_back_leaves_no_gap(house: House) -> None:
    with suppress(InterruptedError), house.database.transaction() as session:
        consents.record(session, "nobody", Event.CHANGED, utcnow())
        raise InterruptedError

    house.join(ADA)

    assert [row.seq for row in chain(house)] == [1, 2, 3]
    assert broken_at(chain(house)) == []


def test_the_wording_is_named_with_its_hash(house: House) -> None:
    house.join(ADA)

    with house.database.reading() as session:
        requested, mailed, confirmed = consents.history(session, house.person(ADA).code)
    assert (requested["form"], requested["topics"], requested["cadence"]) == ("main", [1], "weekly")
    assert len(requested["wording_sha256"]) == 64
    assert requested["at"] <= mailed["at"] <= confirmed["at"]
    assert requested["request"] == mailed["request"] == confirmed["request"]
    assert requested["names"] == {"1": "Housing"}
    [letter, _] = house.letters_to(ADA)
    assert letter["Message-ID"] == f"<{mailed['message']}@{mailed['domain']}>"
    assert confirmed["button"] == "yes"


def test_every_later_change_stands_in_the_chain(house: House) -> None:
    house.join(ADA, ("housing", "events"))
    person, now, community = house.person(ADA), utcnow(), house.config.community
    with house.database.transaction() as session:
        preferences.save(session, community, person, {1: Cadence.DAILY}, Format.HTML, now, may_return=True)
        preferences.pause(session, person, now + timedelta(days=7), now)
        preferences.resume(session, person, now + timedelta(days=1))
        left = unsubscribe.leave_all(session, person, Channel.ONE_CLICK, now)
        unsubscribe.undo(session, community, person, left.at, now + timedelta(minutes=1))
        unsubscribe.leave_all(session, person, Channel.STAFF, now)
        history = consents.history(session, person.code)

    assert [event["event"] for event in history[3:]] == [
        "changed", "paused", "resumed", "withdrawn", "undone", "withdrawn",
    ]  # fmt: skip
    assert (history[3]["ended"], history[3]["changed"], history[3]["now"]) == ([2], [1], {"1": "daily"})
    assert history[3]["names"] == {"1": "Housing", "2": "Events"}
    assert [event["channel"] for event in history if event["event"] == "withdrawn"] == ["one-click", "staff"]
