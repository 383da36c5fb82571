"""`coalition outbox`"""

import sys

import click

from coalition import logs
from coalition.cli import crew
from coalition.cli.ending import Ending
from coalition.cli.following import doubt_in_words, trouble_in_words
from coalition.cli.shared import Group, changing, json_option, looking, opened, show
from coalition.clock import utcnow
from coalition.errors import Misconfigured
from coalition.mail.smtp import SmtpClient
from coalition.services import audit, bounces, grievances, restored_issues, spam_rate
from coalition.services.outbox import breakers, doubts, ledger
from coalition.services.outbox.leases import Morgue


@click.group("outbox", cls=Group)
def outbox() -> None:
    """The sender and its ledger."""


@outbox.command("run")
@click.option("--once", is_flag=True, help="Send what is due now, then end.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Senders on this machine.")
@click.option("--in-crew", is_flag=True, hidden=True, help="End when the process that started this one does.")
def run(once: bool, processes: int, in_crew: bool) -> None:
    """Send what becomes due, until SIGTERM or Ctrl-C.

    Several processes need PostgreSQL. One that dies is started again; all end together, each after the letters that
    are on their way.

    Example: coalition outbox run --processes 4
    """
    resources = opened()
    logs.set_up(resources.config.log)
    if resources.config.relay is None:
        raise Misconfigured("COALITION_SMTP_URL is empty: name your mail server, or try `coalition run`.")
    if processes > 1:
        if resources.database.is_sqlite:
            raise Misconfigured("SQLite takes one sender process: leave out --processes, or use PostgreSQL.")
        resources.database.close()
        _run_crew(processes, once=once)
        return
    sender = resources.sender(SmtpClient(resources.config.relay))
    ending = Ending()
    if in_crew:
        ending.run(crew.wait_for_parent, "parent", daemon=True)
    sending = ending.run(sender.drain_and_close if once else sender.run, "sender")
    ending.wait()
    sender.stop()
    sending.join()
    resources.database.close()


def _run_crew(processes: int, *, once: bool) -> None:
    ending = Ending()
    senders = crew.Crew(["outbox", "run", "--in-crew", *(["--once"] if once else [])], processes)
    keeping = ending.run(senders.run, "crew")
    ending.wait()
    senders.stop()
    keeping.join()
    sys.exit(senders.code)


@outbox.command("status")
@json_option
def status(as_json: bool) -> None:
    """Show what waits, how fast it goes, how long it will take, and what stands in its way.

    Example: coalition outbox status
    """
    with looking() as (resources, session):
        found = ledger.status(session, utcnow())
        came_back = bounces.count(session, utcnow())
        alarming = [day for day in spam_rate.recent(session, utcnow()) if day.is_alarming]
        aside = sum(bounces.count_aside(session).values())
        overdue = grievances.overdue(session, utcnow())
        doubtful = restored_issues.in_doubt(session)
        senders = Morgue(resources.config.home, same_machine=resources.database.is_sqlite).living()
    facts: dict[str, object] = {f"{state} letters": n for state, n in sorted(found.states.items())}
    facts |= {f"due now, {lane} lane": n for lane, n in found.due.items()}
    facts |= {
        "oldest due since": found.oldest_due,
        "letters in the last minute": found.lately,
        "seconds left": found.seconds_left,
        "allowed letters a second": resources.config.rate,
        "batches being sent": found.claimed,
        "senders on this machine": senders,
    }
    facts |= {f"{fate}, last 7 days": n for fate, n in came_back.items()}
    facts["bounces set aside"] = aside
    if overdue:
        facts["grievances overdue"] = overdue
    facts["letters that may have gone before a backup came back"] = sum(doubtful.values())
    if alarming:
        facts["spam rate"] = f"too high: {'; '.join(map(str, alarming))}"
    if as_json:
        show([facts | _details(found)], as_json=True, empty="")
        return
    show([{"what": what, "is": value} for what, value in facts.items()], as_json=False, empty="")
    for progress in found.under_way:
        share = 100 * progress.ended // max(1, progress.total)
        click.echo(
            f"Issue {progress.issue.id}, {progress.issue.state}: {progress.ended} of {progress.total} ({share} %)"
        )
    for codes, n in found.deferred.items():
        click.echo(f"Put off after {codes}: {n}")
    for trouble in found.troubles:
        click.echo(trouble_in_words(trouble))
    for issue, letters in doubtful.items():
        click.echo(doubt_in_words(issue, letters))


