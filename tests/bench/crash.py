"""`make crash`: senders that are killed again and again while they send at full speed, and what is lost by it.

Every letter goes to a mail server that remembers who got what. In the end each reader has had their letter, whoever had
it twice had the same bytes, and the ledger says so: where it does not, this ends with 1.
"""

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from signal import SIGKILL, SIGTERM

import click

from coalition.mail.conversation import Conversation
from coalition.services.outbox.job import GROUP
from tests.bench.delivery import issue_of
from tests.bench.dying import Outcome, Run, one_by_one, outcome, several
from tests.bench.engines import SEED, Engine, engines
from tests.bench.ratios import Line, Spread, Table

# Letters that a death may double: a group that is not recorded, and what four connections hold.
BOUNDS = {"killed": GROUP + 4 * Conversation.HOLDS, "stopped": 0, "several": GROUP + 4 * Conversation.HOLDS}


@click.command()
@click.argument("cases", nargs=-1, type=click.Choice(list(BOUNDS)))
@click.option("--letters", default=20_000, show_default=True, help="Letters of an issue.")
@click.option("--deaths", default=20, show_default=True, help="How often the one sender is killed or stopped.")
@click.option("--seed", default=SEED, show_default=True, help="Chooses the moments and the victims.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
def main(cases: Sequence[str], letters: int, deaths: int, seed: int, as_json: bool) -> None:
    """Let senders die in some CASES, by default in all, on every database there is.

    killed: one sender, by SIGKILL. stopped: one sender, by SIGTERM, after which nothing may be doubled. several: four
    senders on one PostgreSQL, one of them killed at random every second until all letters are out.
    """
    if letters < 100 * (deaths + 1):
        raise click.UsageError("There must be a hundred letters for each death.")
    tables: list[Table] = []
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as name, engines(Path(name), partial(issue_of, letters=letters)) as found:
        for case in cases or BOUNDS:
            chance = random.Random(seed)
            outcomes = dict(_outcomes(case, found, Path(name), partial(_run, case, letters, deaths, chance)))
            if not outcomes:
                click.echo(f"{case} is left out: PostgreSQL is not installed.", err=True)
                continue
            tables.append(Table(case, f"{letters:,} letters", _lines(outcomes, BOUNDS[case])))
            broken += [
                f"{case}, {who}: {said}." for who, each in outcomes.items() for said in each.broken(BOUNDS[case])
            ]
            if not as_json:
                click.echo(f"\n{tables[-1]}\n")
    if as_json:
        click.echo(json.dumps([asdict(each) for each in tables], indent=2))
    if broken:
        raise click.ClickException(" ".join(broken))


def _outcomes(
    case: str, found: Sequence[Engine], folder: Path, run: Callable[[], Run]
) -> Iterator[tuple[str, Outcome]]:
    for engine in found:
        if case == "several" and engine.cluster is None:
            continue
        click.echo(f"{case}, {engine.name} ...", err=True)
        with engine.copied(folder) as config:
            yield engine.name, outcome(config, run())


def _run(case: str, letters: int, deaths: int, chance: random.Random) -> Run:
    if case == "several":
        return several(chance)
    return one_by_one(SIGKILL if case == "killed" else SIGTERM, letters, deaths, chance)


def _lines(outcomes: dict[str, Outcome], bound: int) -> list[Line]:
    told: list[tuple[str, Callable[[Outcome], Sequence[float]], str]] = [
        ("deaths", lambda each: [each.deaths], ""),
        ("called sent, and never came", lambda each: [each.lost], "0"),
        ("neither sent nor uncertain", lambda each: [each.not_ended], "0"),
        ("readers whose copies differ", lambda each: [each.unlike], "0"),
        ("complaints of outbox check", lambda each: [each.complaints], "0"),
        ("came once more than needed", lambda each: [sum(each.doubled)], f"<= {bound} a death" if bound else "0"),
        ("the same, by death", lambda each: each.doubled or [0], ""),
        ("in doubt twice", lambda each: [each.uncertain], "" if bound else "0"),
        ("in doubt twice, and never came", lambda each: [each.missed], ""),
        ("seconds", lambda each: [each.seconds], ""),
    ]
    return [
        Line(name, {who: Spread.of(pick(each)) for who, each in outcomes.items()}, goal) for name, pick, goal in told
    ]


if __name__ == "__main__":
    main()
