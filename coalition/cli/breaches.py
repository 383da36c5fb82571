"""`coalition privacy breach`"""

from datetime import datetime

import click

from coalition.cli.shared import changing, json_option, show
from coalition.clock import utcnow
from coalition.services import audit, breaches
from coalition.services.breaches import Affected

_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.command("breach")
@click.option("--from", "begin", type=_MOMENT, required=True, help="When it may have begun, in the community's zone.")
@click.option("--to", "end", type=_MOMENT, help="When it was over; now, where you leave it out.")
@click.option("--addresses", is_flag=True, help="Print whole addresses, to write to those people.")
@json_option
def breach(begin: datetime, end: datetime | None, addresses: bool, as_json: bool) -> None:
    """List whose data was held in a stretch of time, and what of it, in case something got out. The list is recorded.

    Tell your data-protection authority within 72 hours of knowing, and those people too where it may harm them. The
    database alone shows no address: they are sealed with the keys in the folder `keys`.

    Example: coalition privacy breach --from 2026-03-12T08:00 --to 2026-03-13T18:00 --json
    """
    with changing() as (resources, session):
        zone = resources.config.community.timezone
        first, last = begin.replace(tzinfo=zone), end.replace(tzinfo=zone) if end else utcnow()
        found = breaches.affected(session, resources.vault, first, last)
        whole = "with addresses" if addresses else "masked"
        audit.record(session, "privacy breach", f"{breaches.range_in_words(first, last)}, {whole}")
    if as_json:
        show([_row(each, addresses) | {"held": each.held} for each in found], as_json=True, empty="")
        return
    rows = [_row(each, addresses) | {"held": [f"{kind}: {n}" for kind, n in each.held.items()]} for each in found]
    show(rows, as_json=False, empty="Nothing was held about anybody.")
    if rows:
        click.echo(f"\nAffected: {len(rows)}. The authority has to hear of it within 72 hours of your knowing.")


def _row(each: Affected, addresses: bool) -> dict[str, object]:
    address = None if each.address is None else each.address.written if addresses else each.address.masked
    return {"code": each.code, "address": address, "state": each.state, "since": each.since}
