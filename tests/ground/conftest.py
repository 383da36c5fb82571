"""What tests of the ground floor may ask for: an empty database, on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, on both engines."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        cluster, _ = request.getfixturevalue("postgres_house")
        made = cluster.create_database()
        yield made
        cluster.drop_database(made)