def _details(found: ledger.Status) -> dict[str, object]:
    return {
        "issues": [
            {"issue": each.issue.id, "state": each.issue.state.value, "ended": each.ended, "deliveries": each.total}
            for each in found.under_way
        ],
        "deferred": found.deferred,
        "breakers": [
            {"of": each.key, "state": each.breaker, "since": each.since, "until": each.until, "reason": each.reason}
            for each in found.troubles
        ],
    }


@outbox.command("uncertain")
@json_option
def uncertain(as_json: bool) -> None:
    """Show the letters that the mail server may or may not have taken.

    Example: coalition outbox uncertain
    """
    with looking() as (_, session):
        rows = [
            {
                "delivery": each.id,
                "letter": each.letter.value if each.letter else None,
                "issue": each.issue_id,
                "message_id": each.nonce,
                "tries": each.attempts,
                "since": each.ended_at,
            }
            for each in doubts.uncertain(session)
        ]
    show(rows, as_json=as_json, empty="No letter is uncertain.")


@outbox.command("settle")
@click.argument("numbers", nargs=-1, type=int, metavar="[DELIVERY]...")
@click.option("--issue", type=int, help="All uncertain letters of this issue.")
@click.option("--sent", "taken", flag_value=True, type=bool, default=None, help="The mail server took them.")
@click.option("--again", "taken", flag_value=False, type=bool, help="It did not: send them again, the same bytes.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def settle(numbers: tuple[int, ...], issue: int | None, taken: bool | None, yes: bool) -> None:
    """Say what became of uncertain letters, once the mail server's log has told you.

    Its log names each by the message id that `coalition outbox uncertain` shows.

    Example: coalition outbox settle 812 815 --sent
    """
    if taken is None:
        raise click.UsageError("Say --sent or --again.")
    if bool(numbers) == (issue is not None):
        raise click.UsageError("Name deliveries by their numbers, or all of one with --issue.")
    with changing() as (_, session):
        found = doubts.uncertain(session, issue) if issue is not None else doubts.find(session, numbers)
        verb = "Call sent" if taken else "Send again"
        if found and not yes:
            click.confirm(f"{verb}: {len(found)} letters?", abort=True)
        if taken:
            doubts.call_sent(found, utcnow())
        else:
            doubts.send_again(session, found, utcnow())
        what = f"issue {issue}" if issue is not None else ", ".join(map(str, sorted(numbers)))
        audit.record(session, "outbox settle", f"{'sent' if taken else 'again'}: {what}")
    click.echo(f"{'Called sent' if taken else 'Sent again'}: {len(found)}.")


@outbox.command("resume")
def resume() -> None:
    """Go on at once where sending was stopped or put off; say so when what stopped it is mended.

    Example: coalition outbox resume
    """
    with changing() as (_, session):
        waiting = breakers.resume(session, utcnow())
        audit.record(session, "outbox resume")
    click.echo(f"Senders go on. Batches that waited for another try: {waiting}.")


@outbox.command("check")
def check() -> None:
    """Prove that the ledger adds up. Ends with 1 where it does not.

    Example: coalition outbox check
    """
    with looking() as (_, session):
        faults = ledger.check(session)
        states = ledger.status(session, utcnow()).states
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)
    click.echo(f"All {sum(states.values())} deliveries are accounted for.")
