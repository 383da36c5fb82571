"""Whether this machine's clock can be believed. Where it can't, nothing is sent: dates and tries would be wrong.

The ledger keeps the last moment at which a sender was at work. A clock that shows an earlier one was set back; one that
ran a day ahead of the machine's own steady count was set forward. A machine that was off for a week is neither.
"""

import logging
import time
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.db import insert_into
from coalition.models import Breaker, Pacing

CLOCK = "clock"
_BACK, _FORWARD = timedelta(minutes=5), timedelta(hours=24)
_MARK_EVERY = timedelta(minutes=1)
# The one that goes on while the machine sleeps, where there is one.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

log = logging.getLogger(__name__)


class Clock:
    """The clock of one sender's machine, held against what the ledger remembers and against itself."""

    def __init__(self) -> None:
        self._begin()
        self._said = False  # that it can't be believed

    def is_believed(self, session: Session, now: datetime) -> bool:
        """Whether letters may go by this time of day; keeps the ledger's mark, and tells staff of a change."""
        mark = session.get(Pacing, CLOCK, populate_existing=True)
        was_stepped = mark is not None and mark.breaker is Breaker.STEPPED
        if self._said and not was_stepped:
            self._begin()  # staff say that it is right as it is
        fault = self._fault(mark.until if mark else None, was_stepped, now)
        if fault and not was_stepped:
            _write(session, mark.until if mark and mark.until else now, now, fault)
        elif not fault and (mark is None or mark.until is None or was_stepped or now - mark.until >= _MARK_EVERY):
            _write(session, now, None, None)
        self._tell(fault)
        return fault is None

    def _begin(self) -> None:
        self._wall, self._steady = utcnow(), time.clock_gettime(_STEADY)

    def _fault(self, mark: datetime | None, was_stepped: bool, now: datetime) -> str | None:
        if mark is not None and now < mark - _BACK:
            return f"the clock of this machine shows {now:%Y-%m-%d %H:%M} UTC, but it was {mark:%Y-%m-%d %H:%M} before"
        ahead = now - self._wall - timedelta(seconds=time.clock_gettime(_STEADY) - self._steady)
        if abs(ahead) > _FORWARD or (was_stepped and mark is not None and now > mark + _FORWARD):
            return f"the clock of this machine jumped by more than a day, to {now:%Y-%m-%d %H:%M} UTC"
        return None

    def _tell(self, fault: str | None) -> None:
        if fault and not self._said:
            log.error("Nothing is sent: %s. Set it right; if it is right: coalition outbox resume", fault)
        elif self._said and not fault:
            log.info("The clock can be believed again.")
        self._said = fault is not None


def _write(session: Session, mark: datetime, since: datetime | None, fault: str | None) -> None:
    facts = {"until": mark, "since": since, "breaker": Breaker.STEPPED if fault else None, "reason": fault}
    insert = insert_into(session, Pacing).values(key=CLOCK, next_free_at=0.0, **facts)
    session.execute(insert.on_conflict_do_update(index_elements=[Pacing.key], set_=facts))
