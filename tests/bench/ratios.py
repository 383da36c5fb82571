"""Figures of several rounds as one: a ratio is the median of the rounds' own, with the least and the greatest."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The median of some figures, and how far they lie apart."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        """All rounds together."""
        return cls(median(figures), min(figures), max(figures))


@dataclass(frozen=True)
class Round:
    """What one engine took in one round, in seconds for all letters of the issue.

    The usual way is measured on a sample of readers and scaled to all of them.
    """

    letters: int
    variants: int
    fragments: int
    plan: float
    compose: float
    usual_plan: float
    usual_compose: float
    bytes_a_letter: float
    usual_bytes_a_letter: float


@dataclass(frozen=True)
class Figures:
    """One engine over all rounds: ratios first, machine seconds as a side note."""

    engine: str
    letters: int
    variants: int
    fragments: int
    whole: Spread  # planning and composing, the usual way / ours
    plan: Spread
    compose: Spread
    plan_seconds: Spread
    compose_seconds: Spread
    usual_seconds: Spread
    bytes_a_letter: float
    usual_bytes_a_letter: float
    memory: float = 0.0  # peak of a process that plans, in MB
    memory_before: float = 0.0  # its peak after its imports

    @classmethod
    def of(cls, engine: str, rounds: Sequence[Round], memory: tuple[float, float]) -> "Figures":
        """All rounds of one engine."""
        last = rounds[-1]
        return cls(
            engine,
            last.letters,
            last.variants,
            last.fragments,
            whole=Spread.of([(each.usual_plan + each.usual_compose) / (each.plan + each.compose) for each in rounds]),
            plan=Spread.of([each.usual_plan / each.plan for each in rounds]),
            compose=Spread.of([each.usual_compose / each.compose for each in rounds]),
            plan_seconds=Spread.of([each.plan for each in rounds]),
            compose_seconds=Spread.of([each.compose for each in rounds]),
            usual_seconds=Spread.of([each.usual_plan + each.usual_compose for each in rounds]),
            bytes_a_letter=last.bytes_a_letter,
            usual_bytes_a_letter=last.usual_bytes_a_letter,
            memory=memory[0],
            memory_before=memory[1],
        )


def table(found: Sequence[Figures], said: str) -> str:
    """Ratios first, seconds as side notes, in columns by engine."""
    rows: list[tuple[str, list[str]]] = [
        ("", [each.engine for each in found]),
        ("the usual way / ours", ["median (least..greatest)" for _ in found]),
        ("  plan and compose", [_ratio(each.whole) for each in found]),
        ("  plan", [_ratio(each.plan) for each in found]),
        ("  compose", [_ratio(each.compose) for each in found]),
        ("letters", [f"{each.letters:,}" for each in found]),
        ("variants", [f"{each.variants:,} ({each.letters / each.variants:.2f} letters each)" for each in found]),
        ("fragments", [f"{each.fragments:,}" for each in found]),
        ("on this machine, now", ["" for _ in found]),
        ("  plan, s", [_seconds(each.plan_seconds) for each in found]),
        ("  compose, s", [_seconds(each.compose_seconds) for each in found]),
        ("  the usual way, s", [_seconds(each.usual_seconds) for each in found]),
        ("  bytes a letter", [f"{each.bytes_a_letter:,.0f}, {each.usual_bytes_a_letter:,.0f}" for each in found]),
        ("  planner's peak, MB", [f"{each.memory:.0f}, {each.memory_before:.0f} of it imports" for each in found]),
    ]
    first = max(len(name) for name, _ in rows)
    widths = [max(len(cells[i]) for _, cells in rows) for i in range(len(found))]
    lines = [
        "  ".join([name.ljust(first), *(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))]).rstrip()
        for name, cells in rows
    ]
    return "\n".join([said, "", *lines])


def _ratio(spread: Spread) -> str:
    return f"{spread.median:.1f} ({spread.least:.1f}..{spread.greatest:.1f})"


def _seconds(spread: Spread) -> str:
    return f"{spread.median:.1f} ({spread.least:.1f}..{spread.greatest:.1f})"
