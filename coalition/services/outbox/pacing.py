"""COALITION_RATE: one rate for all senders together, reserved for a group at a time and kept inside the group."""

import time
from dataclasses import dataclass

from sqlalchemy.orm import Session

from coalition.db import insert_into
from coalition.models import Pacing
from coalition.services.outbox.leases import lease_clock

_KEY = "all"


@dataclass
class Slots:
    """Moments at which letters may leave, on this machine's own steady clock. Without a gap: at once."""

    first: float = 0.0
    gap: float = 0.0
    left: int = 0

    @property
    def are_spent(self) -> bool:
        """Whether more moments have to be reserved before the next letter goes."""
        return bool(self.gap) and self.left <= 0

    @property
    def ahead(self) -> float:
        """Seconds until the next moment."""
        return max(0.0, self.first - time.monotonic()) if self.gap else 0.0

    def use(self) -> None:
        """Take the next moment."""
        if self.gap:
            self.first, self.left = self.first + self.gap, self.left - 1


def reserve(session: Session, rate: float | None, letters: int) -> Slots:
    """Reserve the next moments for so many letters, or those of one second. Without a rate, all may leave at once.

    Not more at a time: a service letter takes its moment after those, and whoever was held up makes up for a second.
    """
    if rate is None or not letters:
        return Slots()
    now, gap = lease_clock(session), 1 / rate
    letters = min(letters, max(1, int(rate)))
    insert = insert_into(session, Pacing).values(key=_KEY, next_free_at=now)
    session.execute(insert.on_conflict_do_nothing(index_elements=[Pacing.key]))
    row = session.get_one(Pacing, _KEY, with_for_update=True)
    # A clock that was set back by a restart must not hold everything up for days.
    free_at = row.next_free_at if now <= row.next_free_at < now + 3600 else now
    row.next_free_at = free_at + letters * gap
    return Slots(time.monotonic() + free_at - now, gap, letters)
