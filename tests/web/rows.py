"""What a test sees of the database from outside: every row, how many there are, and which statements ran."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, func, select

from coalition.models import Base
from tests.house import House

Row = tuple[object, ...]


def every_row(house: House) -> dict[str, list[Row]]:
    """All rows of all tables."""
    with house.database.reading() as session:
        return {
            table.name: [tuple(row) for row in session.execute(table.select().order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


def how_many(house: House) -> dict[str, int]:
    """The number of rows of every table."""
    with house.database.reading() as session:
        return {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


def growth(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """By how many rows each table has grown; only those that have."""
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


@contextmanager
def statements(house: House) -> Iterator[list[str]]:
    """Every SQL statement that runs inside the block, as text without its values."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(house.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(house.database.engine, "before_cursor_execute", note)


@contextmanager
def nothing_changes(house: House) -> Iterator[None]:
    """Fails where the block changed any row of any table."""
    before = every_row(house)
    yield
    assert every_row(house) == before
