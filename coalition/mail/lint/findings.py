"""What the lint says, and where."""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Finding:
    """One thing that must not leave as it is."""

    name: str  # stable: staff allow a finding by it
    where: str
    text: str  # what is wrong and how to mend it


@dataclass(frozen=True, order=True)
class Place:
    """A place in what staff wrote, in the order of reading: 0 is the subject, 1 the intro, then the items."""

    part: int
    line: int  # 0: not in the text but in what stands above it, a title or an address
    name: str

    def down(self, lines: int = 1) -> "Place":
        """The place some lines further down."""
        return replace(self, line=self.line + lines)

    def __str__(self) -> str:
        return f"{self.name} line {self.line}" if self.line else self.name


# What a rule over the sources finds, and what a rule over a letter finds.
Spots = Iterator[tuple[Place, str]]
Faults = Iterator[tuple[str, str]]


def short(text: str, most: int = 60) -> str:
    """A text as it is quoted in a finding."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
