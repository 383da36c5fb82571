"""`coalition privacy`"""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from coalition.cli.breaches import breach
from coalition.cli.grievances import grievance
from coalition.cli.notices import notice
from coalition.cli.processing import record
from coalition.cli.reporting import report
from coalition.cli.shared import Group, json_option, opened, show
from coalition.cli.trail import trail
from coalition.clock import utcnow
from coalition.resources import Resources
from coalition.services import anchors, audit, chain, emptied, retention
from coalition.services.chain import Head, Verdict


@click.group("privacy", cls=Group)
def privacy() -> None:
    """Whether the promises are kept."""


privacy.add_command(breach)
privacy.add_command(grievance)
privacy.add_command(notice)
privacy.add_command(record)
privacy.add_command(report)
privacy.add_command(trail)


@privacy.command("verify")
@click.option("--restored", is_flag=True, help="A backup was brought back: note which rows were lost with that.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def verify(restored: bool, yes: bool, as_json: bool) -> None:
    """Read the whole consent chain: find rows that were altered, moved or taken away, also at the end.

    What is right is noted in consent-anchors.txt, outside the database: keep copies of that file elsewhere. Ends with 1
    where something is wrong.

    Example: coalition privacy verify
    """
    resources = opened()
    path = resources.config.anchors
    with resources.database.reading() as session:
        verdict = verified(resources, session)
        lost = _lost(session, path, verdict)
    if restored and lost is not None:
        if not yes:
            click.confirm(f"{lost.in_words} Was a backup brought back, by one of you?", abort=True)
        anchors.note_restore(path, lost.after, utcnow())
        with resources.database.transaction() as session:
            audit.record(session, "privacy verify restored", f"rows {lost.after.seq + 1} to {lost.last}")
        with resources.database.reading() as session:
            verdict, lost = verified(resources, session), None
    with resources.database.transaction() as session:
        audit.record(session, "privacy verify", f"{len(verdict.faults)} faults")
    noted = not verdict.faults and anchors.note(path, verdict.head, utcnow())
    if as_json:
        click.echo(_json(verdict, noted=noted))
    else:
        for told in [*verdict.faults, *anchors.losses(path)]:
            click.echo(told)
        click.echo(_summary(verdict, lost))
    if verdict.faults:
        sys.exit(1)


@privacy.command("prune")
@click.option("--dry-run", is_flag=True, help="Only tell what would be forgotten.")
@json_option
def prune(dry_run: bool, as_json: bool) -> None:
    """Forget whatever has been kept for as long as the page about privacy says. `tick` does it by itself.

    Example: coalition privacy prune --dry-run
    """
    resources = opened()
    forget = retention.foretell if dry_run else retention.prune
    done = forget(resources.database, resources.eraser, utcnow())
    if not dry_run:
        with resources.database.transaction() as session:
            audit.record(session, "privacy prune", f"{sum(done.values())} rows")
    rows = [
        {"what": period.name, "kept for days": period.keep.days, "forgotten": done[period.name]}
        for period in retention.PERIODS
    ]
    show(rows, as_json=as_json, empty="")


def verified(resources: Resources, session: Session) -> Verdict:
    """Verify the chain, and that nothing of it was emptied but by erasing; with a bar on a terminal."""
    noted = anchors.read(resources.config.anchors)
    rows, hidden = chain.length(session), not sys.stderr.isatty()
    with click.progressbar(length=max(rows, 1), label="Reading the chain", file=sys.stderr, hidden=hidden) as bar:
        verdict = chain.verify(session, noted, bar.update)
    return replace(verdict, faults=[*verdict.faults, *emptied.faults(session, resources.journal)])


def _json(verdict: Verdict, *, noted: bool) -> str:
    facts: dict[str, Any] = {"rows": verdict.rows, "seq": verdict.head.seq, "hash": verdict.head.hash.hex()}
    return json.dumps({**facts, "faults": verdict.faults, "noted": noted}, indent=2)


@dataclass(frozen=True)
class _Lost:
    """Rows that were noted outside the database, at the end of a chain that is whole without them."""

    after: Head
    last: int

    @property
    def in_words(self) -> str:
        return (
            f"The chain is whole, and as it was noted up to row {self.after.seq}. Rows up to {self.last} are missing."
        )


def _lost(session: Session, path: Path, verdict: Verdict) -> _Lost | None:
    """What a backup that was brought back lacks. None where nothing is wrong, or more than that."""
    noted = anchors.read(path)
    if not verdict.faults or not noted:
        return None
    after = anchors.agreed(path, chain.hashes(session, [each.seq for each in noted]))
    last = max(each.seq for each in noted)
    if after.seq == last or chain.verify(session, [each for each in noted if each.seq <= after.seq]).faults:
        return None
    return _Lost(after, last)


def _summary(verdict: Verdict, lost: _Lost | None) -> str:
    if lost is not None:
        return (
            f"{lost.in_words} If a backup was brought back, they were lost with the database: `coalition privacy verify"
            " --restored` notes that. If not, somebody took them away: keep everything as it is, and look who could"
            " write to the database."
        )
    if verdict.faults:
        return (
            f"{verdict.rows} rows; the chain is broken. Keep the database and consent-anchors.txt as they are, and look"
            " who could write to them."
        )
    if verdict.rows == 0:
        return "Nothing is recorded yet."
    return (
        f"{verdict.rows} rows, every one as it was written. The last is {verdict.head.seq}: {verdict.head.hash.hex()}"
    )
