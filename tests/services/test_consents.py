"""The consent chain: gapless, provable by anybody who recomputes it, and without a single address."""

import hashlib
from contextlib import suppress

from sqlalchemy import select, update

from coalition.clock import utcnow
from coalition.models import Consent
from coalition.services import consents
from coalition.services.consents import Event
from tests.house import House
from tests.services.scenes import at_once, leave

ADA = "ada@example.org"


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
    with house.database.transaction() as session:
        session.execute(update(Consent).where(Consent.seq == 2).values(content='{"event": "denied"}'))

    assert broken_at(chain(house)) == [2]


def test_an_erased_row_leaves_the_chain_provable(house: House) -> None:
    house.join(ADA)
    with house.database.transaction() as session:
        session.execute(update(Consent).where(Consent.seq == 2).values(content=None, salt=None))
        history = consents.history(session, house.person(ADA).code)

    assert broken_at(chain(house)) == []
    assert [row["event"] for row in history] == ["requested", "confirmed"]


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
