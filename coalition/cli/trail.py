"""`coalition privacy audit`"""

from datetime import datetime

import click

from coalition.cli.shared import changing, json_option, show
from coalition.services import audit


@click.command("audit")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day on, in the community's zone.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many, at most.")
@json_option
def trail(since: datetime | None, limit: int, as_json: bool) -> None:
    """Show what staff read, exported or changed, the newest first. Readers are named by their codes. It is recorded.

    Example: coalition privacy audit --since 2026-03-12 --json
    """
    with changing() as (resources, session):
        begin = since.replace(tzinfo=resources.config.community.timezone) if since else None
        rows = [
            {"at": each.at, "who": each.who, "did": each.action, "what": each.subject}
            for each in audit.newest(session, begin, limit)
        ]
        audit.record(session, "privacy audit")
    show(rows, as_json=as_json, empty="Nothing is recorded.")
