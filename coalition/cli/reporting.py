"""`coalition privacy report`"""

import sys
from pathlib import Path
from typing import Any

import click

from coalition.cli.shared import json_option, looking, show
from coalition.clock import utcnow
from coalition.documents import to_json, to_page
from coalition.errors import Refused
from coalition.services import privacy_report
from coalition.services.privacy_report import Report


@click.command("report")
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write it as a page to this file."
)
@json_option
def report(page: Path | None, as_json: bool) -> None:
    """Report how privacy stands: people by state, what has to go when, checks and when they ran, hosts we talk to.

    There are only numbers in it. Ends with 1 where something is kept longer than the page about privacy says.

    Example: coalition privacy report --html report.html
    """
    with looking() as (resources, session):
        found = privacy_report.report(session, resources.config, utcnow())
    if page is not None:
        _write(page, found)
    if as_json:
        click.echo(to_json(_facts(found)))
    elif page is None:
        _tell(found)
    else:
        click.echo(str(page))
    if found.late:
        names = ", ".join(each.name for each in found.late)
        click.echo(
            f"Kept too long: {names}. `coalition privacy prune` forgets it; does `coalition tick` run?", err=True
        )
        sys.exit(1)


def _write(page: Path, found: Report) -> None:
    try:
        page.write_text(to_page("report.html", report=found), "utf-8")
    except OSError as error:
        raise Refused(f"{page} can't be written: {error.strerror}.") from error


def _facts(found: Report) -> dict[str, Any]:
    return {
        "community": found.community,
        "made_at": found.made_at,
        "people": found.states,
        "kept": [
            {"what": each.name, "days": each.keep.days, "next_has_to_go": each.due, "too_long": each.is_late}
            for each in found.ages
        ],
        "consent_chain": {"rows": found.head.seq, "hash": found.head.hash.hex()},
        "last_runs": [{"what": each.name, "at": each.at, "said": each.said} for each in found.runs],
        "copies_of_the_database": [{"copy": each.name, "made": each.made_at} for each in found.copies],
        "hosts": [{"host": each.name, "why": each.why} for each in found.hosts],
    }


def _tell(found: Report) -> None:
    facts = _facts(found)
    tables = [
        [{"state": state, "people": n} for state, n in found.states.items()],
        facts["kept"],
        [{"what": f"consent chain, {name}", "is": value} for name, value in facts["consent_chain"].items()],
        facts["last_runs"],
        facts["hosts"],
    ]
    click.echo(f"{found.community}, {found.made_at:%Y-%m-%d %H:%M} UTC")
    for rows in tables:
        click.echo()
        show(rows, as_json=False, empty="Nobody yet.")
    click.echo()
    show(facts["copies_of_the_database"], as_json=False, empty="No copies of the database are kept here.")
