"""The database: one way to change, one way to look. Tames SQLite so that both engines behave alike."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from coalition import statements
from coalition.errors import Misconfigured

_PATIENCE_SECONDS = 10.0  # for whoever writes to the same file, or makes it
# A server that swallows connections must not hold up a leaving, which then goes to the spool.
_POSTGRES_OPTIONS = {"connect_timeout": int(_PATIENCE_SECONDS)}
_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout={_PATIENCE_SECONDS * 1000:.0f}",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",  # what is deleted or erased is overwritten, not just unlinked
)


class Database:
    """An engine with two doors: `transaction()` to change, `reading()` to look."""

    def __init__(self, url: str, *, foreign_keys: bool = True) -> None:
        """`foreign_keys=False` is for migrations alone: SQLite rebuilds a table by dropping it, and would cascade."""
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writing: _OneByOne | nullcontext[None] = nullcontext()
        if self.is_sqlite:
            self._writing = _OneByOne()
            _tame_sqlite(self.engine, foreign_keys)
        # What has to be on disk elsewhere before a change is: the journal's lines.
        self.before_commit: Callable[[Session], None] = lambda session: None
        self._looking = self.engine.execution_options(readonly=True)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back if the block raises."""
        with self.transaction_over(self.engine) as session:
            yield session

    @contextmanager
    def transaction_over(self, bind: Engine | Connection) -> Iterator[Session]:
        """The same over a connection that somebody keeps."""
        with self._writing, Session(bind, expire_on_commit=False) as session, session.begin():
            yield session
            if session.in_transaction():  # it may have been taken back
                self.before_commit(session)
                statements.run_last(session)

    @contextmanager
    def trying(self) -> Iterator[Session]:
        """A session to change with, as to see what would come of it; nothing is kept."""
        with self._writing, Session(self.engine, expire_on_commit=False) as session, session.begin() as begun:
            yield session
            session.expunge_all()  # what was tried stays readable, as it was tried
            begun.rollback()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session to look with; whatever it changed is not kept."""
        with Session(self._looking, expire_on_commit=False) as session:
            yield session
            session.expunge_all()  # what was read stays readable after the look

    def scrub(self) -> None:
        """Overwrite what was deleted also where SQLite keeps it for a while: in the log that it writes ahead.

        Whoever reads at this moment keeps it from that; it is done every minute.
        """
        if self.is_sqlite:
            with self._writing, closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def count_rows(self) -> None:
        """Let PostgreSQL learn that many rows came. By itself it does late, and until then chooses slow ways."""
        if not self.is_sqlite:
            with self.transaction() as session:
                session.execute(text("ANALYZE"))

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


class _OneByOne:
    """The queue of the threads that want to write to one SQLite file.

    Those that wait in SQLite's own sleeping busy handler are served unfairly and late; a lock is fair enough. Nobody
    waits longer for it than there: where another program holds the file, a leaving goes to the spool instead.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=_PATIENCE_SECONDS):
            raise OperationalError(None, None, sqlite3.OperationalError("database is locked"))

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class KeptConnection:
    """One connection for the many short transactions of one thread: fetching one and giving it back costs each time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """As `Database.transaction`. Where the database fails, the next one gets another connection."""
        if self._connection is None:
            self._connection = self._open()
        try:
            with self._database.transaction_over(self._connection) as session:
                yield session
        except DBAPIError:
            # Whatever state it is in: one that broke at its commit does not always say so.
            with suppress(DBAPIError):
                self.close()
            raise

    def close(self) -> None:
        """Give the connection up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> Connection:
        connection = self._database.engine.connect()
        connection.detach()  # what is set here is for nobody else
        if not self._database.is_sqlite:
            # PostgreSQL would think anew about each statement every time, for longer than some of them take.
            with connection.begin():
                connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
        return connection


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.drivername == "sqlite":
            return create_engine(parsed)
        return create_engine(parsed, pool_pre_ping=True, connect_args=_POSTGRES_OPTIONS)
    except (ArgumentError, ValueError) as error:
        raise Misconfigured("COALITION_DATABASE_URL is not an address of a database.") from error
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "COALITION_DATABASE_URL needs a driver that is not installed: `pip install 'coalition[postgres]'`."
        ) from error


def _tame_sqlite(engine: Engine, foreign_keys: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transactions begin too late (not before a SELECT), which loses updates: we begin them.
        connection.isolation_level = None
        _use_wal(connection)
        for pragma in (*_SQLITE_PRAGMAS, f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}"):
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        readonly = connection.get_execution_options().get("readonly", False)
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Log ahead. A new file changes its mode once, and whoever meets that is refused at once, despite busy_timeout."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def insert_into(session: Session, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT: both engines have it, in the same words, from different modules."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
