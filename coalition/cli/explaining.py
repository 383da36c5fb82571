"""The tables of `coalition digest plan --explain`: numbers about a plan, and no address."""

from calendar import day_name
from collections.abc import Mapping
from typing import Any

import click

from coalition.cli.shared import show
from coalition.services.explaining import MEASURED, Change, Difference, Explanation, HourFacts

_VARIANTS = 10


def tell(facts: Explanation, left_out: Mapping[str, int]) -> None:
    """Print everything that is known about a plan; `left_out` is the readers who get nothing, by reason."""
    _table("Who gets what", [vars(each) for each in facts.variants[:_VARIANTS]])
    if len(facts.variants) > _VARIANTS:
        click.echo(f"and {len(facts.variants) - _VARIANTS:,} smaller variants.")
    _table("Languages and formats", [vars(each) for each in facts.languages])
    _table("Topics", [vars(each) for each in facts.topics])
    _table("When", [{"at": _moment(each), "letters": each.letters} for each in facts.hours])
    reasons = [{"reason": reason, "readers": n} for reason, n in sorted(left_out.items())]
    _table("Who is left out", reasons, empty="nobody")
    passed = [{"topic": topic, "reason": reason, "items": n} for topic, reason, n in facts.not_mailed]
    _table("Items that do not go (each counted once for every reader)", passed, empty="none")
    _tell_sizes(facts)
    _tell_difference(facts.difference)


def _table(title: str, rows: list[dict[str, Any]], *, empty: str = "") -> None:
    click.echo(f"\n{title}")
    show(rows, as_json=False, empty=f"  {empty}")


def _moment(hour: HourFacts) -> str:
    if hour.hour is None:
        return "at once"
    day = "" if hour.weekday is None else f"{day_name[hour.weekday]}s, "
    return f"{day}{hour.hour:02}:00 in {hour.zone}"


def _tell_sizes(facts: Explanation) -> None:
    sizes = facts.sizes
    row = {"smallest": sizes.smallest, "median": sizes.median, "largest": sizes.largest}
    _table("Sizes in bytes, text and HTML together", [row])
    if sizes.measured < len(facts.variants):
        click.echo(f"Only the {MEASURED} most read of {len(facts.variants):,} variants were composed to see this.")


def _tell_difference(since: Difference | None) -> None:
    if since is None:
        click.echo("\nDifference from last time\n  This is the first issue of its cadence.")
        return
    changes = {"letters": since.letters, "items": since.items, "bytes of the largest letter": since.largest}
    _table(
        f"Difference from last time (issue {since.issue} of {since.period}, {since.state})",
        [_change(what, change) for what, change in changes.items()],
    )
    click.echo(f"New topics: {', '.join(since.topics_new) or 'none'}. Gone: {', '.join(since.topics_gone) or 'none'}.")
    click.echo(f"Readers newly reached: {since.readers_new:,}. No longer reached: {since.readers_gone:,}.")


def _change(what: str, change: Change) -> dict[str, Any]:
    return {"what": what, "last": change.last, "now": change.now, "change": f"{change.now - change.last:+,}"}
