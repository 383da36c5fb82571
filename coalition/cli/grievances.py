"""`coalition privacy grievance`"""

import sys
from pathlib import Path

import click

from coalition.cli.shared import Group, changing, json_option, looking, show
from coalition.clock import utcnow
from coalition.errors import BadContent
from coalition.services import audit, grievances


@click.group("grievance", cls=Group)
def grievance() -> None:
    """Complaints about how personal data is handled: until when each has to be answered, and answering."""


@grievance.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only those that wait for an answer.")
@json_option
def list_(only_open: bool, as_json: bool) -> None:
    """Show every grievance, and until when it has to be answered.

    A doubtful one may be a machine's, or is one too many from its mailbox: no letter said that it has come.

    Example: coalition privacy grievance list --open
    """
    now = utcnow()
    with looking() as (_, session):
        rows = [
            {
                "number": each.grievance.id,
                "received": each.grievance.received_at,
                "acknowledged": each.acknowledged_at,
                "due": each.due_at,
                "state": each.state(now),
                "answered": each.grievance.answered_at,
                "language": each.grievance.locale,
                "doubtful": each.grievance.doubtful,
            }
            for each in grievances.all_of(session)
            if each.grievance.is_open or not only_open
        ]
    show(rows, as_json=as_json, empty="There are no grievances.")


@grievance.command("show")
@click.argument("number", type=int)
@json_option
def show_(number: int, as_json: bool) -> None:
    """Show one: who wrote, what, and what was answered. The look is recorded.

    Example: coalition privacy grievance show 3
    """
    with changing() as (resources, session):
        found, vault = grievances.get(session, number), resources.vault
        audit.record(session, "privacy grievance show", grievances.writer(session, vault, found))
        standing = grievances.standing(session, found)
        facts = {
            "number": found.id,
            "from": grievances.address_of(vault, found),
            "received": found.received_at,
            "acknowledged": standing.acknowledged_at,
            "due": standing.due_at,
            "state": standing.state(utcnow()),
            "answered": found.answered_at,
            "by_letter": found.answer_id is not None,
            "language": found.locale,
            "doubtful": found.doubtful,
        }
        texts = {"text": grievances.text_of(vault, found), "answer": grievances.answer_of(vault, found)}
    if as_json:
        show([facts | texts], as_json=True, empty="")
        return
    show([{"what": name.replace("_", " "), "is": value} for name, value in facts.items()], as_json=False, empty="")
    for text in filter(None, texts.values()):
        click.echo(f"\n{text}")


@grievance.command("answer")
@click.argument("number", type=int)
@click.option(
    "--letter", type=click.Path(path_type=Path), help="Send this file, written in Markdown; - reads it from here."
)
@click.option("--noted", help="Send nothing; note how it was answered, or why it needs no answer.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def answer(number: int, letter: Path | None, noted: str | None, yes: bool) -> None:
    """Answer one by letter, or note that it was answered in another way. It can be done once.

    Example: coalition privacy grievance answer 3 --letter answer.md
    """
    if (letter is None) == (noted is None):
        raise click.UsageError("Name a --letter to send, or say with --noted how it was answered.")
    text = _read(letter) if letter is not None else noted or ""
    if not yes:
        click.confirm("Send this answer?" if letter else "Close it with this note?", abort=True)
    with changing() as (resources, session):
        found = grievances.answer(session, resources.vault, number, text, utcnow(), by_letter=letter is not None)
        audit.record(session, "privacy grievance answer", grievances.writer(session, resources.vault, found))
    click.echo("The answer is on its way." if letter else "Noted.")


def _read(letter: Path) -> str:
    try:
        return sys.stdin.read() if str(letter) == "-" else letter.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadContent(f"{letter} can't be read as text.") from error
