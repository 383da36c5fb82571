"""What a check-up finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    ADVICE = "advice"  # it works, and could be better
    FAULT = "fault"  # mail, or what was promised, will suffer
    UNKNOWN = "unknown"  # could not be asked


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, and a sentence about it."""

    about: str
    level: Level
    says: str


def ok(about: str, says: str) -> Finding:
    """All is well."""
    return Finding(about, Level.OK, says)


def advice(about: str, says: str) -> Finding:
    """It could be better."""
    return Finding(about, Level.ADVICE, says)


def fault(about: str, says: str) -> Finding:
    """It has to be put right."""
    return Finding(about, Level.FAULT, says)


def unknown(about: str, says: str) -> Finding:
    """Nobody could be asked."""
    return Finding(about, Level.UNKNOWN, says)
