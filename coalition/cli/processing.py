"""`coalition privacy record`"""

from collections.abc import Iterator
from dataclasses import asdict

import click

from coalition.cli.shared import looking
from coalition.clock import utcnow
from coalition.documents import to_json, to_page
from coalition.services import processing_record
from coalition.services.processing_record import Record


@click.command("record")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="For people, for a script, or as a page to keep.",
)
def record(form: str) -> None:
    """Print the record of processing that the law wants (GDPR, article 30), as it is configured now.

    Add by hand what Coalition can't know: where the hosts stand, whom else you give data to.

    Example: coalition privacy record --format html > record.html
    """
    with looking() as (resources, session):
        found = processing_record.record(session, resources.config, utcnow())
    if form == "json":
        click.echo(to_json(asdict(found)))
    elif form == "html":
        click.echo(to_page("record.html", record=found))
    else:
        click.echo("\n".join(_lines(found)))


def _lines(found: Record) -> Iterator[str]:
    yield f"Record of processing: {found.community}"
    yield f"Made {found.made_at:%Y-%m-%d %H:%M} UTC."
    for part in found.parts:
        yield ""
        yield part.question.upper()
        yield from (f"- {answer}" for answer in part.answers)
