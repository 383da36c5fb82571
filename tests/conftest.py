"""What every test may ask for: a `house` (one Coalition with a real database and a real mail server), on both engines.

No test reaches beyond this machine, and none is skipped where TEST_NO_SKIP is set.
"""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from coalition.services import backups
from tests.house import House, Template, sqlite_template
from tests.leaks import Gate
from tests.postgres import Cluster, find_binaries


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Gate(), "leaks")
    # Our own settings must not reach the programs that tests start.
    for name in [name for name in os.environ if name.startswith("COALITION_")]:
        del os.environ[name]


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def sqlite_house(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A migrated, empty SQLite installation to copy from."""
    return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Template]]:
    """The same on PostgreSQL, with the server it lives on."""
    binaries = find_binaries()
    if binaries is None:
        skip("PostgreSQL is not installed")
    cluster = Cluster(binaries)
    cluster.start()
    try:
        url = cluster.create_database()
        yield cluster, Template.make(tmp_path_factory.mktemp("postgres"), url)
    finally:
        cluster.stop()


def skip(reason: str) -> NoReturn:
    """Skip a test that this machine can't run; in CI that is a failure."""
    if os.environ.get("TEST_NO_SKIP"):
        pytest.fail(f"must not be skipped: {reason}")
    pytest.skip(reason)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_kind(request: pytest.FixtureRequest) -> str:
    """The engine a test runs on; every test that asks for a house runs on both."""
    return str(request.param)


@pytest.fixture
def house(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """One Coalition with topics housing, events and tools, a form `main`, and nobody in it."""
    if database_kind == "sqlite":
        template: Template = request.getfixturevalue("sqlite_house")
        made = House.move_in(tmp_path / "home", template, template.copy_sqlite(tmp_path / "home"))
        yield made
        made.close()
    else:
        cluster, template = request.getfixturevalue("postgres_house")
        url = cluster.create_database(template.url)
        made = House.move_in(tmp_path / "home", template, url)
        yield made
        made.close()
        cluster.drop_database(url)


@pytest.fixture
def back_up(house: House, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Copies the database of the house as it is now, and gives the copy's URL."""
    copies: list[str] = []

    def copy() -> str:
        if house.database.is_sqlite:
            made = backups.make(house.database, tmp_path / f"copy-{len(copies)}.db")
            copies.append(f"sqlite:///{made.path}")
        else:
            house.database.close()  # PostgreSQL copies only what nobody is connected to
            copies.append(request.getfixturevalue("postgres_house")[0].create_database(house.config.database_url))
        return copies[-1]

    yield copy
    if not house.database.is_sqlite:
        for url in copies:
            request.getfixturevalue("postgres_house")[0].drop_database(url)
