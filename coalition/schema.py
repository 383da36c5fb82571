"""The shape of the database: migrations, and the fingerprints that tie it to its keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from coalition.db import Database
from coalition.errors import Misconfigured
from coalition.models import Base, KnownKey
from coalition.paths import MIGRATIONS
from coalition.rings import RING_NAMES, Ring, settle

_UNREACHABLE = "The database can't be reached or is none: check COALITION_DATABASE_URL and COALITION_HOME."
_LOCK = 0x636F616C  # any fixed number: who migrates PostgreSQL holds this advisory lock


def upgrade(url: str, revision: str = "head", *, rings: tuple[Ring, ...] = ()) -> str:
    """Bring the database to a revision and return it. Several at once are fine: one works, the others wait.

    A database that was empty keeps the fingerprints of these rings, from the same transaction on: never tables without.
    """
    with _migrating(url) as (config, connection):
        before = _revision(connection)
        _require_known(before)
        command.upgrade(config, revision)
        if before is None and rings:
            _remember_keys(connection, rings)
        _sample_nothing(connection)
        return _revision(connection) or "empty"


def downgrade(url: str, revision: str) -> None:
    """Take the database back to a revision (`base` empties it). For tests and for undoing an upgrade at once."""
    with _migrating(url) as (config, _):
        command.downgrade(config, revision)


def drift(url: str) -> list[object]:
    """Differences between the models and the migrated database; empty when all is well."""
    with _migrating(url) as (_, connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def head() -> str:
    """The newest revision that this version of Coalition knows."""
    return _script().get_current_head() or "empty"


def _script() -> ScriptDirectory:
    return _read_script(MIGRATIONS, (MIGRATIONS / "versions").stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read_script(folder: Path, _changed: int) -> ScriptDirectory:
    """To read all migrations takes longer than most that a command does."""
    return ScriptDirectory(str(folder))


def require_current(database: Database) -> None:
    """Raise Misconfigured unless the database is exactly at the newest revision."""
    try:
        with database.engine.connect() as connection:
            found = _revision(connection)
    except DBAPIError as error:
        raise Misconfigured(f"{_UNREACHABLE} If there is none yet: `coalition database upgrade`.") from error
    if found is None:
        raise Misconfigured("The database is empty: run `coalition database upgrade` first.")
    _require_known(found)
    if found != head():
        raise Misconfigured("The database is older than this Coalition: run `coalition database upgrade`.")


def is_empty(database: Database) -> bool:
    """Whether no migration has ever run here. Raises Misconfigured where the database can't be reached."""
    try:
        return not inspect(database.engine).has_table("alembic_version")
    except DBAPIError as error:
        raise Misconfigured(_UNREACHABLE) from error


def settle_keys(database: Database, folder: Path) -> None:
    """Finish a rotation that died after the database had learned of it and before the file was in its place."""
    with database.reading() as session:
        known = session.execute(select(KnownKey.name, KnownKey.fingerprint)).all()
    for name in RING_NAMES:
        settle(folder, name, [fingerprint for ring, fingerprint in known if ring == name])


def learn_keys(database: Database, rings: tuple[Ring, ...]) -> None:
    """Let a database that came from a backup know the keys that were added since.

    A ring that lacks a key of the database may be another installation's: that is left to `require_keys`. Called by
    whoever is alone with the rings: while one is changed, the database may know less than the file for a moment.
    """
    with database.transaction() as session:
        known = {(row.name, row.fingerprint) for row in session.scalars(select(KnownKey))}
        for ring in rings:
            marks = set(ring.fingerprints)
            theirs = {mark for name, mark in known if name == ring.name}
            if theirs < marks:
                session.add_all(KnownKey(name=ring.name, fingerprint=mark) for mark in marks - theirs)


def require_keys(database: Database, rings: tuple[Ring, ...]) -> None:
    """Raise Misconfigured unless the rings are those that this database was filled with."""
    names = {ring.name for ring in rings}
    with database.reading() as session:
        known = {(row.name, row.fingerprint) for row in session.scalars(select(KnownKey)) if row.name in names}
    held = {(ring.name, mark) for ring in rings for mark in ring.fingerprints}
    lacking = {name for name, _ in known - held}
    faults = [
        f"The key ring {name} lacks a key that this database was filled with: restore its file from your backup."
        for name in sorted(lacking)
    ]
    for name in sorted({name for name, _ in held - known}):
        unknown = f"The key ring {name} holds a key that this database does not know"
        if name in lacking:
            faults.append(f"{unknown}, of another installation: restore the keys that go with this database.")
        else:
            faults.append(f"{unknown}, because it came from a backup: `coalition database upgrade` lets it know.")
    if faults:
        raise Misconfigured("\n".join(faults))


def _sample_nothing(connection: Connection) -> None:
    """Keep PostgreSQL from copying texts and bytes into its statistics, where what is forgotten would live on."""
    if connection.dialect.name != "postgresql":
        return
    columns = """
        SELECT attrelid::regclass::text, quote_ident(attname) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
        AND atttypid IN ('text'::regtype, 'bytea'::regtype, 'json'::regtype) AND attstattarget <> 0
    """
    for table, column in connection.exec_driver_sql(columns).all():
        connection.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


@contextmanager
def _migrating(url: str) -> Iterator[tuple[AlembicConfig, Connection]]:
    database = Database(url, foreign_keys=False)
    config = AlembicConfig()
    # Alembic's own configuration would read a single % as the start of a placeholder.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with database.engine.begin() as connection:
            if not database.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            config.attributes["connection"] = connection
            config.attributes["metadata"] = Base.metadata
            yield config, connection
            if database.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise Misconfigured("The migration would leave rows without their parents; nothing was changed.")
    finally:
        database.close()


def _remember_keys(connection: Connection, rings: tuple[Ring, ...]) -> None:
    rows = [{"name": ring.name, "fingerprint": mark} for ring in rings for mark in ring.fingerprints]
    connection.execute(insert(KnownKey), rows)


def _require_known(revision: str | None) -> None:
    known = {script.revision for script in _script().walk_revisions()}
    if revision is not None and revision not in known:
        raise Misconfigured("The database was made by a newer Coalition: install that version again.")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
