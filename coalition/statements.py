"""Statements that are made once, and run in the driver's own words: what a sender does in every turn."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql import ClauseElement

_LAST = "what is run with the commit"
_BINARY = 1  # nobody has to write times and bytes as text, and read them again


class Prepared:
    """A statement that is made once, and then run in the driver's own words.

    What runs in every turn of a sender costs more to make, or to look up, than to run. Values go in as they do
    elsewhere; rows come as the driver has them: enumerations as text, on SQLite times as text too (see `moment`).
    """

    def __init__(self, statement: ClauseElement) -> None:
        """Its values are the `bindparam`s in it that have none yet."""
        self._statement = statement
        self._made: dict[str, _Made] = {}

    def run(self, session: Session, **values: object) -> "Found":
        """Run it in the transaction of a session."""
        return self.asked(**values).run(session)

    def asked(self, **values: object) -> "Asked":
        """It with these values, to be run with others."""
        return Asked(self, values)

    def made_for(self, dialect: Dialect) -> "_Made":
        """It in the words of one kind of database."""
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = _Made(self._statement, dialect)
        return made


class Asked(NamedTuple):
    """A statement and its values."""

    statement: Prepared
    values: dict[str, object]

    def run(self, session: Session) -> "Found":
        """Run it alone."""
        return run_together(session, self)[0]


class Found(NamedTuple):
    """What came of a statement."""

    rows: Sequence[Any]
    changed: int


def run_together(session: Session, *asked: Asked) -> list[Found]:
    """Run statements one after the other in the transaction of a session; PostgreSQL is gone to once for all of them.

    Raises what SQLAlchemy raises where the database fails.
    """
    connection = session.connection()
    # Not for one alone: the way there is the same, and more is said.
    together = len(asked) > 1 and connection.dialect.name == "postgresql"
    with _errors_of(connection):
        with _driver(connection).pipeline() if together else nullcontext():
            cursors = [_execute(connection, each) for each in asked]
        return [Found(each.fetchall() if each.description else (), each.rowcount) for each in cursors]


def run_with_commit(session: Session, last: Asked, meanwhile: Callable[[], None]) -> None:
    """Run a statement at the end of a transaction of a `Database`, whatever else is still done in it.

    PostgreSQL works at it by itself, and `meanwhile` is done while it does. On SQLite there is nobody else to work.
    """
    session.info[_LAST] = last, meanwhile


def run_last(session: Session) -> None:
    """Run what was left to the end, and commit where PostgreSQL can be told both at once."""
    if _LAST not in session.info:
        return
    last, meanwhile = session.info.pop(_LAST)
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        last.run(session)
        return
    session.flush()
    with _errors_of(connection), _driver(connection).pipeline():
        _execute(connection, last)
        meanwhile()
        session.commit()


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _execute(connection: Connection, asked: Asked) -> Any:
    """A cursor of the driver's. Whoever listens to what the database is given hears of this too."""
    made = asked.statement.made_for(connection.dialect)
    cursor = made.cursor(_driver(connection))
    parameters = made.parameters(asked.values)
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, cursor, made.sql, parameters, None, False)
    return cursor.execute(made.sql, parameters)


@contextmanager
def _errors_of(connection: Connection) -> Iterator[None]:
    """Errors of the driver as SQLAlchemy tells them; without the statement, whose values are nobody's business."""
    dialect = connection.dialect
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        is_lost = dialect.is_disconnect(error, connection.connection, None)
        if is_lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, dialect.loaded_dbapi.Error, dialect=dialect, connection_invalidated=is_lost
        ) from error


class _Made:
    """A statement in the words of one kind of database."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        self._is_postgres = dialect.name == "postgresql"
        # Values have numbers, as PostgreSQL wants it: the driver would look for their names in the text every time.
        compiled = statement.compile(dialect=_numbering(dialect) if self._is_postgres else dialect)
        self.sql = str(compiled)
        self._order: list[str] | None = getattr(compiled, "positiontup", None)  # where values have places, not names
        found = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in _binds(compiled)}
        self._converters: dict[str, Callable[[Any], Any]] = {name: each for name, each in found.items() if each}
        self._fixed = self._converted({name: value for name, value in compiled.params.items() if value is not None})

    def cursor(self, driver: Any) -> Any:
        """A cursor that takes it as it is."""
        if not self._is_postgres:
            return driver.cursor()
        from psycopg import RawCursor  # not there where it is not needed

        cursor: Any = RawCursor(driver)
        cursor.format = _BINARY
        return cursor

    def parameters(self, values: dict[str, object]) -> Any:
        """What the driver wants to be given."""
        known = self._fixed | self._converted(values)
        return known if self._order is None else tuple([known[name] for name in self._order])

    def _converted(self, values: dict[str, Any]) -> dict[str, Any]:
        convert = self._converters
        return {name: convert[name](value) if name in convert else value for name, value in values.items()}


def _numbering(dialect: Any) -> Any:
    return type(dialect)(paramstyle="numeric_dollar")


def _binds(compiled: Any) -> Any:
    return compiled.bind_names.items()


@lru_cache(maxsize=4096)  # thousands agreed on the same few hundred days
def moment(raw: Any) -> datetime:
    """A time from a row of a `Prepared` statement."""
    if isinstance(raw, datetime):
        return raw.astimezone(UTC)
    return datetime.fromisoformat(raw).replace(tzinfo=UTC)
