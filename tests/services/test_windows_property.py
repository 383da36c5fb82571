"""No gap and no repeat, whatever happens in whatever order."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.house import House, Template
from tests.services.mishaps import Mishaps


def test_whatever_happens_nobody_misses_an_item_or_gets_it_twice(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    numbers = count()

    @contextmanager
    def a_house() -> Iterator[House]:
        home = tmp_path / str(next(numbers))
        with _database(database_kind, request, home) as (template, url):
            house = House.move_in(home, template, url)
            try:
                yield house
            finally:
                house.close()

    class Here(Mishaps):
        rented = staticmethod(a_house)

    run_state_machine_as_test(
        Here,
        settings=settings(
            # The rules are the same on both; PostgreSQL has to show that its statements are.
            max_examples=40 if database_kind == "sqlite" else 8,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@contextmanager
def _database(kind: str, request: pytest.FixtureRequest, home: Path) -> Iterator[tuple[Template, str]]:
    """A database of its own for one example, and the template it is a copy of."""
    if kind == "sqlite":
        template: Template = request.getfixturevalue("sqlite_house")
        yield template, template.copy_sqlite(home)
    else:
        cluster, template = request.getfixturevalue("postgres_house")
        url = cluster.create_database(template.url)
        yield template, url
        cluster.drop_database(url)
