"""`coalition digest status` and `list`: how far issues have come."""

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime

import click

from coalition.cli.desk import ISSUE, subject_of
from coalition.cli.ending import Ending
from coalition.cli.shared import json_option, looking, opened, show
from coalition.clock import utcnow
from coalition.models import Breaker, Issue, Outbound, Pacing, Phase
from coalition.resources import Resources
from coalition.services import issues
from coalition.services.outbox import breakers

_LOOK_SECONDS, _PACE_LOOKS = 0.3, 30  # the pace is that of the last ten seconds


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
        later = issues.later(session, found.id, utcnow())
    if watched:
        watch(resources, found.id)
    elif as_json:
        facts = {
            "issue": found.id,
            "subject": subject_of(resources, found),
            "state": found.state.value,
            "plan": found.plan_hash,
            "deliveries": progress.deliveries,
            "later": later.letters,
            "next_at": later.next_at,
            "not_mailed": progress.not_mailed,
            "left_out": found.left_out,
        }
        show([facts], as_json=True, empty="")
    else:
        _summary(resources, progress)
        if later.next_at and found.state is Phase.SENDING:
            click.echo(f"  {later.letters:>8,}  of them later, the first at {_at(later.next_at)}")


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
    with Ending() as ending:
        progress = _follow(resources, issue_id, ending)
    if progress is None:
        click.echo(f"\nThe sending goes on. Watch it again: coalition digest status {issue_id} --watch")
    else:
        _summary(resources, progress)


def _follow(resources: Resources, issue_id: int, ending: Ending) -> issues.Progress | None:
    """How it ended; None where somebody left before that."""
    with resources.database.reading() as session:
        progress = issues.progress(session, issue_id)
    pace: deque[tuple[float, int]] = deque(maxlen=_PACE_LOOKS)
    with click.progressbar(length=progress.total, label=f"Issue {issue_id}", item_show_func=lambda said: said) as bar:
        while True:
            with resources.database.reading() as session:
                progress = issues.progress(session, issue_id)
                stopped = [each for each in breakers.troubles(session) if each.key in breakers.FOR_ALL]
                later = issues.later(session, issue_id, utcnow())
            pace.append((time.monotonic(), progress.ended))
            bar.current_item = _briefly(stopped[0]) if stopped else _waits(progress, later) or _pace(pace)
            bar.update(progress.ended - bar.pos)
            bar.render_progress()  # of itself it shows only what moves
            if progress.issue.state not in {Phase.SENDING, Phase.APPROVED}:
                return progress
            if ending.wait(_LOOK_SECONDS):
                return None


def trouble_in_words(trouble: Pacing) -> str:
    """What stops or slows sending, in a sentence."""
    until = f"{trouble.until:%H:%M} UTC" if trouble.until else ""
    to_whom = "to one domain" if breakers.is_of_domain(trouble) else "to everybody"
    match trouble.breaker:
        case Breaker.OPEN:
            return f"Letters {to_whom} are refused ({trouble.reason}); the next try is at {until}."
        case Breaker.RECOVERING:
            return f"Letters {to_whom} were refused ({trouble.reason}); until all is well {trouble.width} go at once."
        case Breaker.LOST:
            return f"The mail server can't be reached: {trouble.reason}"
        case _:
            return f"Nothing is sent: {trouble.reason}."


def doubt_in_words(issue: Issue, letters: int) -> str:
    """What staff have to say about letters of an issue since a backup was brought back."""
    what = "1 letter" if letters == 1 else f"{letters:,} letters"
    said = (
        f"Issue {issue.id}: {what} may have gone before the backup was brought back. Your mail server's log tells"
        " (coalition outbox uncertain has the message ids); then say so: coalition outbox settle"
        f" --issue {issue.id} --sent, or --again."
    )
    return f"{said} {rest_in_words(issue)}" if issue.state is Phase.HELD else said


def rest_in_words(issue: Issue) -> str:
    """How what has not gone of a held issue goes on."""
    return (
        f"What has not gone of issue {issue.id} waits for you: coalition digest resume {issue.id},"
        f" or coalition digest cancel {issue.id}."
    )


def _briefly(trouble: Pacing) -> str:
    match trouble.breaker:
        case Breaker.OPEN if trouble.until:
            return f"refused; next try at {trouble.until:%H:%M} UTC"
        case Breaker.RECOVERING:
            return f"trying, {trouble.width} at once"
        case Breaker.LOST:
            return "waiting for the mail server"
        case _:
            return "stopped: coalition outbox status"


def _waits(progress: issues.Progress, later: issues.Later) -> str:
    """Why the bar stands still though all is well; empty where something goes."""
    if later.next_at is None or later.letters < progress.total - progress.ended:
        return ""
    return f"{later.letters:,} later, the next at {_at(later.next_at)}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _pace(looks: Sequence[tuple[float, int]]) -> str:
    (began, first), (ended, last) = looks[0], looks[-1]
    return f"{(last - first) / (ended - began):,.0f} a second" if ended > began else ""


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
