"""What was decided and has not reached the database: lines of the journal, leavings in the spool.

Whoever sends, plans or changes anything works it off first. Any number of processes may do so at once.
"""

import heapq
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from coalition.clock import utcnow
from coalition.community import Community
from coalition.db import Database
from coalition.errors import CoalitionError, JournalError, JournalIncomplete
from coalition.journal import Journal, Line
from coalition.services import journaling, people, replaying, unsubscribe
from coalition.services.erasure import Eraser
from coalition.services.unsubscribe import Channel
from coalition.spool import Leaving, Spool

log = logging.getLogger(__name__)


class _SeenTo(CoalitionError):
    """Somebody else has done a line while we were about to."""


@dataclass(frozen=True)
class Backlog:
    """The journal and the spool of one Coalition, and the database that has to learn from them."""

    database: Database
    journal: Journal
    spool: Spool
    community: Community
    eraser: Eraser

    def learn(self) -> bool:
        """Work everything off. False, and a line in the log, where not all is at hand: then nothing may be sent."""
        try:
            self.work_off()
        except JournalError as error:
            log.error("%s Nothing is sent until this is mended: `coalition database journal`.", error)
            return False
        return True

    def work_off(self) -> int:
        """Let the database learn everything it does not know yet, each in a transaction of its own. Returns how much.

        Raises JournalIncomplete where something it would have to learn is in no journal at hand.
        """
        with self.database.reading() as session:
            marks = journaling.marks(session)
        lasts = self.journal.lasts()
        ahead = [stream for stream, last in lasts.items() if last > marks.get(stream, 0)]
        streams = [self.journal.lines(stream, after=marks.get(stream, 0)) for stream in ahead]
        done = sum(self._replay(line) for line in heapq.merge(*streams, key=lambda line: line.at))
        if done:
            log.warning("the database had not seen %s lines of the journal; they are done now", done)
        _require_whole(marks, lasts)
        return done + self.work_off_leavings()

    def work_off_leavings(self) -> int:
        """Let everybody leave who pressed while the database was away. Returns how many."""
        if not self.spool.waits:
            return 0
        waiting = self.spool.waiting()
        for leaving in waiting:
            self._leave(leaving)
        log.warning("%s leavings that had waited for the database are done now", len(waiting))
        return len(waiting)

    def give_up(self) -> list[str]:
        """Let the database learn what there is, and go on without what is lost. Returns what that was, in sentences."""
        lost: list[str] = []
        while True:
            try:
                self.work_off()
                return lost
            except JournalIncomplete as error:
                lost.append(str(error))
                with self.database.transaction() as session:
                    journaling.go_on_from(session, error.stream, error.mark)

    def _replay(self, line: Line) -> bool:
        """Do one line; False where somebody else has done it meanwhile."""
        try:
            with self.database.transaction() as session:
                replaying.replay(session, self.community, self.eraser, line, utcnow())
                journaling.keep_quiet(session)  # it stands there already
                if not journaling.take(session, line.stream, line.number):
                    raise _SeenTo("Somebody else has done this line.")
        except _SeenTo:
            return False
        return True

    def _leave(self, leaving: Leaving) -> None:
        with self.database.transaction() as session:
            person = people.by_code(session, leaving.code)
            if person is not None:
                unsubscribe.leave_what_was_there(session, person, Channel(leaving.press), leaving.at, utcnow())
        self.spool.forget(leaving)


def _require_whole(marks: Mapping[str, int], lasts: Mapping[str, int]) -> None:
    """Raise JournalIncomplete where a stream that the database knows is not here, or is an older copy.

    Should the database be brought back from a backup, nobody could tell whether the missing one tells of more leavings.
    """
    for stream, seen in sorted(marks.items()):
        last = lasts.get(stream, 0)
        if last < seen:
            raise JournalIncomplete(
                f"The journal of {stream} ends before what the database has seen of it.", stream, last
            )
