"""A slow oracle for planning: one reader after the other in plain Python, from the rules of the design alone.

It knows people and news as facts in lists. It looks into no table and calls nothing that plans.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from coalition.models import Cadence, Format, PauseMode
from tests.bench.case import Held, Reader


@dataclass
class News:
    """One item that was published."""

    id: int
    topic: int
    position: int
    at: datetime
    withdrawn: bool = False


@dataclass
class Copy:
    """What one reader gets, how, and when."""

    locale: str
    format: Format
    hour: tuple[str | None, int | None, int | None]
    items: list[int] = field(default_factory=list)
    starts: dict[int, int] = field(default_factory=dict)  # by topic: after which position it begins
    more: dict[int, int] = field(default_factory=dict)  # by topic: how many are only in the archive


@dataclass
class Edition:
    """All of one issue: the copies, who gets none and why, which items reach nobody and why."""

    through: int
    copies: dict[int, Copy] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    not_mailed: Counter[tuple[int, str]] = field(default_factory=Counter)
    mailed: set[int] = field(default_factory=set)  # those whose copy has left


class Oracle:
    """Says what every reader must get."""

    def __init__(self, readers: Sequence[Reader], topics: Sequence[int], cap: int) -> None:
        """`topics` in the order in which letters show them; a letter holds no more than `cap` items of one topic."""
        self._readers, self._topics, self._cap = readers, topics, cap
        self.news: list[News] = []

    def plan(self, cadence: Cadence, now: datetime, before: Iterable[Edition] = ()) -> Edition:
        """One issue, and everybody's place after it. `before` are plans of its period whose place it takes."""
        edition = Edition(max(item.position for item in self.news))
        served = {reader for earlier in before for reader in earlier.mailed}
        for reader in self._readers:
            due = {topic: held for topic, held in reader.held.items() if held.cadence is cadence}
            if not due:
                continue
            paused = reader.pause_until is not None and now < reader.pause_until
            if reader.suppressed:
                edition.left_out["suppressed"] += 1
            elif paused and reader.pause_mode is not PauseMode.SKIP:
                edition.left_out["paused"] += 1
            elif reader.id in served and not paused:
                edition.left_out["served already"] += 1
            else:
                copy = self._copy(reader, due, edition)
                if copy.items:
                    edition.copies[reader.id] = copy
                else:
                    edition.left_out["paused" if paused else "nothing new"] += 1
                for topic, held in due.items():
                    if any(held.served < n.position <= edition.through for n in self._of(topic)):
                        held.served = edition.through
        return edition

    def take_back(self, edition: Edition) -> None:
        """Cancel what has not left: everybody stands where this issue found them, unless they have moved since."""
        for reader in self._readers:
            if reader.id in edition.copies and reader.id not in edition.mailed:
                for topic, start in edition.copies[reader.id].starts.items():
                    held = reader.held.get(topic)
                    if held is not None and held.served == edition.through:
                        held.served = start

    def _copy(self, reader: Reader, due: dict[int, Held], edition: Edition) -> Copy:
        copy = Copy(reader.locale, reader.format, reader.hour)
        for topic in self._topics:
            if topic not in due:
                continue
            start = due[topic].served
            back = [n for n in self._of(topic) if start < n.position <= edition.through and n.withdrawn]
            edition.not_mailed[topic, "withdrawn"] += len(back)
            # "The items with cursor < position <= through_position", and none that was withdrawn.
            new = [n for n in self._of(topic) if start < n.position <= edition.through and not n.withdrawn]
            if reader.pause_mode is PauseMode.SKIP:
                # Whoever skips gets nothing that was published before their break ended.
                kept = [n for n in new if reader.pause_until is None or n.at >= reader.pause_until]
                edition.not_mailed[topic, "paused"] += len(new) - len(kept)
                new = kept
            if new:
                most = len(new) if self._catches_up(reader, start) else self._cap
                copy.items += [n.id for n in new[-most:]]
                copy.starts[topic] = start
                if len(new) > most:
                    copy.more[topic] = len(new) - most
                    edition.not_mailed[topic, "capped"] += len(new) - most
        return copy

    def _of(self, topic: int) -> list[News]:
        return [item for item in self.news if item.topic == topic]

    def _catches_up(self, reader: Reader, start: int) -> bool:
        """Whether this is the first letter after a break that is to be caught up with: it is as long as it must be."""
        if reader.pause_until is None or reader.pause_mode is not PauseMode.CATCH_UP:
            return False
        return any(item.position > start and item.at < reader.pause_until for item in self.news)
