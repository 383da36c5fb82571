"""Backups: whole while the database is written to, readable by their owner only, never over another file."""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select

from coalition.db import Database
from coalition.errors import Refused
from coalition.models import Subscriber
from coalition.services import backups
from tests.conftest import skip
from tests.house import House, Template
from tests.postgres import Cluster, find_binaries
from tests.services.scenes import an_audience


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump and pg_restore on PATH, as a machine with PostgreSQL's client has them."""
    if shutil.which("pg_dump") is None and (binaries := find_binaries()):
        monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")


@pytest.mark.usefixtures("tools")
def test_a_backup_is_a_file_that_only_its_owner_can_read(house: House, tmp_path: Path) -> None:
    an_audience(house, 3)

    made = backups.make(house.database, tmp_path / "copy")

    assert made.size == made.path.stat().st_size > 1000
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert b"reader1@example.org" not in made.path.read_bytes()


@pytest.mark.usefixtures("tools")
def test_a_file_that_is_there_is_never_replaced(house: House, tmp_path: Path) -> None:
    there = tmp_path / "copy"
    there.write_text("precious")

    with pytest.raises(Refused, match="exists already"):
        backups.make(house.database, there)
    assert there.read_text() == "precious"


def test_a_folder_that_is_not_there_is_told(house: House, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="can't be written"):
        backups.make(house.database, tmp_path / "nowhere" / "copy")


def test_a_copy_of_a_live_wal_database_has_every_row_where_a_copied_file_has_none(
    sqlite_house: Template, tmp_path: Path
) -> None:
    """Trap Z15."""
    url = sqlite_house.copy_sqlite(tmp_path / "home")
    home = House.move_in(tmp_path / "home", sqlite_house, url)
    live = Path(url.removeprefix("sqlite:///"))
    an_audience(home, 100)

    shutil.copy(live, tmp_path / "copied.db")
    backups.make(home.database, tmp_path / "backup.db")

    counts = {}
    for name in ("copied", "backup"):
        connection = sqlite3.connect(tmp_path / f"{name}.db")
        [[counts[name]]] = connection.execute("SELECT count(*) FROM subscriber")
        connection.close()
    home.close()
    assert counts == {"copied": 0, "backup": 100}


def test_a_sqlite_backup_opens_as_a_database_of_coalition(sqlite_house: Template, tmp_path: Path) -> None:
    home = House.move_in(tmp_path / "home", sqlite_house, sqlite_house.copy_sqlite(tmp_path / "home"))
    an_audience(home, 5)
    backups.make(home.database, tmp_path / "backup.db")
    home.close()

    restored = Database(f"sqlite:///{tmp_path / 'backup.db'}")
    with restored.reading() as session:
        assert len(session.scalars(select(Subscriber)).all()) == 5
    restored.close()


@pytest.mark.postgres
@pytest.mark.usefixtures("tools")
def test_a_postgresql_backup_restores_every_row(postgres_house: tuple[Cluster, Template], tmp_path: Path) -> None:
    if shutil.which("pg_restore") is None:
        skip("PostgreSQL's client is not installed")
    cluster, template = postgres_house
    source = Database(cluster.create_database(template.url))
    backups.make(source, tmp_path / "backup")
    source.close()
    url = cluster.create_database()

    target = url.replace("postgresql+psycopg", "postgresql")
    subprocess.run(["pg_restore", "--no-owner", f"--dbname={target}", str(tmp_path / "backup")], check=True)

    restored = Database(url)
    with restored.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM topic").scalar_one() == 3
    restored.close()


@pytest.mark.postgres
def test_a_backup_without_its_tools_leaves_nothing_behind(
    postgres_house: tuple[Cluster, Template], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, template = postgres_house
    monkeypatch.setenv("PATH", str(tmp_path))
    database = Database(template.url)

    with pytest.raises(Refused, match="pg_dump is not installed"):
        backups.make(database, tmp_path / "backup")

    database.close()
    assert not (tmp_path / "backup").exists()
