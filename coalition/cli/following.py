"""`coalition digest status` and `list`: how far issues have come."""

import time

import click

from coalition.cli.desk import ISSUE, subject_of
from coalition.cli.shared import json_option, looking, opened, show
from coalition.models import Outbound, Phase
from coalition.resources import Resources
from coalition.services import issues


@click.command("status")
@ISSUE
@click.option("--watch", "watched", is_flag=True, help="Stay, with a bar, until it is sent.")
@json_option
def status(issue: str, watched: bool, as_json: bool) -> None:
    """Show how far an issue has come.

    Example: coalition digest status weekly --watch
    """
    resources = opened()
    with resources.database.reading() as session:
        found = issues.find(session, issue)
        progress = issues.progress(session, found.id)
    if watched:
        watch(resources, found.id)
    elif as_json:
        facts = {
            "issue": found.id,
            "subject": subject_of(resources, found),
            "state": found.state.value,
            "plan": found.plan_hash,
            "deliveries": progress.deliveries,
            "not_mailed": progress.not_mailed,
            "left_out": found.left_out,
        }
        show([facts], as_json=True, empty="")
    else:
        _summary(resources, progress)


@click.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show every issue, newest first.

    Example: coalition digest list
    """
    with looking() as (resources, session):
        rows = [
            {
                "issue": each.id,
                "cadence": each.cadence.value,
                "period": each.period_key,
                "state": each.state.value,
                "subject": subject_of(resources, each),
                "planned": each.created_at,
            }
            for each in issues.all_of(session)
        ]
    show(rows, as_json=as_json, empty="There are no issues yet: coalition digest plan weekly")


def watch(resources: Resources, issue_id: int) -> None:
    """Follow the ledger with a bar until the issue is over, or somebody presses Ctrl-C."""
    try:
        with resources.database.reading() as session:
            progress = issues.progress(session, issue_id)
        with click.progressbar(length=progress.total, label=f"Issue {issue_id}") as bar:
            while True:
                with resources.database.reading() as session:
                    progress = issues.progress(session, issue_id)
                bar.update(progress.ended - bar.pos)
                if progress.issue.state not in {Phase.SENDING, Phase.APPROVED}:
                    break
                time.sleep(0.3)
        _summary(resources, progress)
    except KeyboardInterrupt:
        click.echo(f"\nThe sending goes on. Watch it again: coalition digest status {issue_id} --watch")


def _summary(resources: Resources, progress: issues.Progress) -> None:
    issue = progress.issue
    click.echo(f"Issue {issue.id}, “{subject_of(resources, issue)}”: {issue.state}")
    counts(progress)
    for reason, n in sorted(issue.left_out.items()):
        click.echo(f"  {n:>8,}  readers left out: {reason}")


def counts(progress: issues.Progress) -> None:
    """Print how many deliveries are in which state, and which items reach nobody."""
    for state in Outbound:
        if progress.deliveries.get(state):
            click.echo(f"  {progress.deliveries[state]:>8,}  {state}")
    for topic, reason, n in progress.not_mailed:
        click.echo(f"  {n:>8,}  items of {topic} not mailed: {reason}")
