"""`coalition outbox`"""

import logging
import sys

import click

from coalition.cli import crew
from coalition.cli.ending import Ending
from coalition.cli.shared import Group, changing, json_option, looking, opened, show
from coalition.clock import utcnow
from coalition.errors import Misconfigured
from coalition.mail.smtp import SmtpClient
from coalition.services import audit, bounces, spam_rate
from coalition.services.outbox import breakers, ledger
from coalition.services.outbox.leases import Morgue


@click.group("outbox", cls=Group)
def outbox() -> None:
    """The sender and its ledger."""


@outbox.command("run")
@click.option("--once", is_flag=True, help="Send what is due now, then end.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Senders on this machine.")
@click.option("--in-crew", is_flag=True, hidden=True)
def run(once: bool, processes: int, in_crew: bool) -> None:
    """Send what becomes due, until SIGTERM or Ctrl-C.

    Several processes need PostgreSQL. One that dies is started again; all end together, each after the letters that
    are on their way.

    Example: coalition outbox run --processes 4
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    resources = opened()
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
    """Show how many letters wait, went and failed.

    Example: coalition outbox status
    """
    with looking() as (resources, session):
        found = ledger.status(session, utcnow())
        came_back = bounces.count(session, utcnow())
        alarming = [day for day in spam_rate.recent(session, utcnow()) if day.is_alarming]
        aside = sum(bounces.count_aside(session).values())
        senders = Morgue(resources.config.home, same_machine=resources.database.is_sqlite).living()
    facts: dict[str, object] = {f"{state} letters": n for state, n in sorted(found.states.items())}
    facts |= {f"due now, {lane} lane": n for lane, n in found.due.items()}
    facts |= {
        "oldest due since": found.oldest_due,
        "batches being sent": found.claimed,
        "senders on this machine": senders,
    }
    facts |= {f"{fate}, last 7 days": n for fate, n in came_back.items()}
    facts["bounces set aside"] = aside
    if alarming:
        facts["spam rate"] = f"too high: {'; '.join(map(str, alarming))}"
    table = [{"what": what, "is": value} for what, value in facts.items()]
    show([facts] if as_json else table, as_json=as_json, empty="")


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
