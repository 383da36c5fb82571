"""`coalition database`"""

from pathlib import Path

import click

from coalition.cli.shared import Group, opened
from coalition.clock import utcnow
from coalition.config import read_config
from coalition.resources import prepare
from coalition.services import audit, backups


@click.group("database", cls=Group)
def database() -> None:
    """Tables and backups."""


@database.command("upgrade")
def upgrade() -> None:
    """Make the database, or bring it to the newest tables. Twice is as good as once.

    Example: coalition database upgrade
    """
    is_new = prepare(read_config())
    resources = opened()
    with resources.database.transaction() as session:
        audit.record(session, "database upgrade")
    resources.database.close()
    click.echo("The database and its keys are made." if is_new else "The database is at its newest tables.")


@database.command("backup")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def backup(file: Path | None) -> None:
    """Copy the live database into a file and check the copy. Keep the keys apart from it.

    Example: coalition database backup /backups/coalition-monday.db
    """
    resources = opened()
    ending = "db" if resources.database.is_sqlite else "dump"
    folder = resources.config.home / "backups"
    if file is None:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{utcnow():%Y-%m-%dT%H%M%S}.{ending}"
    made = backups.make(resources.database, file.absolute())
    with resources.database.transaction() as session:
        audit.record(session, "database backup", made.path.name)
    resources.database.close()
    click.echo(f"{made.path}: {made.size:,} bytes, checked. The keys in {resources.config.keys} are not in it.")
