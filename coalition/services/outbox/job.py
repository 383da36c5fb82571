"""A claimed batch in work: which of its letters wait, which go next, which are under way, what came of them."""

import logging
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy.exc import OperationalError

from coalition.address import Address
from coalition.mail.replies import Outcome, Reply
from coalition.mail.smtp import Envelope, Outgoing
from coalition.services.outbox.claims import Claimed
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.pacing import Slots
from coalition.services.outbox.ready import Ready
from coalition.services.outbox.recording import Result

GROUP = 25  # answers that are recorded together, and letters that are looked at together
_TURN_SECONDS = 0.05
_FRESH_SECONDS = 0.25  # so long a look at who still gets a letter holds
_UNWRITABLE = Reply(0, None, "the letter can't be composed")

log = logging.getLogger(__name__)


@dataclass
class Job:
    """One batch. What a turn found out is taken in only after its transaction made it true."""

    claimed: Claimed
    waiting: list[int]  # not looked at, in order
    ready: deque[Ready] = field(default_factory=deque)  # looked at, in order
    written: dict[int, Envelope] = field(default_factory=dict)  # some of those, already
    looked_at: float = 0.0  # the first of those
    under_way: dict[int, Address] = field(default_factory=dict)  # given to the mail server, not answered
    slots: Slots = field(default_factory=Slots)
    results: list[Result] = field(default_factory=list)
    is_noted: bool = False  # in the journal: it has begun
    aside: bool = False  # nothing is added to what is under way: a service letter waits, or the batch ends
    service_went: bool = False
    is_blamed: bool = False  # an answer says that it is our fault: nothing more goes before that is thought about

    @property
    def next_group(self) -> list[int]:
        """The letters to look at next: so many that a group is at hand while the answers of one come in."""
        return self.waiting[: max(0, GROUP - len(self.ready))]

    @property
    def begun(self) -> Collection[int]:
        """The letters that may be with the mail server before the next turn, without the next group."""
        return [*self.under_way, *(each.delivery_id for each in self.ready)]

    @property
    def is_stale(self) -> bool:
        """Whether the letters at hand may go no more: it is long ago that they were looked at, or an answer was no."""
        is_old = bool(self.ready) and time.monotonic() - self.looked_at > _FRESH_SECONDS
        return is_old or any(each.outcome is not Outcome.ACCEPTED for each in self.results)

    def look_again(self) -> None:
        """What was looked at and not begun is looked at once more before it goes."""
        self.waiting = sorted([*(each.delivery_id for each in self.ready), *self.waiting])
        self.ready.clear()
        self.written.clear()

    def take_in(
        self,
        group: Sequence[int],
        ready: Sequence[Ready],
        gone: Collection[int],
        slots: Slots,
        written: Mapping[int, Envelope],
    ) -> None:
        """Of this group, these go next and those are gone; any other is looked at again. Results are recorded."""
        ended = {*gone, *(each.delivery_id for each in ready)}
        self.waiting[: len(group)] = [each for each in group if each not in ended]
        self.is_noted |= bool(group)
        if not self.ready:
            self.looked_at = time.monotonic()
        self.ready.extend(ready)
        self.written.update(written)
        self.slots, self.results, self.is_blamed = slots, [], False

    def take_back(self) -> None:
        """What is under way was not tried."""
        self.waiting = sorted([*self.under_way, *self.waiting])
        self.under_way.clear()


class Hand:
    """Gives letters to the mail server and gathers its answers."""

    def __init__(self, composer: Composer, outgoing: Outgoing, stop: threading.Event) -> None:
        self._composer, self._outgoing, self._stop = composer, outgoing, stop

    def work(self, job: Job) -> None:
        """Do so for one turn. Raises RelayLost where no mail server can be reached."""
        until = time.monotonic() + _TURN_SECONDS
        try:
            while not self._turn_is_over(job, until):
                self._give(job)
                wait = max(0.0, min(until - time.monotonic(), job.slots.ahead or _TURN_SECONDS))
                if job.under_way:
                    self._gather(job, wait)
                elif self._stop.wait(wait):
                    break
        except OperationalError:
            pass  # a copy could not be read; the next turn says more

    def write(self, ready: Sequence[Ready]) -> dict[int, Envelope]:
        """Compose letters before they may go; those that can't be composed now are not among them."""
        written = {}
        with suppress(OperationalError):
            for each in ready:
                if envelope := self._compose(each):
                    written[each.delivery_id] = envelope
        return written

    def _turn_is_over(self, job: Job, until: float) -> bool:
        if job.ready and job.slots.are_spent:
            return True
        is_hungry = job.waiting and not job.ready and not job.aside
        if len(job.results) >= GROUP or job.is_blamed or is_hungry or time.monotonic() >= until:
            return True
        return not job.under_way and (not job.ready or self._stop.is_set())

    def _give(self, job: Job) -> None:
        """Hand over what is ready, as much as the connections take and the pace allows."""
        room = self._outgoing.room
        while job.ready and room > 0 and not self._stop.is_set():
            if job.slots.ahead or job.slots.are_spent:
                break
            ready, room = job.ready[0], room - 1
            envelope = job.written.pop(ready.delivery_id, None) or self._compose(ready)
            job.ready.popleft()
            job.slots.use()
            if envelope is None:
                job.results.append(Result(ready.delivery_id, Outcome.REFUSED, _UNWRITABLE, ready.recipient))
            else:
                job.under_way[ready.delivery_id] = ready.recipient
                self._outgoing.offer(ready.delivery_id, envelope)

    def _gather(self, job: Job, patience: float) -> None:
        # No more than are recorded together: whatever dies now, only those and one for each connection can go twice.
        for answered in self._outgoing.answers(patience, max(1, GROUP - len(job.results))):
            recipient = job.under_way.pop(answered.ticket)
            job.results.append(Result(answered.ticket, answered.outcome, answered.reply, recipient))
            job.is_blamed |= answered.outcome is Outcome.OUR_FAULT

    def _compose(self, ready: Ready) -> Envelope | None:
        try:
            return self._composer.compose(ready)
        except OperationalError:
            raise
        except Exception as error:
            # Whatever is wrong with one letter must not stop the others; what it says could hold an address.
            log.error("delivery %s can't be composed: %s", ready.delivery_id, type(error).__name__)
            return None
