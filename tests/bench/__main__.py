"""`make bench`: planning and composing the case of issue 3, against doing it for one reader at a time."""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import click
from sqlalchemy import func, select

from coalition.clock import utcnow
from coalition.config import Config
from coalition.models import Fragment
from coalition.resources import Resources
from coalition.services.outbox.composing import Composer
from tests.bench import case, memory, ways
from tests.bench.engines import Engine, engines, opened
from tests.bench.ratios import Figures, Round, table
from tests.bench.ways import Waiting

T = TypeVar("T")


@click.command()
@click.option("--readers", default=case.READERS, show_default=True, help="How many people there are.")
@click.option("--rounds", default=3, show_default=True, help="How often everything is measured, in turn.")
@click.option("--letters", default=500, show_default=True, help="Letters composed in a round, scaled to all; 0: all.")
@click.option("--sample", default=300, show_default=True, help="Readers served the usual way, scaled to all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
def main(readers: int, rounds: int, letters: int, sample: int, as_json: bool) -> None:
    """Measure a digest of 200 items in 12 topics to thousands of readers, on every database there is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        click.echo(f"Moving {readers:,} readers in ...", err=True)
        with engines(folder, readers) as found:
            figures = _measure(found, folder, rounds, letters, sample)
    said = (
        f"{case.ITEMS} items in {case.TOPICS} topics, {readers:,} readers, {rounds} rounds in turn."
        f" Composed: {letters or 'all'} letters a round; the usual way: {sample} readers a round; both scaled to all."
    )
    if as_json:
        click.echo(json.dumps({"case": said, "engines": [asdict(each) for each in figures]}, indent=2))
    else:
        click.echo(table(figures, said))


def _measure(found: Sequence[Engine], folder: Path, rounds: int, letters: int, sample: int) -> list[Figures]:
    """One engine after the other, and that so many times: what slows the machine down slows all of them."""
    taken: dict[str, list[Round]] = {engine.name: [] for engine in found}
    steps = [engine for _ in range(rounds) for engine in found]
    with click.progressbar(steps, label="Measuring", file=sys.stderr, item_show_func=_name) as bar:
        for engine in bar:
            with engine.copied(folder) as config, opened(config) as resources:
                taken[engine.name].append(_round(resources, config, letters, sample, len(taken[engine.name])))
    return [Figures.of(engine.name, taken[engine.name], _memory(engine, folder)) for engine in found]


def _name(engine: Engine | None) -> str | None:
    return engine.name if engine else None


def _round(resources: Resources, config: Config, letters: int, sample: int, number: int) -> Round:
    now = utcnow()
    planning, plan = _timed(lambda: ways.plan(resources, now))
    waiting = ways.send(resources, plan.issue_id, now)
    ours = _slice(waiting, letters, number)
    theirs = _slice(waiting, sample, number)
    # A sender that has just started: it knows no variant yet.
    composer = Composer(config, resources.database, resources.links, resources.letters)
    composing, size = _timed(lambda: ways.compose(composer, ours))
    with resources.database.reading() as session:
        fragments = session.scalar(select(func.count()).select_from(Fragment)) or 0
    with resources.database.transaction() as session:
        usual = ways.OneByOne(session, resources, plan.issue_id)
        usual_planning, _ = _timed(lambda: _each(theirs, lambda one: usual.plan(one.reader, plan.issue_id)))
        usual_composing, usual_size = _timed(lambda: sum(len(usual.compose(each)) for each in theirs))
    all_letters = len(waiting)
    return Round(
        letters=all_letters,
        variants=plan.variants,
        fragments=fragments,
        plan=planning,
        compose=composing * all_letters / len(ours),
        usual_plan=usual_planning * all_letters / len(theirs),
        usual_compose=usual_composing * all_letters / len(theirs),
        bytes_a_letter=size / len(ours),
        usual_bytes_a_letter=usual_size / len(theirs),
    )


def _slice(waiting: Sequence[Waiting], most: int, number: int) -> Sequence[Waiting]:
    """Neighbours, as a sender meets them; others in each round."""
    most = min(most or len(waiting), len(waiting))
    first = number * most % (len(waiting) - most + 1)
    return waiting[first : first + most]


def _memory(engine: Engine, folder: Path) -> tuple[float, float]:
    with engine.copied(folder) as config:
        return memory.peak_of_planning(config)


def _each(letters: Sequence[Waiting], do: Callable[[Waiting], None]) -> None:
    for letter in letters:
        do(letter)


def _timed(do: Callable[[], T]) -> tuple[float, T]:
    began = perf_counter()
    result = do()
    return perf_counter() - began, result


if __name__ == "__main__":
    main()
