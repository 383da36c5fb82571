"""`coalition run`: everything in one process. `serve` and `tick`: parts of it, for several machines."""

import logging
import os
import shlex
import threading
from itertools import islice

import click
from sqlalchemy.exc import SQLAlchemyError

from coalition import logs
from coalition.cli.ending import Ending
from coalition.cli.keys import sealing_anew
from coalition.cli.shared import opened
from coalition.cli.webserver import web_server
from coalition.clock import utcnow
from coalition.config import Relay, Security, read_config
from coalition.errors import CoalitionError
from coalition.mail.smtp import SmtpClient
from coalition.mailbox.server import Mailbox
from coalition.models import Cadence
from coalition.resources import Resources, open_resources, prepare
from coalition.services import anchors, automatic, chain, feeds, fetching, keys, samples, upkeep

log = logging.getLogger(__name__)

_TICK_SECONDS = 60
_PAGES_A_TICK = 20

# What another terminal has to know too, or its commands would look elsewhere and print links that lead elsewhere.
_SAID_AGAIN = ("COALITION_HOME", "COALITION_BIND", "COALITION_BASE_URL")


@click.command("run")
def run() -> None:
    """Run everything in one process: pages, sender, periodic work; a local mailbox where no mail server is named.

    Example: coalition run
    """
    config = read_config()
    logs.set_up(config.log)
    prepare(config)
    resources = open_resources(config)
    planted = _plant_samples(resources)
    ending, stop_ticking = Ending(), threading.Event()
    mailbox = None
    server = web_server(config, resources)
    try:
        if config.relay is None:
            mailbox = Mailbox(page_port=config.mailbox_port, site_url=resources.links.signup())
            mailbox.start()
        relay = config.relay or Relay(Security.PLAIN, "127.0.0.1", mailbox.smtp_port if mailbox else 0)
        sender = resources.sender(SmtpClient(relay))
        threading.Thread(target=server.run, name="web", daemon=True).start()
        # A daemon: it may be waiting for a feed of somebody else's, and every step of it can be cut off.
        ticking = threading.Thread(target=_tick_until, args=(resources, stop_ticking), name="tick", daemon=True)
        ticking.start()
        sending = ending.run(sender.run, "sender")
        try:
            _say_where(resources, mailbox, planted)
            ending.wait()
            click.echo("Ending: the letter that is on its way is finished, the rest waits.")
        finally:  # also where nobody reads any more what is said here
            sender.stop()
            stop_ticking.set()
            server.close()
            sending.join()
            ticking.join(timeout=2)
    finally:
        server.close()
        if mailbox is not None:
            mailbox.stop()
        resources.database.close()


@click.command("serve")
def serve() -> None:
    """Run the pages only. Any WSGI server will do as well: `gunicorn wsgi:app`.

    Example: coalition serve
    """
    resources = opened()
    logs.set_up(resources.config.log)
    ending = Ending()
    server = web_server(resources.config, resources)
    threading.Thread(target=server.run, name="web", daemon=True).start()
    click.echo(f"Pages: {resources.links.signup()}")
    ending.wait()
    server.close()
    resources.database.close()


@click.command("tick")
def tick() -> None:
    """Do the periodic work that is due; for cron or a timer, as often as once a minute.

    Example: coalition tick
    """
    resources = opened()
    logs.set_up(resources.config.log, logging.WARNING)
    for name, rows in _tick(resources).items():
        click.echo(f"{name}: {rows}")
    resources.database.close()


def _tick_until(resources: Resources, stop: threading.Event) -> None:
    while True:
        try:
            _tick(resources)
        except (SQLAlchemyError, CoalitionError) as error:
            log.warning("the periodic work has to wait: %s", type(error).__name__)
        if stop.wait(_TICK_SECONDS):
            return


def _tick(resources: Resources) -> dict[str, int]:
    """All periodic work that is due, in the order in which one thing needs another: feeds bring news for issues."""
    resources.backlog.work_off()
    done = upkeep.tick(resources.database, resources.eraser, utcnow())
    if late := done.get(upkeep.OVERDUE):
        log.warning("%s grievances are overdue: coalition privacy grievance list --open", late)
    read = feeds.fetch_all(resources.database, fetching.policy_of(resources.config), utcnow())
    if read:
        done["items from feeds"] = sum(result.taken.new for result in read)
    _note_the_chain(resources)
    if resealed := _seal_some_anew(resources):
        done["addresses sealed anew"] = resealed
    composer, community = resources.composer(), resources.config.community
    sent = automatic.plan_and_send(resources.database, resources.letters, composer, community, utcnow())
    return done | {f"letters of the {cadence} issue": n for cadence, n in sent.items()}


def _note_the_chain(resources: Resources) -> None:
    """Note once an hour, outside the database, how the consent chain stands."""
    path, now = resources.config.anchors, utcnow()
    if anchors.is_due(path, now):
        with resources.database.reading() as session:
            anchors.note(path, chain.head(session), now)


def _seal_some_anew(resources: Resources) -> int:
    """Go on with what a rotation of the sealing keys has left; a few thousand at a time, other work waits too."""
    with resources.database.reading() as session:
        if keys.is_settled(session, resources.vault):
            return 0
    pages = list(islice(sealing_anew(resources), _PAGES_A_TICK))
    if sum(pages) == 0:
        with resources.database.transaction() as session:
            keys.note_settled(session, resources.vault, utcnow())
    return sum(pages)


def _plant_samples(resources: Resources) -> bool:
    community = resources.config.community
    if not resources.config.is_local:
        return False
    with resources.database.transaction() as session:
        return samples.plant(session, community.locale, Cadence(community.cadence), utcnow())


def _say_where(resources: Resources, mailbox: Mailbox | None, planted: bool) -> None:
    lines = [
        "",
        f"  Sign-up page    {resources.links.signup()}",
        f"  Local mailbox   {mailbox.page_url}" if mailbox else "  Letters go to your mail server.",
        f"  Everything is kept in {resources.config.home}",
        "",
    ]
    if planted:
        lines += ["Sample topics and items are in place, so that there is something to try."]
    if mailbox:
        lines += [
            "What to try: sign up on the page, open the letter in the mailbox, confirm. Then, in another terminal:",
            "",
            *(f"  export {name}={shlex.quote(value)}" for name in _SAID_AGAIN if (value := os.environ.get(name))),
            "  .venv/bin/coalition digest plan weekly",
            "  .venv/bin/coalition digest preview weekly",
            "  .venv/bin/coalition digest send weekly",
            "",
        ]
    click.echo("\n".join([*lines, "Ctrl-C ends it."]))
