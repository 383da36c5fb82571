"""Figures of several rounds as one: a ratio is the median of the rounds' own, with the least and the greatest."""

from collections.abc import Callable, Mapping, Sequence
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

    def __str__(self) -> str:
        if self.least == self.greatest:
            return _short(self.median)
        return f"{_short(self.median)} ({_short(self.least)}..{_short(self.greatest)})"


@dataclass(frozen=True)
class Line:
    """One figure of a table, for each column that has it, and what is wanted of it."""

    name: str
    figures: Mapping[str, Spread]
    goal: str = ""


@dataclass(frozen=True)
class Table:
    """What one case has measured."""

    case: str
    said: str
    lines: Sequence[Line]

    def __str__(self) -> str:
        columns = list(dict.fromkeys(column for line in self.lines for column in line.figures))
        rows = [["", *columns, "wanted"]]
        for line in self.lines:
            cells = [line.figures.get(column) for column in columns]
            rows.append([line.name, *[str(cell) if cell else "" for cell in cells], line.goal])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([f"{self.case}: {self.said}", *lines])


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


def figures_as_lines(found: Sequence[Figures]) -> list[Line]:
    """Ratios first, seconds as side notes."""
    told: list[tuple[str, Callable[[Figures], Spread], str]] = [
        ("plan and compose: the usual way / ours", lambda each: each.whole, ""),
        ("plan: the usual way / ours", lambda each: each.plan, ""),
        ("compose, cold: the usual way / ours", lambda each: each.compose, ">= 60"),
        ("letters", lambda each: Spread.of([each.letters]), ""),
        ("variants", lambda each: Spread.of([each.variants]), ""),
        ("fragments", lambda each: Spread.of([each.fragments]), ""),
        ("plan, seconds", lambda each: each.plan_seconds, ""),
        ("compose, seconds", lambda each: each.compose_seconds, ""),
        ("the usual way, seconds", lambda each: each.usual_seconds, ""),
        ("bytes a letter", lambda each: Spread.of([each.bytes_a_letter]), ""),
        ("planner's peak, MB", lambda each: Spread.of([each.memory]), ""),
    ]
    return [Line(name, {each.engine: pick(each) for each in found}, goal) for name, pick, goal in told]


def _short(figure: float) -> str:
    if figure >= 100 or figure == int(figure):
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"
