"""`coalition digest`: send, watch, hold, resume, cancel, list."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from coalition.cli.digests import ISSUE, digest, say_if_nobody_sends
from coalition.cli.shared import changing, json_option, looking, opened, show
from coalition.clock import utcnow
from coalition.errors import BadContent
from coalition.models import Outbound, Phase
from coalition.services import audit, issues, preflight

__all__ = ["digest"]  # with the commands of this room hung on it


@digest.command("send")
@ISSUE
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--on", "on", help="Not now but then, in the community's zone: 2026-12-01T08:00.")
@click.option("--local-hour/--at-once", default=True, show_default=True, help="Each reader's own hour, or all at once.")
@click.option("--allow", "allowed", multiple=True, help="A finding that may pass, by its name; once for each.")
@click.option("--because", default="", help="Why it may; kept with the issue.")
@click.option("--no-wait", is_flag=True, help="Don't wait and show progress.")
def send(
    issue: str,
    yes: bool,
    on: str | None,
    local_hour: bool,
    allowed: tuple[str, ...],
    because: str,
    no_wait: bool,
) -> None:
    """Let a planned issue go, and watch it. Ctrl-C leaves the watching; the sending goes on.

    Readers who chose an hour get it at the first such hour from then on, all others at once.

    Example: coalition digest send weekly
    """
    if allowed:
        _allow(issue, allowed, because)
    with looking() as (resources, session):
        found = issues.find(session, issue)
        total = issues.progress(session, found.id).total
        if found.sending_at is None:
            preflight.require_clean(session, resources.letters, resources.links, found, utcnow())
    if not yes and found.sending_at is None:
        click.confirm(f"Send issue {found.id}, “{found.subject}”, to {total} readers?", abort=True)
    with changing() as (resources, session):
        community = resources.config.community
        goes_at = _moment(on, community.timezone) if on else utcnow()
        issues.send(session, community, found.id, goes_at, at_once=not local_hour)
        audit.record(session, "digest send", str(found.id))
    say_if_nobody_sends(resources)
    if no_wait or on:
        click.echo(f"Issue {found.id} goes to {total} readers. Watch it: coalition digest status {found.id} --watch")
    else:
        _watch(found.id)


@digest.command("approve")
@ISSUE
def approve(issue: str) -> None:
    """Let an issue be sent, as a second person; wanted where community.toml says so.

    Example: coalition digest approve weekly
    """
    with changing() as (_, session):
        found = issues.find(session, issue)
        approved = issues.approve(session, found.id, audit.login())
        audit.record(session, "digest approve", str(found.id))
    click.echo(f"Issue {approved.id} is approved. Send it: coalition digest send {approved.id}")


@digest.command("status")
@ISSUE
@click.option("--watch", is_flag=True, help="Stay, with a bar, until it is sent.")
@json_option
def status(issue: str, watch: bool, as_json: bool) -> None:
    """Show how far an issue has come.

    Example: coalition digest status weekly --watch
    """
    with looking() as (_, session):
        found = issues.find(session, issue)
    if watch:
        _watch(found.id)
        return
    with looking() as (_, session):
        progress = issues.progress(session, found.id)
    if as_json:
        facts = {
            "issue": found.id,
            "state": found.state.value,
            "deliveries": progress.deliveries,
            "not_mailed": progress.not_mailed,
        }
        show([facts], as_json=True, empty="")
        return
    _summary(progress)


@digest.command("hold")
@ISSUE
def hold(issue: str) -> None:
    """Stop an issue for the moment.

    Example: coalition digest hold weekly
    """
    _switch(issue, "hold")


@digest.command("resume")
@ISSUE
def resume(issue: str) -> None:
    """Let a held issue go on.

    Example: coalition digest resume weekly
    """
    _switch(issue, "resume")


@digest.command("cancel")
@ISSUE
@click.option("--yes", is_flag=True, help="Don't ask.")
def cancel(issue: str, yes: bool) -> None:
    """Stop an issue for good; what was not mailed waits for the next one.

    Example: coalition digest cancel weekly
    """
    resources = opened()
    with resources.database.reading() as session:
        found = issues.find(session, issue)
    if not yes:
        click.confirm(f"Cancel issue {found.id}, “{found.subject}”?", abort=True)
    issues.cancel(resources.database, found.id, utcnow())
    with resources.database.transaction() as session:
        audit.record(session, "digest cancel", str(found.id))
    click.echo(f"Issue {found.id} is cancelled.")
    resources.database.close()


@digest.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show every issue, newest first.

    Example: coalition digest list
    """
    with looking() as (_, session):
        rows = [
            {
                "issue": each.id,
                "cadence": each.cadence.value,
                "period": each.period_key,
                "state": each.state.value,
                "subject": each.subject,
                "planned": each.created_at,
            }
            for each in issues.all_of(session)
        ]
    show(rows, as_json=as_json, empty="There are no issues yet: coalition digest plan weekly")


def _allow(issue: str, names: tuple[str, ...], reason: str) -> None:
    with changing() as (_, session):
        found = issues.get(session, issues.find(session, issue).id, lock=True)
        preflight.allow(found, names, reason)
        audit.record(session, "digest allow", f"{found.id}: {', '.join(names)}")


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadContent("`--on` is of the form 2026-12-01T08:00.") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if moment < utcnow():
        raise BadContent("`--on` lies in the past.")
    return moment


def _switch(name: str, verb: str) -> None:
    with changing() as (_, session):
        found = issues.find(session, name)
        changed = issues.hold(session, found.id) if verb == "hold" else issues.resume(session, found.id)
        audit.record(session, f"digest {verb}", str(found.id))
    click.echo(f"Issue {changed.id} is {changed.state}.")


def _watch(issue_id: int) -> None:
    """A bar that follows the ledger until the issue is over."""
    resources = opened()
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
        _summary(progress)
    except KeyboardInterrupt:
        click.echo(f"\nThe sending goes on. Watch it again: coalition digest status {issue_id} --watch")
    finally:
        resources.database.close()


def _summary(progress: issues.Progress) -> None:
    click.echo(f"Issue {progress.issue.id}, “{progress.issue.subject}”: {progress.issue.state}")
    for state in Outbound:
        if progress.deliveries.get(state):
            click.echo(f"  {progress.deliveries[state]:>8,}  {state}")
    for topic, reason, n in progress.not_mailed:
        click.echo(f"  {n:>8,}  items of {topic} not mailed: {reason}")
