"""Verifying the consent chain: whatever was altered, moved or taken away is found, also at the very end."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from coalition.clock import utcnow
from coalition.errors import Refused
from coalition.services import anchors, chain, consents
from coalition.services.chain import Head, Verdict
from tests.house import House
from tests.services.tampering import unguarded


def _verify(house: House, noted: list[Head] | None = None) -> Verdict:
    with house.database.reading() as session:
        return chain.verify(session, noted or [])


def _two_people(house: House) -> None:
    house.join("ada@example.org")
    house.join("bea@example.org")


def test_an_untouched_chain_is_whole_and_so_is_an_erased_one(house: House) -> None:
    _two_people(house)
    with house.database.transaction() as session:
        consents.empty(session, house.person("ada@example.org").code)

    found = _verify(house)

    assert (found.rows, found.head.seq, found.faults) == (6, 6, [])


def test_an_empty_chain_is_whole(house: House) -> None:
    assert _verify(house) == Verdict(0, Head(0, bytes(32)), [])


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE consent SET content = '{}' WHERE seq = 2", "Row 2 has another content"),
        ("UPDATE consent SET content = NULL WHERE seq = 2", "Row 2 has another content"),
        ("UPDATE consent SET salt = hash WHERE seq = 2", "Row 2 has another content"),
        ("UPDATE consent SET content_hash = salt WHERE seq = 2", "Row 2 does not follow from row 1"),
        ("UPDATE consent SET hash = salt WHERE seq = 2", "Row 3 does not follow from row 2"),
        ("UPDATE consent SET subject = 'somebody else' WHERE seq = 2", "Row 2 was given to another person"),
        ("DELETE FROM consent WHERE seq = 1", "Row 1 is missing"),
        ("DELETE FROM consent WHERE seq = 3", "Row 3 is missing"),
        ("DELETE FROM consent WHERE seq IN (3, 4, 5)", "Rows 3 to 5 are missing"),
        ("DELETE FROM consent WHERE seq = 6", "Rows 6 to 6 are missing"),
        ("DELETE FROM consent", "Rows 1 to 6 are missing"),
        ("UPDATE wording SET text = text || '!' WHERE id = 1", "Wording 1 has another text"),
    ],
)
def test_what_somebody_did_to_the_chain_is_found(house: House, statement: str, fault: str) -> None:
    _two_people(house)
    with unguarded(house) as session:
        session.execute(text(statement))

    faults = _verify(house).faults

    assert any(fault in each for each in faults), faults


def test_rows_that_changed_places_are_found(house: House) -> None:
    _two_people(house)
    with unguarded(house) as session:
        for old, new in ((2, 99), (5, 2), (99, 5)):
            session.execute(text("UPDATE consent SET seq = :new WHERE seq = :old"), {"old": old, "new": new})

    faults = _verify(house).faults

    assert {each.split()[1] for each in faults} >= {"2", "5"}


def test_a_tail_cut_off_with_its_count_is_found_by_the_anchor_alone(house: House) -> None:
    _two_people(house)
    noted = [_verify(house).head]
    with unguarded(house) as session:
        session.execute(text("DELETE FROM consent WHERE seq > 4"))
        session.execute(text("UPDATE counter SET value = 4 WHERE name = 'consent'"))

    assert _verify(house).faults == []
    assert _verify(house, noted).faults == ["The chain ends at row 4, but row 6 was noted outside the database."]


def test_a_chain_computed_anew_from_another_story_is_found_by_the_anchor_alone(house: House) -> None:
    _two_people(house)
    noted = [_verify(house).head]
    with unguarded(house) as session:
        session.execute(text("DELETE FROM consent"))
        session.execute(text("UPDATE counter SET value = 0 WHERE name = 'consent'"))
        for number in range(6):
            consents.record(session, "eve", consents.Event.CONFIRMED, utcnow(), topics=[number])

    assert _verify(house).faults == []
    assert _verify(house, noted).faults == ["Row 6 is not the one that was noted outside the database."]


def test_anchors_are_added_where_the_chain_moved_and_never_rewritten(tmp_path: Path) -> None:
    path, now = tmp_path / "anchors.txt", utcnow()
    one, two = Head(3, bytes(32)), Head(7, bytes(range(32)))

    assert anchors.read(path) == []
    assert not anchors.note(path, Head(0, bytes(32)), now)
    assert anchors.is_due(path, now)
    assert [anchors.note(path, head, now) for head in (one, one, two)] == [True, False, True]

    assert anchors.read(path) == [one, two]
    assert path.stat().st_mode & 0o777 == 0o600
    assert not anchors.is_due(path, now + timedelta(minutes=59))
    assert anchors.is_due(path, now + timedelta(minutes=60))


@pytest.mark.parametrize("damage", ["", "seven", "2026-01-01T00:00:00+00:00 7 abc", "\x00", "x 7 " + "a" * 64])
def test_a_damaged_anchor_is_told_by_its_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "anchors.txt"
    anchors.note(path, Head(3, bytes(32)), utcnow())
    path.write_text(f"{path.read_text()}{damage}\n")

    with pytest.raises(Refused, match="Line 2 of"):
        anchors.read(path)
