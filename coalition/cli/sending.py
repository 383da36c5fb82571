"""`coalition digest approve`, `send`, `hold`, `resume`, `cancel`: what lets an issue go, and what stops it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from coalition.cli.desk import ISSUE, ONLINE, look_over, say_if_nobody_sends, short_hash, subject_of
from coalition.cli.following import counts, watch
from coalition.cli.shared import changing, opened
from coalition.clock import utcnow
from coalition.errors import BadContent
from coalition.models import Issue, Outbound, Phase
from coalition.resources import Resources
from coalition.services import audit, cancelling, issues, preflight

_ON_ITS_WAY = {Phase.SENDING, Phase.SENT}


@click.command("approve")
@ISSUE
def approve(issue: str) -> None:
    """Let an issue be sent, as a second person; wanted where community.toml says so.

    Example: coalition digest approve weekly
    """
    with changing() as (resources, session):
        found = issues.find(session, issue, or_cancelled=True)
        was = found.state
        approved = issues.approve(session, found.id, audit.login())
        if was is not Phase.APPROVED:
            audit.record(session, "digest approve", str(found.id))
    name = f"Issue {approved.id}, “{subject_of(resources, approved)}”, plan {short_hash(approved)}"
    if was is Phase.APPROVED:
        click.echo(f"{name}, is approved already, by {approved.approved_by}.")
    else:
        click.echo(f"{name}, is approved. Send it: coalition digest send {approved.id}")


@click.command("send")
@ISSUE
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--on", "on", help="Not now but then, in the community's zone: 2026-12-01T08:00.")
@click.option("--local-hour/--at-once", default=True, show_default=True, help="Each reader's own hour, or all at once.")
@ONLINE
@click.option("--allow", "allowed", multiple=True, help="A finding that may pass, by its name; once for each.")
@click.option("--because", default="", help="Why it may; kept with the issue.")
@click.option("--no-wait", is_flag=True, help="Don't wait and show progress.")
def send(
    issue: str,
    yes: bool,
    on: str | None,
    local_hour: bool,
    online: bool,
    allowed: tuple[str, ...],
    because: str,
    no_wait: bool,
) -> None:
    """Let a planned issue go, and watch it. Ctrl-C leaves the watching; the sending goes on.

    Readers who chose an hour get it at the first such hour from then on, all others at once.

    Example: coalition digest send weekly
    """
    resources = opened()
    community = resources.config.community
    with resources.database.reading() as session:
        found = issues.find(session, issue, or_cancelled=True)
        total = issues.progress(session, found.id).total
    goes_at = _moment(on, community.timezone) if on else utcnow()
    if found.state in _ON_ITS_WAY:
        click.echo(f"Issue {found.id} is {found.state} already: nobody gets it twice, and nothing was changed.")
    else:
        issues.require_sendable(found, community)
        if allowed:
            _allow(resources, found.id, allowed, because)
        preflight.require_clean(*look_over(resources, found.id, online=online))
        if not yes:
            click.confirm(f"Send issue {found.id}, “{subject_of(resources, found)}”, to {_readers(total)}?", abort=True)
        with resources.database.transaction() as session:
            issues.send(session, community, found.id, goes_at, at_once=not local_hour)
            audit.record(session, "digest send", str(found.id))
        if on:
            hours = "readers who chose an hour, at theirs after that" if local_hour else "everybody at once"
            click.echo(f"It goes at {goes_at.astimezone(community.timezone):%Y-%m-%d %H:%M %Z}; {hours}.")
    say_if_nobody_sends(resources)
    if no_wait or on:
        click.echo(f"Issue {found.id} goes to {_readers(total)}. Watch it: coalition digest status {found.id} --watch")
    else:
        watch(resources, found.id)


def _readers(total: int) -> str:
    return "1 reader" if total == 1 else f"{total} readers"


@click.command("hold")
@ISSUE
def hold(issue: str) -> None:
    """Stop an issue for the moment.

    Example: coalition digest hold weekly
    """
    _switch(issue, "hold")


@click.command("resume")
@ISSUE
def resume(issue: str) -> None:
    """Let a held issue go on.

    Example: coalition digest resume weekly
    """
    _switch(issue, "resume")


@click.command("cancel")
@ISSUE
@click.option("--yes", is_flag=True, help="Don't ask.")
def cancel(issue: str, yes: bool) -> None:
    """Stop an issue for good; what was not mailed waits for the next one.

    Example: coalition digest cancel weekly
    """
    resources = opened()
    with resources.database.reading() as session:
        found = issues.find(session, issue, or_cancelled=True)
        waiting = issues.progress(session, found.id).deliveries.get(Outbound.QUEUED, 0)
        later = cancelling.overtaken_by(session, found)
    was = found.state
    if was not in {Phase.CANCELLED, Phase.SENT}:
        if later is not None and waiting:
            _warn_of_later(found, later, waiting)
        if not yes:
            click.confirm(f"Cancel issue {found.id}, “{subject_of(resources, found)}”?", abort=True)
    cancelling.cancel(resources.database, found.id, utcnow())  # again too: it ends what died in the middle
    if was is Phase.CANCELLED:
        click.echo(f"Issue {found.id} is cancelled already.")
        return
    with resources.database.transaction() as session:
        audit.record(session, "digest cancel", str(found.id))
        progress = issues.progress(session, found.id)
    click.echo(f"Issue {found.id} is cancelled.")
    counts(progress)


def _allow(resources: Resources, issue_id: int, names: tuple[str, ...], reason: str) -> None:
    with resources.database.transaction() as session:
        preflight.allow(issues.get(session, issue_id, lock=True), names, reason)
        audit.record(session, "digest allow", f"{issue_id}: {', '.join(names)}")


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
        found = issues.find(session, name, or_cancelled=True)
        was = found.state
        changed = issues.hold(session, found.id) if verb == "hold" else issues.resume(session, found.id)
        if changed.state is not was:
            audit.record(session, f"digest {verb}", str(found.id))
        waiting = issues.progress(session, found.id).deliveries.get(Outbound.QUEUED, 0)
    state = f"Issue {changed.id} is {changed.state}{' already' if changed.state is was else ''}"
    if verb == "hold":
        click.echo(f"{state}; letters that wait: {waiting:,}. Let them go: coalition digest resume {changed.id}")
    else:
        click.echo(f"{state}; letters to go: {waiting:,}. Watch it: coalition digest status {changed.id} --watch")


def _warn_of_later(issue: Issue, later: Issue, waiting: int) -> None:
    click.echo(
        f"Issue {later.id} was planned after it, and counts its readers as served up to there. What issue {issue.id}"
        f" has not mailed yet ({waiting:,} letters) is counted as cancelled: no later issue brings it."
    )
