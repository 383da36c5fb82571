"""A home and a database with nothing in them yet, and a statement or two run there."""

from pathlib import Path

from sqlalchemy import text

from coalition.config import Config, read_config
from coalition.db import Database


def config_of(home: Path, url: str) -> Config:
    """The facts of a fresh home with this database."""
    home.mkdir(exist_ok=True)
    return read_config({"COALITION_HOME": str(home), "COALITION_DATABASE_URL": url})


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run one statement in a transaction. Returns the rows of a SELECT."""
    database = Database(url)
    try:
        with database.transaction() as session:
            result = session.execute(text(statement))
            return [tuple(row) for row in result] if statement.startswith("SELECT") else []
    finally:
        database.close()
