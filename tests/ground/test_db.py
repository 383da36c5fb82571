"""The database: two doors that behave alike on both engines. Traps Z3 and Z14, style traps 2, 4 and 8."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, StatementError

from coalition.db import Database, insert_into
from coalition.errors import Misconfigured
from coalition.models import Audit, Counter, JobRun, Subscription, Topic
from coalition.models.people import State, Subscriber
from tests.house import House, a_subscriber

THREADS, TIMES = 4, 40


def _at_once(work: Callable[[], None], times: int = THREADS) -> list[BaseException]:
    failed: list[BaseException] = []
    together = threading.Barrier(times)

    def run() -> None:
        together.wait()
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def test_z3_reading_and_then_writing_in_many_threads_loses_nothing(house: House) -> None:
    def raise_by_one() -> None:
        for _ in range(TIMES):
            with house.database.transaction() as session:
                counter = session.get_one(Counter, "position", with_for_update=True)
                counter.value = counter.value + 1

    failed = _at_once(raise_by_one)

    assert failed == []
    with house.database.reading() as session:
        assert session.get_one(Counter, "position").value == THREADS * TIMES


def test_z3_two_programs_on_one_file_lose_nothing_either(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    one = Database(url)
    with one.transaction() as session:
        session.execute(text("CREATE TABLE n (value INTEGER)"))
        session.execute(text("INSERT INTO n VALUES (0)"))

    def raise_by_one() -> None:
        own = Database(url)  # another lock, as in another process
        for _ in range(TIMES):
            with own.transaction() as session:
                [value] = session.scalars(text("SELECT value FROM n"))
                session.execute(text("UPDATE n SET value = :value"), {"value": value + 1})
        own.close()

    failed = _at_once(raise_by_one)

    with one.reading() as session:
        assert (failed, session.scalar(text("SELECT value FROM n"))) == ([], THREADS * TIMES)
    one.close()


def test_nobody_queues_for_a_file_longer_than_for_the_file_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coalition.db._PATIENCE_SECONDS", 0.01)
    database = Database(f"sqlite:///{tmp_path / 'held.db'}")

    def write() -> None:
        with database.transaction() as session:
            session.execute(text("CREATE TABLE written (id INTEGER)"))

    with database.transaction():
        [failed] = _at_once(write, 1)
    write()
    database.close()

    assert isinstance(failed, OperationalError)


def test_what_is_changed_while_looking_is_not_kept(house: House) -> None:
    with house.database.reading() as session:
        topic = session.scalars(select(Topic).where(Topic.slug == "housing")).one()
        topic.name = "Changed"
        session.flush()

    with house.database.reading() as session:
        assert session.scalars(select(Topic.name).where(Topic.slug == "housing")).one() == "Housing"


def test_what_was_read_stays_readable_after_the_look(house: House) -> None:
    with house.database.reading() as session:
        topic = session.scalars(select(Topic).where(Topic.slug == "housing")).one()

    assert topic.name == "Housing"


def test_a_transaction_that_fails_keeps_nothing(house: House) -> None:
    def fail() -> None:
        with house.database.transaction() as session:
            session.add(JobRun(name="x", slot="y", at=datetime.now(UTC)))
            session.flush()
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    with house.database.reading() as session:
        assert session.scalars(select(JobRun).where(JobRun.name == "x")).all() == []


def test_a_savepoint_takes_back_only_its_own_part(house: House) -> None:
    with house.database.transaction() as session:
        session.execute(text("UPDATE topic SET description = 'outer'"))
        with pytest.raises(IntegrityError), session.begin_nested():
            session.add(Topic(slug="housing", name="x", description="x", open=True, order=9))

    with house.database.reading() as session:
        assert set(session.scalars(select(Topic.description))) == {"outer"}


def test_style_2_of_many_that_add_the_same_row_one_does_and_none_fails(house: House) -> None:
    def add() -> None:
        with house.database.transaction() as session:
            row = insert_into(session, JobRun).values(name="x", slot="y", at=datetime.now(UTC))
            session.execute(row.on_conflict_do_nothing())

    failed = _at_once(add, 8)

    with house.database.reading() as session:
        assert (failed, len(session.scalars(select(JobRun).where(JobRun.name == "x")).all())) == ([], 1)


def test_z14_times_come_back_aware_and_in_utc(house: House) -> None:
    moment = datetime(2026, 3, 12, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    with house.database.transaction() as session:
        session.add(Audit(at=moment, who="x", action="time", subject=None))

    with house.database.reading() as session:
        found = session.scalars(select(Audit.at).where(Audit.action == "time")).one()
        again = session.scalars(select(Audit.action).where(Audit.at == moment)).one()

    assert (found, found.tzinfo, again) == (moment, UTC, "time")
    assert found.hour == 0


def test_z14_a_time_without_a_zone_is_refused(house: House) -> None:
    with pytest.raises(StatementError, match="without a zone"), house.database.transaction() as session:
        session.add(Audit(at=datetime(2026, 3, 12), who="x", action="x", subject=None))  # noqa: DTZ001  # the fault


def test_z14_a_child_without_its_parent_is_refused(house: House) -> None:
    person = a_subscriber(house)

    with pytest.raises(IntegrityError), house.database.transaction() as session:
        session.execute(text("UPDATE subscription SET topic_id = 4711"))
    with house.database.reading() as session:
        held = select(Subscription.topic_id).where(Subscription.subscriber_id == person.id)
        assert session.scalars(held).all() == [1]


def test_style_4_words_are_stored_as_their_values(house: House) -> None:
    person = a_subscriber(house)

    with house.database.reading() as session:
        assert session.scalar(text("SELECT state FROM subscriber")) == "active"
        assert session.scalar(text("SELECT cadence FROM subscription")) == "weekly"
        assert session.scalars(select(Subscriber.state)).all() == [State.ACTIVE]
    assert person.state is State.ACTIVE


def test_style_5_a_person_has_one_current_subscription_of_a_topic_and_any_number_that_ended(house: House) -> None:
    a_subscriber(house)
    again = (
        "INSERT INTO subscription (subscriber_id, topic_id, cadence, cursor, began_at, source, ended_at)"
        " SELECT subscriber_id, topic_id, cadence, cursor, began_at, source, {} FROM subscription LIMIT 1"
    )

    with house.database.transaction() as session:
        session.execute(text(again.format("began_at")))
    with pytest.raises(IntegrityError), house.database.transaction() as session:
        session.execute(text(again.format("NULL")))


def test_sqlite_is_tamed(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")

    with database.reading() as session:
        found = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "busy_timeout")
        }
    database.close()

    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "busy_timeout": 10000,
    }


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.transaction() as session:
        session.execute(text("CREATE TABLE n (value INTEGER)"))

    with database.transaction() as writing:
        writing.execute(text("INSERT INTO n VALUES (1)"))
        with database.reading() as reading:
            assert reading.scalar(text("SELECT count(*) FROM n")) == 0
    with database.reading() as reading:
        assert reading.scalar(text("SELECT count(*) FROM n")) == 1
    database.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "not an address of a database"),
        ("coalition.db", "not an address of a database"),
        ("postgresql://db:port/x", "not an address of a database"),
        ("nosuch://db/x", "not an address of a database"),
        ("oracle://db/x", "driver"),
    ],
)
def test_an_address_of_no_database_is_told(url: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as caught:
        Database(url)

    assert "COALITION_DATABASE_URL" in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_may_be_spelled_in_three_ways(scheme: str) -> None:
    database = Database(f"{scheme}://db.example.org/coalition")

    assert database.engine.url.drivername == "postgresql+psycopg"
    assert not database.is_sqlite
    database.close()


def test_a_table_that_is_not_there_is_an_error_on_both(house: House) -> None:
    with pytest.raises((OperationalError, ProgrammingError)), house.database.reading() as session:
        session.execute(text("SELECT 1 FROM nowhere"))
