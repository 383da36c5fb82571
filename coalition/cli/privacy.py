"""`coalition privacy`"""

import json
import sys
from typing import Any

import click
from sqlalchemy.orm import Session

from coalition.cli.grievances import grievance
from coalition.cli.notices import notice
from coalition.cli.shared import Group, json_option, opened, show
from coalition.clock import utcnow
from coalition.resources import Resources
from coalition.services import anchors, audit, chain, retention
from coalition.services.chain import Verdict


@click.group("privacy", cls=Group)
def privacy() -> None:
    """Whether the promises are kept."""


privacy.add_command(grievance)
privacy.add_command(notice)


@privacy.command("verify")
@json_option
def verify(as_json: bool) -> None:
    """Read the whole consent chain: find rows that were altered, moved or taken away, also at the end.

    What is right is noted in consent-anchors.txt, outside the database: keep copies of that file elsewhere. Ends with 1
    where something is wrong.

    Example: coalition privacy verify
    """
    resources = opened()
    with resources.database.reading() as session:
        verdict = verified(resources, session)
    with resources.database.transaction() as session:
        audit.record(session, "privacy verify", f"{len(verdict.faults)} faults")
    noted = not verdict.faults and anchors.note(resources.config.anchors, verdict.head, utcnow())
    if as_json:
        click.echo(_json(verdict, noted=noted))
    else:
        for fault in verdict.faults:
            click.echo(fault)
        click.echo(_summary(verdict))
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
    """Verify the chain, with a bar on a terminal."""
    noted = anchors.read(resources.config.anchors)
    rows, hidden = chain.length(session), not sys.stderr.isatty()
    with click.progressbar(length=max(rows, 1), label="Reading the chain", file=sys.stderr, hidden=hidden) as bar:
        return chain.verify(session, noted, bar.update)


def _json(verdict: Verdict, *, noted: bool) -> str:
    facts: dict[str, Any] = {"rows": verdict.rows, "seq": verdict.head.seq, "hash": verdict.head.hash.hex()}
    return json.dumps({**facts, "faults": verdict.faults, "noted": noted}, indent=2)


def _summary(verdict: Verdict) -> str:
    if verdict.faults:
        return (
            f"{verdict.rows} rows; the chain is broken. Keep the database and consent-anchors.txt as they are, and look"
            " who could write to them. After going back to a backup, rows that it lacks are told here as missing: then"
            " keep consent-anchors.txt under another name."
        )
    if verdict.rows == 0:
        return "Nothing is recorded yet."
    return (
        f"{verdict.rows} rows, every one as it was written. The last is {verdict.head.seq}: {verdict.head.hash.hex()}"
    )
