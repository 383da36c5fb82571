"""`coalition database restore`"""

import sys
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import click

from coalition.cli.following import doubt_in_words, rest_in_words
from coalition.clock import utcnow
from coalition.config import Config, read_config
from coalition.db import Database
from coalition.errors import JournalIncomplete, Refused
from coalition.models import Issue
from coalition.resources import open_resources, prepare
from coalition.services import anchors, audit, chain, journaling, restored_issues
from coalition.services.chain import Head
from coalition.services.restoring import Place


@dataclass(frozen=True)
class _Learned:
    """What a database from the past had to learn."""

    head: Head  # where its consent chain ended before
    lines: int
    missing: str  # of the journal, as a sentence
    held: list[Issue]
    doubtful: dict[Issue, int]  # and how many letters of it may have gone


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Don't ask.")
def restore(file: Path, yes: bool) -> None:
    """Bring a backup back: check it, teach it all that the journal tells, and only then put it in place.

    Stop everything else first. What was there is kept beside it. Whoever left, was erased or suppressed since the
    backup is so again; no issue goes on by itself. On PostgreSQL it tells what to type instead.

    Example: coalition database restore /backups/coalition-monday.db
    """
    config, now = read_config(), utcnow()
    place = Place.of(config.database_url, file)
    if not yes and place.path.exists():
        click.confirm(f"Put {file} in the place of {place.path}? What is there now is kept beside it.", abort=True)
    with place.alone(), place.copy_of(file) as copy:
        learned = _teach(replace(config, database_url=f"sqlite:///{copy}"), file.name, now)
        kept = place.take(copy, now)
        lost = anchors.note_restore(config.anchors, learned.head, now)
    click.echo(f"{file} is in place, checked.")
    if kept is not None:
        click.echo(f"What was there is kept as {kept}: delete it once you need it no more; it holds who has left.")
    _tell(learned)
    for loss in lost:
        click.echo(f"{loss} The consent chain is whole without them.")
    if learned.missing:
        sys.exit(1)
    click.echo("Start everything again.")


def _teach(config: Config, name: str, now: datetime) -> _Learned:
    """Bring a copy to the newest tables, verify its consent chain, let it learn. Raises Refused, Misconfigured."""
    prepare(config)
    database = Database(config.database_url)
    try:
        with database.reading() as session:
            head, before = chain.head(session), sum(journaling.marks(session).values())
            noted = [each for each in anchors.read(config.anchors) if each.seq <= head.seq]
            faults = chain.verify(session, noted).faults
        if faults:
            raise Refused(f"The consent chain in this backup is broken, take another one. {faults[0]}")
        with database.transaction() as session:
            restored_issues.hold(session, now)
            audit.record(session, "database restore", name)
    finally:
        database.close()
    resources, missing = open_resources(config), ""
    try:
        resources.backlog.work_off()
    except JournalIncomplete as error:
        missing = str(error)
    try:
        with resources.database.reading() as session:
            lines = sum(journaling.marks(session).values()) - before
            held, doubtful = restored_issues.held(session), restored_issues.in_doubt(session)
    finally:
        resources.database.close()
    return _Learned(head, lines, missing, held, doubtful)


def _tell(learned: _Learned) -> None:
    click.echo(f"Things that the journal told and it did not know, done now: {learned.lines}.")
    for issue, letters in learned.doubtful.items():
        click.echo(doubt_in_words(issue, letters))
    for issue in learned.held:
        if issue not in learned.doubtful:
            click.echo(rest_in_words(issue))
    if learned.missing:
        click.echo(f"{learned.missing} Nothing is sent until this is mended: `coalition database journal`.", err=True)
