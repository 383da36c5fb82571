"""The journal as files: numbered, whole after a crash, readable by its owner only; what is missing is noticed."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coalition.errors import JournalAhead, JournalError, JournalIncomplete, Misconfigured
from coalition.journal import Entry, Journal, What, own_stream

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def entry(code: str = "abc") -> Entry:
    return Entry(What.LEFT, NOON, {"code": code})


def codes(journal: Journal, *, after: int = 0, stream: str = "one") -> list[str]:
    return [line.facts["code"] for line in journal.lines(stream, after=after)]


def file_of(journal: Journal) -> Path:
    return journal.folder / f"{journal.stream}.journal"


def test_what_is_written_is_read_again_with_its_numbers(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "one")

    assert journal.append([entry("a"), entry("b")], after=0) == 2
    assert journal.append([entry("c")], after=2) == 3

    assert [(line.number, line.what, line.at) for line in journal.lines("one", after=1)] == [
        (2, "left", NOON),
        (3, "left", NOON),
    ]
    assert journal.lasts() == {"one": 3}
    assert file_of(journal).stat().st_mode & 0o777 == 0o600


def test_a_line_that_was_cut_off_counts_for_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "one")
    journal.append([entry("a"), entry("b")], after=0)
    whole = file_of(journal).read_bytes()

    for kept in range(whole.index(b"\n") + 1, len(whole)):
        file_of(journal).write_bytes(whole[:kept])
        again = Journal(tmp_path, "one")
        assert (again.lasts(), codes(again)) == ({"one": 1}, ["a"])
        assert again.append([entry("c")], after=1) == 2
        assert codes(again) == ["a", "c"]


def test_nothing_is_added_to_a_journal_that_knows_more_than_the_database(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "one")
    journal.append([entry(), entry()], after=0)
    before = file_of(journal).read_bytes()

    with pytest.raises(JournalAhead):
        journal.append([entry()], after=1)

    assert file_of(journal).read_bytes() == before


@pytest.mark.parametrize("damage", [lambda line: b"", lambda line: line.replace(b"left", b"kept")])
def test_a_line_that_is_missing_or_altered_is_noticed(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    journal = Journal(tmp_path, "one")
    journal.append([entry(letter) for letter in "abcd"], after=0)
    lines = file_of(journal).read_bytes().splitlines(keepends=True)
    file_of(journal).write_bytes(b"".join([lines[0], damage(lines[1]), *lines[2:]]))

    with pytest.raises(JournalIncomplete) as caught:
        codes(journal)

    assert (caught.value.stream, caught.value.mark) == ("one", 2)
    assert codes(journal, after=2) == ["c", "d"]


def test_a_journal_that_was_lost_goes_on_from_where_the_database_is(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "one")

    assert journal.append([entry("h")], after=7) == 8

    assert codes(journal, after=7) == ["h"]
    with pytest.raises(JournalIncomplete, match="lacks the lines 6 to 7"):
        codes(journal, after=5)


def test_several_writers_of_one_machine_lose_no_line(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def write(name: str) -> None:
        journal, written, last = Journal(tmp_path, "one"), 0, 0
        together.wait()
        while written < 20:
            try:
                last = journal.append([entry(name)], after=last)
                written += 1
            except JournalAhead:
                last = journal.lasts()["one"]

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes(Journal(tmp_path, "one"))) == sorted("abcd" * 20)


def test_a_folder_that_can_not_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="COALITION_JOURNAL"):
        Journal(tmp_path / "file" / "journal", "one")

    journal = Journal(tmp_path / "journal", "one")
    os.rmdir(tmp_path / "journal")
    with pytest.raises(JournalError, match="can't be written"):
        journal.append([entry()], after=0)


def test_a_machine_keeps_the_name_of_its_stream(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert own_stream(tmp_path) == own_stream(tmp_path)
    assert own_stream(tmp_path) != own_stream(tmp_path / "other")

    (tmp_path / "stream").write_text("../../etc")
    with pytest.raises(Misconfigured, match="stream"):
        own_stream(tmp_path)
