"""`coalition database restore`: a backup comes back whole, learns from the journal, and sends nothing by itself."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import Outbound, State
from coalition.rings import RING_NAMES
from coalition.services import people, restoring, suppressions
from coalition.services.dealing import LETTERS_A_BATCH
from coalition.services.restoring import Place
from tests.cli.shell import Shell
from tests.house import House, Template, a_subscriber
from tests.services.scenes import Watchful, an_audience, deliveries, drain_to, leave, states
from tests.services.tampering import unguarded

ADA, BOB, CYD = "ada@example.org", "bob@example.org", "cyd@example.org"


class Crash(Exception):
    """What no program can prepare for."""


@pytest.fixture
def home(sqlite_house: Template, tmp_path: Path) -> Iterator[Shell]:
    """The command on a house whose database is a file."""
    house = House.move_in(tmp_path / "home", sqlite_house, sqlite_house.copy_sqlite(tmp_path / "home"))
    yield Shell(house)
    house.close()


def backup(home: Shell, name: str = "backup.db") -> Path:
    path = home.house.config.home.parent / name
    home.run("database", "backup", str(path))
    return path


def restore(home: Shell, file: Path, code: int = 0) -> str:
    home.house.database.close()
    said = home.run("database", "restore", str(file), "--yes", code=code)
    return said.out + said.err


def live(home: Shell) -> Path:
    return Path(home.house.config.database_url.removeprefix("sqlite:///"))


def dump(home: Shell) -> list[str]:
    with closing(sqlite3.connect(live(home))) as connection:
        return list(connection.iterdump())


def test_l6_who_left_since_the_backup_has_left_and_what_was_there_is_kept(home: Shell) -> None:
    house = home.house
    ada = a_subscriber(house, ADA)
    file = backup(home)
    leave(house, ada)
    a_subscriber(house, BOB)

    said = restore(home, file)

    assert house.person(ADA).state is State.LEFT
    assert "done now: 1." in said
    [kept] = live(home).parent.glob("coalition-replaced-*.db")
    assert str(kept) in said
    with sqlite3.connect(kept) as connection:
        assert connection.execute("SELECT count(*) FROM subscriber").fetchone() == (2,)
    assert live(home).stat().st_mode & 0o777 == 0o600
    assert ("database restore", file.name) in home.audit()
    assert not list(live(home).parent.glob(".*restoring*"))


def test_a_database_that_is_gone_comes_back(home: Shell) -> None:
    a_subscriber(home.house, ADA)
    file = backup(home)
    home.house.database.close()
    live(home).unlink()

    assert "is in place, checked." in restore(home, file)

    assert home.house.person(ADA).state is State.ACTIVE


@pytest.mark.parametrize("beside", ["-wal", "-journal"])
def test_a_damaged_database_is_replaced_and_its_logs_do_not_get_into_the_new_one(home: Shell, beside: str) -> None:
    a_subscriber(home.house, ADA)
    file = backup(home)
    home.house.database.close()
    live(home).write_bytes(b"no database at all" * 300)
    Path(f"{live(home)}{beside}").write_bytes(b"remains of a crash" * 300)

    restore(home, file)

    assert home.house.person(ADA).state is State.ACTIVE
    assert home.run("outbox", "check").code == 0


def test_nothing_is_replaced_while_somebody_has_the_database_open(home: Shell) -> None:
    a_subscriber(home.house, ADA)
    file = backup(home)
    home.house.person(ADA)  # its connection stays open, as those of a server do

    assert "in use" in home.refused("database", "restore", str(file), "--yes")


def test_staff_are_asked_first(home: Shell) -> None:
    file = backup(home)
    before = dump(home)
    home.house.database.close()

    home.run("database", "restore", str(file), answer="n\n", code=1)

    assert dump(home) == before


@pytest.mark.parametrize("kind", ["cut", "text", "foreign", "empty"])
def test_a_file_that_is_no_sound_backup_changes_nothing(home: Shell, tmp_path: Path, kind: str) -> None:
    an_audience(home.house, 200)
    file, sound = tmp_path / "bad.db", backup(home).read_bytes()
    file.write_bytes({"cut": sound[: len(sound) // 2], "text": b"Dear all" * 99}.get(kind, b""))
    if kind == "foreign":
        with sqlite3.connect(file) as other:
            other.execute("CREATE TABLE recipe (name TEXT)")
    home.house.database.close()
    before = dump(home)

    assert home.refused("database", "restore", str(file), "--yes")

    assert dump(home) == before
    assert not list(live(home).parent.glob("*restoring*"))


def test_keys_of_another_installation_are_told_and_change_nothing(home: Shell, tmp_path: Path) -> None:
    file = backup(home)
    home.house.database.close()
    before = dump(home)
    with sqlite3.connect(file) as other:
        other.execute("UPDATE key_ring SET fingerprint = 'another'")

    said = home.run("database", "restore", str(file), "--yes", code=2).err

    assert "restore" in said
    assert dump(home) == before


@pytest.mark.parametrize("way", ["restore", "copied"])
def test_a_backup_from_before_the_keys_were_rotated_comes_back_and_the_erased_stay_erased(
    home: Shell, way: str
) -> None:
    house = home.house
    house.join(ADA)
    house.join(BOB)
    code = house.person(ADA).code
    file = backup(home)
    for ring in RING_NAMES:
        home.run("keys", "rotate", ring)
    home.run("subscriber", "forget", ADA, "--yes")

    if way == "restore":
        restore(home, file)
    else:
        copied_back(home, file)
        assert "coalition database upgrade" in home.run("outbox", "status", code=2).err
        home.run("database", "upgrade")

    with house.database.reading() as session:
        empty = people.by_code(session, code)
        assert empty is not None
        assert (empty.state, empty.address_sealed) == (State.ERASED, None)
        assert suppressions.is_suppressed(session, house.resources.vault, Address.parse(ADA))
    assert home.run("subscriber", "show", BOB, "--json").json[0]["state"] == "active"
    house.publish()
    a_subscriber(house, ADA, cursor=0)  # as by a careless import
    house.send(house.plan())
    assert [each.recipient for each in house.drain()] == [BOB]


def test_a_backup_whose_chain_was_tampered_with_is_refused(home: Shell) -> None:
    home.house.join(ADA)
    with unguarded(home.house) as session:
        session.execute(text("UPDATE consent SET content = '{}' WHERE seq = 2"))
    file = backup(home)
    home.house.database.close()
    before = dump(home)

    assert "Row 2 has another content" in home.refused("database", "restore", str(file), "--yes")

    assert dump(home) == before


def test_a_lost_journal_is_told_and_nothing_is_sent_until_it_is_back(home: Shell) -> None:
    house = home.house
    house.publish()
    ada = a_subscriber(house, ADA, cursor=0)
    leave(house, a_subscriber(house, BOB))
    house.send(house.plan())
    file = backup(home)
    [journal] = house.config.journal.iterdir()
    leave(house, ada)
    told = journal.read_bytes()
    journal.unlink()

    said = restore(home, file, code=1)

    assert "Nothing is sent until this is mended" in said
    home.run("digest", "resume", "weekly")
    assert house.drain() == []
    journal.write_bytes(told)
    assert house.drain() == []
    assert house.person(ADA).state is State.LEFT


@pytest.mark.parametrize("step", ["_copy", "_sync", "sync_folder"])
def test_killed_in_the_middle_it_leaves_the_old_database_or_the_whole_new_one(
    home: Shell, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    house = home.house
    ada = a_subscriber(house, ADA)
    file = backup(home)
    leave(house, ada)
    house.database.close()
    done = getattr(restoring, step)

    def die(*arguments: Path) -> None:
        done(*arguments)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(restoring, step, die)
        place = Place.of(house.config.database_url, file)
        with pytest.raises(Crash), place.alone(), place.copy_of(file) as copy:
            place.take(copy, utcnow())

    assert house.person(ADA).state in {State.LEFT, State.ACTIVE}
    house.database.close()
    restore(home, file)
    assert house.person(ADA).state is State.LEFT


def test_a_copy_made_while_a_batch_went_sends_nobody_a_second_letter(home: Shell) -> None:
    house = home.house
    files: list[Path] = []
    house.publish()
    an_audience(house, LETTERS_A_BATCH + 50)  # two batches
    issue = house.plan()
    house.send(issue)

    def then(count: int) -> None:
        if count == 5:
            files.append(backup(home))

    with Watchful(then) as relay:
        drain_to(house, relay.relay)
        assert len(relay.received) == LETTERS_A_BATCH + 50
    [file] = files
    # The journal of a machine that was lost in the same batch has no later line.
    [journal] = house.config.journal.iterdir()
    [first, *_] = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first)

    said = restore(home, file)

    assert f"coalition outbox settle --issue {issue} --sent" in said
    assert f"coalition digest resume {issue}" in said
    assert house.drain() == []
    assert states(deliveries(house)).count(Outbound.UNCERTAIN) > 200
    assert "may have gone" in home.run("outbox", "status").out
    home.run("outbox", "settle", "--issue", str(issue), "--sent", "--yes")
    home.run("digest", "resume", str(issue))
    again = [each.recipient for each in house.drain()]
    assert len(again) == 50  # those of the batch that had not begun when the copy was made
    assert f"Issue {issue}" not in home.run("outbox", "status").out
    assert home.run("outbox", "check").code == 0


def test_after_a_restore_the_lost_rows_of_the_chain_are_named_and_it_is_whole_again(home: Shell) -> None:
    house = home.house
    house.join(ADA)
    home.run("privacy", "verify")
    file = backup(home)
    house.join(BOB)
    home.run("privacy", "verify")

    said = restore(home, file)

    assert "Rows 4 to 6 were lost when a backup was brought back" in said
    house.join(CYD)
    told = home.run("privacy", "verify").out
    assert "Rows 4 to 6 were lost" in told
    assert "every one as it was written" in told
    assert "lost" in home.run("privacy", "verify").out


def test_on_postgresql_it_tells_what_to_type(home: Shell, tmp_path: Path) -> None:
    file = tmp_path / "monday.dump"
    file.write_bytes(b"PGDMP")
    home.settings["COALITION_DATABASE_URL"] = "postgresql://coalition:very-secret@db.example.org/lists"

    said = home.run("database", "restore", str(file), "--yes", code=1)

    assert said.out == ""
    assert "very-secret" not in said.err
    for words in (
        "pg_restore --host=db.example.org --username=coalition --no-owner",
        f"{file}",
        "database upgrade",
        "privacy verify --restored",
    ):
        assert words in said.err


def copied_back(home: Shell, file: Path) -> None:
    """As somebody does who knows no better."""
    home.house.database.close()
    for path in live(home).parent.glob("coalition.db*"):
        path.unlink()
    shutil.copy(file, live(home))


def lose_rows(home: Shell, put: Callable[[Shell, Path], None]) -> None:
    home.house.join(ADA)
    home.run("privacy", "verify")
    file = backup(home)
    home.house.join(BOB)
    home.run("privacy", "verify")
    put(home, file)


def test_rows_that_a_copied_file_lacks_are_told_until_somebody_notes_them(home: Shell) -> None:
    lose_rows(home, copied_back)
    home.house.join(CYD)

    told = home.run("privacy", "verify", code=1).out

    assert "as it was noted up to row 3. Rows up to 6 are missing." in told
    assert "privacy verify --restored" in told
    home.run("privacy", "verify", "--restored", answer="n\n", code=1)
    home.run("privacy", "verify", code=1)
    assert "Rows 4 to 6 were lost" in home.run("privacy", "verify", "--restored", "--yes").out
    assert home.run("privacy", "verify").code == 0
    assert ("privacy verify restored", "rows 4 to 6") in home.audit()


def test_a_backup_notes_where_the_chain_stood_so_that_a_copied_file_loses_no_more_rows_than_it_lacks(
    home: Shell,
) -> None:
    home.house.join(ADA)
    file = backup(home)  # nobody has noted anything before
    leave(home.house, home.house.person(ADA))  # which the journal knows: the row is written anew, with another hash
    home.run("privacy", "verify")
    copied_back(home, file)

    told = home.run("privacy", "verify", code=1).out

    assert "as it was noted up to row 3. Rows up to 4 are missing." in told
    assert "Row 4 was lost" in home.run("privacy", "verify", "--restored", "--yes").out


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent SET content = '{}' WHERE seq = 2",
        "DELETE FROM consent WHERE seq = 2",
        "UPDATE consent SET hash = randomblob(32) WHERE seq = 3",
    ],
)
def test_what_was_altered_is_never_taken_for_a_restore(home: Shell, statement: str) -> None:
    lose_rows(home, copied_back)
    with unguarded(home.house) as session:
        session.execute(text(statement))
    before = home.house.config.anchors.read_text()

    said = home.run("privacy", "verify", "--restored", "--yes", code=1).out

    assert "the chain is broken" in said
    assert home.house.config.anchors.read_text() == before


def test_after_lost_rows_were_noted_every_later_change_is_found_as_before(home: Shell) -> None:
    lose_rows(home, copied_back)
    home.run("privacy", "verify", "--restored", "--yes")
    home.house.join(CYD)
    home.run("privacy", "verify")

    with unguarded(home.house) as session:
        session.execute(text("DELETE FROM consent WHERE seq > 4"))
        session.execute(text("UPDATE counter SET value = 4 WHERE name = 'consent'"))

    assert "row 6 was noted outside" in home.run("privacy", "verify", code=1).out
