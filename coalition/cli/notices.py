"""`coalition privacy notice`"""

import click

from coalition.cli.shared import json_option, looking, show
from coalition.errors import NotFound
from coalition.languages import OWN_NAMES
from coalition.services import notices


@click.command("notice")
@click.option("--lang", type=click.Choice(list(OWN_NAMES)), default="en", show_default=True, help="In which language.")
@click.option("--version", type=int, help="Print the text of this version.")
@json_option
def notice(lang: str, version: int | None, as_json: bool) -> None:
    """Show the versions of the privacy notice, or the text of one. A new one is kept when Coalition starts with it.

    Example: coalition privacy notice --lang fr --version 2
    """
    with looking() as (_, session):
        every = notices.versions(session, lang)
    if version is None:
        rows = [
            {"version": each.number, "since": each.since, "until": each.until, "sha256": each.sha256} for each in every
        ]
        show(rows, as_json=as_json, empty="None is kept.")
        return
    found = next((each for each in every if each.number == version), None)
    if found is None:
        raise NotFound("There is no such version: `coalition privacy notice` shows those there are.")
    if as_json:
        show([{"version": found.number, "language": found.locale, "text": found.text}], as_json=True, empty="")
    else:
        click.echo(found.text)
