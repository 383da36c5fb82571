"""`make bench`: how fast letters are planned, composed, recorded and delivered, beside what else could do it.

Every figure that counts is a ratio of two things measured in turn on the same machine, the median of several rounds.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
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
from tests.bench import answers, composing, delivery, ledger, memory, scale, signing, ways
from tests.bench import case as case_of
from tests.bench.delivery import Race
from tests.bench.engines import Engine, by_choice, engines, opened
from tests.bench.ratios import Figures, Round, Table, figures_as_lines
from tests.bench.ways import Waiting

T = TypeVar("T")


_REQUESTS = 300  # sign-ups for addresses of each state in a round
CASES = ("delivery", "latency", "composing", "choice", "ledger", "signing", "answers", "scale")
_SIZES = (1_000, 100_000)
_MILLION = 1_000_000


@click.command()
@click.argument("cases", nargs=-1, type=click.Choice(CASES))
@click.option("--rounds", default=3, show_default=True, help="How often everything is measured, in turn.")
@click.option("--letters", default=20_000, show_default=True, help="Letters of a delivery.")
@click.option("--connections", default=16, show_default=True, help="Connections of a delivery, 4 to 16.")
@click.option("--readers", default=case_of.READERS, show_default=True, help="How many people choose among many topics.")
@click.option("--sample", default=300, show_default=True, help="Readers served the usual way, scaled to all.")
@click.option("--long", is_flag=True, help="A million readers too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
def main(
    cases: Sequence[str],
    rounds: int,
    letters: int,
    connections: int,
    readers: int,
    sample: int,
    long: bool,
    as_json: bool,
) -> None:
    """Measure some CASES, by default all but `scale`, on every database there is.

    delivery: from the ledger to a mail server and back, beside smtp-source. latency: the same to a mail server that is
    far away. composing: letters alone, beside the email package. choice: a digest of 200 items in 12 topics, planned
    and composed cold. ledger: claiming and recording alone. signing: DKIM beside bare signatures. answers: sign-ups
    for addresses in six states. scale: planning and memory by the length of the list.
    """
    tables: list[Table] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in cases or CASES[:-1]:
            _tell(f"{each} ...")
            if each in {"delivery", "latency"} and not (delivery.tool("smtp-sink") and delivery.tool("smtp-source")):
                _tell(f"{each} is left out: {delivery.MISSING}")
                continue
            home = folder / each
            match each:
                case "delivery":
                    race = Race(each, letters, connections, goals=("SQLite >= 0.85, PostgreSQL >= 0.7", "<= 3"))
                    tables.append(delivery.measure(race, rounds, home, _tell))
                case "latency":
                    race = Race(each, letters // 4, 16, held=5, goals=(">= 2.5", ""))
                    tables.append(delivery.measure(race, rounds, home, _tell))
                case "composing":
                    tables.append(composing.measure(rounds, home, _tell))
                case "choice":
                    tables.append(_by_choice(home, readers, rounds, sample))
                case "ledger":
                    tables.append(ledger.measure(letters, rounds, home, _tell))
                case "signing":
                    tables.append(signing.measure(letters // 10, rounds, _tell))
                case "answers":
                    tables.append(answers.measure(_REQUESTS, rounds, home, _tell))
                case "scale":
                    sizes = (*_SIZES, _MILLION) if long else _SIZES
                    tables.append(scale.measure(sizes, home, _tell))
            if not as_json:
                click.echo(f"\n{tables[-1]}\n")
    if as_json:
        click.echo(json.dumps([asdict(each) for each in tables], indent=2))


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _by_choice(folder: Path, readers: int, rounds: int, sample: int) -> Table:
    with engines(folder, partial(by_choice, readers=readers)) as found:
        figures = _measure(found, folder, rounds, sample)
    said = (
        f"{case_of.ITEMS} items in {case_of.TOPICS} topics, {readers:,} readers, {rounds} rounds;"
        f" the usual way for {sample} letters a round, scaled to all"
    )
    return Table("choice", said, figures_as_lines(figures))


def _measure(found: Sequence[Engine], folder: Path, rounds: int, sample: int) -> list[Figures]:
    """One engine after the other, and that so many times: what slows the machine down slows all of them."""
    taken: dict[str, list[Round]] = {engine.name: [] for engine in found}
    steps = [engine for _ in range(rounds) for engine in found]
    with click.progressbar(steps, label="Measuring", file=sys.stderr, item_show_func=_name) as bar:
        for engine in bar:
            with engine.copied(folder) as config, opened(config) as resources:
                taken[engine.name].append(_round(resources, config, sample, len(taken[engine.name])))
    return [Figures.of(engine.name, taken[engine.name], _memory(engine, folder)) for engine in found]


def _name(engine: Engine | None) -> str | None:
    return engine.name if engine else None


def _round(resources: Resources, config: Config, sample: int, number: int) -> Round:
    now = utcnow()
    planning, plan = _timed(lambda: ways.plan(resources, now))
    waiting = ways.send(resources, plan.issue_id, now)
    theirs = _slice(waiting, sample, number)
    # A sender that has just started: it knows no variant yet.
    composer = Composer(config, resources.database, resources.links, resources.letters)
    composing, size = _timed(lambda: ways.compose(composer, waiting))
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
        compose=composing,
        usual_plan=usual_planning * all_letters / len(theirs),
        usual_compose=usual_composing * all_letters / len(theirs),
        bytes_a_letter=size / all_letters,
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
