"""`coalition bounce`"""

import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from coalition import logs
from coalition.cli.shared import Group, changing, json_option, looking, opened, show
from coalition.clock import utcnow
from coalition.errors import CoalitionError
from coalition.mail import collecting, reports
from coalition.mail.collecting import Waiting
from coalition.resources import Resources
from coalition.services import audit, bounces, spam_rate

_AT_ONCE = 50  # messages in one transaction
_TRY_AGAIN = getattr(os, "EX_TEMPFAIL", 75)


@click.group("bounce", cls=Group)
def bounce() -> None:
    """Letters that came back, and spam reports."""


@bounce.command("receive")
@click.option("--recipient", default="", help="Whom the message on standard input was for, if the server tells.")
@click.option("--maildir", type=click.Path(path_type=Path), help="Read the new messages of this Maildir folder.")
@click.option(
    "--imap", metavar="URL", help="Read what is unseen in this mailbox: imaps://user@mail.example.org/Bounces"
)
@click.option("--delete", is_flag=True, help="Delete there what was dealt with, instead of marking it as seen.")
@json_option
def receive(recipient: str, maildir: Path | None, imap: str | None, delete: bool, as_json: bool) -> None:
    """Deal with mail that came back: one message on standard input, a Maildir folder, or an IMAP mailbox.

    A message on standard input that can't be dealt with now ends with 75: the mail server tries again. The password of
    a mailbox comes from COALITION_IMAP_PASSWORD, or from the file that COALITION_IMAP_PASSWORD_FILE names.

    Example: coalition bounce receive --maildir /var/mail/bounces
    """
    if maildir and imap:
        raise click.UsageError("Name a Maildir or an IMAP mailbox, not both.")
    if maildir:
        resources = _opened()
        with collecting.maildir(maildir, delete=delete) as waiting:
            done = _deal(resources, waiting)
    elif imap:
        resources = _opened()
        config = resources.config
        with collecting.imap(imap, config.imap_password, config.imap_ca, delete=delete) as waiting:
            done = _deal(resources, waiting)
    else:
        stream = sys.stdin.buffer
        if stream.isatty():
            raise click.UsageError("Give a message on standard input, or name --maildir or --imap.")
        with _or_try_again():
            one = Waiting(stream.read(reports.MOST_BYTES + 1), lambda: None)
            while stream.read(reports.MOST_BYTES):
                pass  # the mail server must not meet a closed pipe
            done = _deal(_opened(), [one], recipient)
    if as_json:
        show([{each.value: done[each] for each in bounces.Done}], as_json=True, empty="")
    else:
        told = [f"{n} {each.value}" for each in bounces.Done if (n := done[each])]
        click.echo(", ".join(told) or "Nothing has come back.")


@bounce.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, at most.")
@json_option
def list_(limit: int, as_json: bool) -> None:
    """Show what came back, the newest first. Readers are named by their codes. The look is recorded.

    Example: coalition bounce list --limit 20
    """
    with changing() as (_, session):
        audit.record(session, "bounce list")
        rows = [
            {
                "came": each.came_at,
                "what": each.fate.value,
                "status": each.status,
                "reader": code,
                "issue": issue_id,
                "said": each.said,
            }
            for each, code, issue_id in bounces.newest(session, limit)
        ]
    show(rows, as_json=as_json, empty="Nothing has come back.")


@bounce.command("count")
@json_option
def count(as_json: bool) -> None:
    """Count what came back in the last seven days, the spam rate by day, and what was set aside.

    Example: coalition bounce count
    """
    with looking() as (_, session):
        now = utcnow()
        fates = bounces.count(session, now)
        days = [
            {"day": str(each.day), "letters": each.sent, "spam_reports": each.reports, "rate": f"{each.rate:.2%}"}
            for each in spam_rate.recent(session, now)
        ]
        aside = bounces.count_aside(session)
    if as_json:
        show([{"came_back": fates, "spam": days, "set_aside": aside}], as_json=True, empty="")
        return
    show(
        [{"came back": fate, "letters": n} for fate, n in fates.items()], as_json=False, empty="Nothing has come back."
    )
    click.echo()
    show(days, as_json=False, empty="No letter was reported as spam.")
    click.echo()
    show(
        [{"set aside, because": why, "messages": n} for why, n in aside.items()], as_json=False, empty="None set aside."
    )


@bounce.command("aside")
@json_option
def aside(as_json: bool) -> None:
    """Show what was set aside because it was not understood or could not be believed. It is kept for 30 days.

    Example: coalition bounce aside
    """
    with looking() as (_, session):
        rows = [
            {"id": each.id, "came": each.came_at, "bytes": each.size, "why": each.why}
            for each in bounces.all_aside(session)
        ]
    show(rows, as_json=as_json, empty="Nothing is set aside.")


@bounce.command("show")
@click.argument("aside_id", metavar="ID", type=int)
def show_(aside_id: int) -> None:
    """Show a message that was set aside. The look is recorded.

    Example: coalition bounce show 3
    """
    with changing() as (resources, session):
        text = bounces.open_aside(session, resources.vault, aside_id)
        audit.record(session, "bounce show", bounces.reader_of_aside(session, aside_id) or str(aside_id))
    # A stranger wrote it: what would steer the terminal is left out.
    click.echo("".join(letter for letter in text if letter.isprintable() or letter in "\n\t"))


def _opened() -> Resources:
    resources = opened()
    logs.set_up(resources.config.log, logging.WARNING)
    return resources


def _deal(resources: Resources, waiting: Iterable[Waiting], recipient: str = "") -> Counter[bounces.Done]:
    """Deal with messages, some at a time: kept first, then called handled, so that none is lost in between."""
    done: Counter[bounces.Done] = Counter()
    desk, source = resources.bounces(), iter(waiting)
    authserv_id = resources.config.community.authserv_id
    while some := list(islice(source, _AT_ONCE)):
        found = [(each.raw, reports.read(each.raw, recipient=recipient, authserv_id=authserv_id)) for each in some]
        with resources.database.transaction() as session:
            now = utcnow()
            results = [desk.deal_with(session, raw, report, now) for raw, report in found]
        for each in some:
            each.handled()
        done.update(results)
    return done


@contextmanager
def _or_try_again() -> Iterator[None]:
    try:
        yield
    except (CoalitionError, SQLAlchemyError) as error:
        click.echo(
            str(error).splitlines()[0] if isinstance(error, CoalitionError) else "The database gave up.", err=True
        )
        sys.exit(_TRY_AGAIN)
