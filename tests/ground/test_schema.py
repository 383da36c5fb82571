"""The shape of the database: up, without drift, down, up again, by many at once; a failed step leaves nothing."""

import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import JSON, LargeBinary, Text, inspect

from coalition import schema
from coalition.db import Database
from coalition.errors import Misconfigured
from coalition.models import Base
from coalition.paths import MIGRATIONS
from coalition.resources import open_resources, prepare
from tests.ground.bench import config_of, run

BATCH = """\
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None
RECREATE = {{"sqlite": "always", "postgresql": "never"}}


def upgrade() -> None:
    with op.batch_alter_table("topic", recreate=RECREATE[op.get_bind().dialect.name]) as batch:
        batch.add_column(sa.Column("colour", sa.Text(), nullable=True))
    {more}


def downgrade() -> None:
    with op.batch_alter_table("topic", recreate=RECREATE[op.get_bind().dialect.name]) as batch:
        batch.drop_column("colour")
"""


def _tables(url: str) -> set[str]:
    database = Database(url)
    try:
        return set(inspect(database.engine).get_table_names())
    finally:
        database.close()


def test_style_3_the_tables_come_up_without_drift_go_down_and_come_up_again(url: str) -> None:
    assert schema.upgrade(url) == schema.head()
    assert schema.drift(url) == []
    tables = _tables(url)

    schema.downgrade(url, "base")
    assert _tables(url) == {"alembic_version"}
    assert schema.upgrade(url) == schema.head()

    assert _tables(url) == tables
    assert schema.drift(url) == []


def test_postgresql_copies_no_text_and_no_bytes_into_its_statistics(url: str) -> None:
    """What it samples stays there when the row is forgotten; numbers, times and states may be sampled."""
    schema.upgrade(url)
    database = Database(url)
    types = {(table.name, column.name): column.type for table in Base.metadata.tables.values() for column in table.c}
    told = {key for key, each in types.items() if isinstance(each, (LargeBinary, Text, JSON))}
    assert {("subscriber", "address_sealed"), ("subscriber", "code"), ("delivery", "nonce")} <= told
    sampled = set()
    if not database.is_sqlite:
        query = "SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attnum > 0 AND attstattarget <> 0"
        sampled = {(table, column) for table, column in run(url, query)}
        assert ("delivery", "state") in sampled
    database.close()

    assert told.isdisjoint(sampled)


def test_upgrading_twice_is_as_good_as_once(url: str) -> None:
    schema.upgrade(url)
    run(url, "UPDATE counter SET value = 7")

    assert schema.upgrade(url) == schema.head()
    assert run(url, "SELECT DISTINCT value FROM counter") == [(7,)]


def test_eight_that_upgrade_at_once_make_one_database(url: str) -> None:
    failed: list[BaseException] = []
    together = threading.Barrier(8)

    def upgrade() -> None:
        together.wait()
        try:
            schema.upgrade(url)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert schema.drift(url) == []
    assert run(url, "SELECT count(*) FROM counter") == [(2,)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations to add one to."""
    copied = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copied)
    monkeypatch.setattr(schema, "MIGRATIONS", copied)
    return copied


def _with_children(url: str) -> None:
    schema.upgrade(url, schema.head())
    run(url, "INSERT INTO topic (id, slug, name, description, open, \"order\") VALUES (1, 'a', 'a', 'a', true, 1)")
    run(
        url,
        "INSERT INTO issue (id, cadence, period_key, through_position, subject, intro_md, salt, state, planned_to,"
        " dealt_at, created_at) VALUES (1, 'weekly', '2026-W01', 1, 's', '', '', 'planned', 0, CURRENT_TIMESTAMP,"
        " CURRENT_TIMESTAMP)",
    )
    run(url, "INSERT INTO tally VALUES (1, 1, 'left', 3)")


def _add(folder: Path, head: str, table: str = "topic", more: str = "pass") -> None:
    source = BATCH.format(head=head, more=more).replace('"topic"', f'"{table}"')
    (folder / "versions" / "9999_later.py").write_text(source)


def test_style_1_a_migration_that_rebuilds_a_parent_keeps_its_children(url: str, folder: Path) -> None:
    head = schema.head()
    _with_children(url)
    _add(folder, head, "issue")

    assert schema.upgrade(url) == "9999"

    assert run(url, "SELECT issue_id, topic_id, n FROM tally") == [(1, 1, 3)]
    assert run(url, "SELECT colour FROM issue") == [(None,)]
    schema.downgrade(url, head)
    assert run(url, "SELECT issue_id, topic_id, n FROM tally") == [(1, 1, 3)]


def test_style_1_a_migration_that_fails_halfway_leaves_nothing_behind(url: str, folder: Path) -> None:
    head = schema.head()
    _with_children(url)
    _add(folder, head, more='raise KeyError("halfway")')

    with pytest.raises(KeyError):
        schema.upgrade(url)

    database = Database(url)
    assert "colour" not in {column["name"] for column in inspect(database.engine).get_columns("topic")}
    database.close()
    assert run(url, "SELECT version_num FROM alembic_version") == [(head,)]


def test_style_1_a_migration_that_orphans_rows_changes_nothing(folder: Path, tmp_path: Path) -> None:
    url, head = f"sqlite:///{tmp_path / 'a.db'}", schema.head()
    _with_children(url)
    _add(folder, head, more='op.execute("DELETE FROM issue")')

    with pytest.raises(Misconfigured, match="without their parents"):
        schema.upgrade(url)

    assert run(url, "SELECT count(*) FROM issue") == [(1,)]
    assert run(url, "SELECT version_num FROM alembic_version") == [(head,)]


def test_a_database_that_lacks_a_migration_is_told_so(url: str, folder: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", url)
    prepare(config)
    _add(folder, schema.head())

    with pytest.raises(Misconfigured, match="older"):
        open_resources(config)
    prepare(config)
    open_resources(config).database.close()
