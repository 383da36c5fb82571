"""`coalition database`"""

from pathlib import Path

import click

from coalition.cli.restoring import restore
from coalition.cli.shared import Group, json_option, opened, show
from coalition.clock import utcnow
from coalition.config import read_config
from coalition.resources import prepare
from coalition.services import anchors, audit, backups, chain, journaling


@click.group("database", cls=Group)
def database() -> None:
    """Tables, backups, and the journal that outlives them."""


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
    folder = resources.config.backups
    if file is None:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{utcnow():%Y-%m-%dT%H%M%S}.{ending}"
    with resources.database.reading() as session:
        head = chain.head(session)
    made = backups.make(resources.database, file.absolute())
    with resources.database.transaction() as session:
        audit.record(session, "database backup", made.path.name)
    resources.database.close()
    click.echo(f"{made.path}: {made.size:,} bytes, checked. The keys in {resources.config.keys} are not in it.")
    # Should it come back, what is lost with everything after it can be told to the row.
    anchors.note(resources.config.anchors, head, utcnow())


database.add_command(restore)


@database.command("journal")
@click.option(
    "--give-up", is_flag=True, help="Go on without what is lost. Who left in those lines may get letters again."
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def journal(give_up: bool, yes: bool, as_json: bool) -> None:
    """Show the journal of leavings: what each machine has written, and what the database has seen of it.

    A stream that ends before what the database has seen is lost or lies elsewhere; nothing is sent until it is back in
    its folder, or given up.

    Example: coalition database journal
    """
    resources = opened()
    if give_up:
        if not yes:
            click.confirm("Go on without the lines that are lost? Who left in them may get letters again.", abort=True)
        for told in resources.backlog.give_up():
            click.echo(told, err=True)
        with resources.database.transaction() as session:
            audit.record(session, "database journal give up")
    with resources.database.reading() as session:
        seen = journaling.marks(session)
    written = resources.journal.lasts()
    rows = [
        {"stream": stream, "written": written.get(stream, 0), "seen": seen.get(stream, 0)}
        for stream in sorted({*written, *seen})
    ]
    show(rows, as_json=as_json, empty="Nobody has left yet, and no issue has gone.")
