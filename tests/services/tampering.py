"""A hand that reaches past the guards of the database, as only its owner could."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.house import House

_SQLITE = ("consent_appends", "consent_stays", "consent_remains", "wording_once", "wording_stays", "wording_remains")


@contextmanager
def unguarded(house: House) -> Iterator[Session]:
    """A transaction that may change what people agreed to: the triggers are gone."""
    with house.database.transaction() as session:
        if house.database.is_sqlite:
            for name in _SQLITE:
                session.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        else:
            session.execute(text("ALTER TABLE consent DISABLE TRIGGER USER"))
            session.execute(text("ALTER TABLE wording DISABLE TRIGGER USER"))
        yield session
