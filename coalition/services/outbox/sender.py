"""The sender: claims batches and works through them until it is told to stop.

Each turn is one short transaction (record what is done, look at the next letters, announce them) and
then at most 25 answers or 50 milliseconds of sending. Letters that are under way stay so over a turn, so that the mail
server never waits for the database. Whatever dies, one announced group and what is under way are in doubt, no more.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from coalition.address import Address
from coalition.clock import utcnow
from coalition.config import Config, Uncertain
from coalition.db import Database
from coalition.errors import JournalError, LeaseLost, RelayLost
from coalition.mail.replies import Outcome, Reply
from coalition.mail.smtp import Envelope, Outgoing
from coalition.models import Lane
from coalition.services.backlog import Backlog
from coalition.services.outbox import claims, looking, pacing, recording
from coalition.services.outbox.breakers import Gate
from coalition.services.outbox.claims import Claimed
from coalition.services.outbox.clocks import Clock
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.leases import RENEW_SECONDS, Morgue, Worker
from coalition.services.outbox.looking import Ready
from coalition.services.outbox.pacing import Slots
from coalition.services.outbox.recording import Result
from coalition.vault import Vault

GROUP = 25
_TURN_SECONDS = 0.05
_IDLE_SECONDS = 0.5
_LONGEST_BACK_OFF = 60.0
_UNWRITABLE = Reply(0, None, "the letter can't be composed")

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass
class _Job:
    """A claimed batch and how far it has come. Changed only after the transaction that made it true."""

    claimed: Claimed
    waiting: list[int]  # not under way, in order
    ready: deque[Ready] = field(default_factory=deque)  # the first of them, looked at in this turn
    under_way: dict[int, Address] = field(default_factory=dict)  # given to the mail server, not answered
    slots: Slots = field(default_factory=Slots)
    results: list[Result] = field(default_factory=list)
    aside: bool = False  # nothing is added to what is under way: a service letter waits, or the batch ends
    service_went: bool = False
    is_blamed: bool = False  # an answer says that it is our fault: nothing more goes before that is thought about

    @property
    def is_hungry(self) -> bool:
        """Whether the next letters should be looked at now, before the last ones have their answers."""
        return bool(self.waiting) and not self.ready and not self.aside

    def take_back(self) -> None:
        """What is under way was not tried."""
        self.waiting = sorted([*self.under_way, *self.waiting])
        self.under_way.clear()


class Sender:
    """One sender. `run` works until stopped; `drain` until nothing is due."""

    def __init__(
        self,
        config: Config,
        database: Database,
        vault: Vault,
        composer: Composer,
        outgoing: Outgoing,
        backlog: Backlog,
    ) -> None:
        self._backlog = backlog
        self._database, self._vault, self._composer, self._outgoing = database, vault, composer, outgoing
        self._rate, self._policy = config.rate, Uncertain(config.uncertain)
        self._worker = Worker(config.home)
        self._morgue = Morgue(config.home, same_machine=database.is_sqlite)
        self._clock = Clock()
        self._stop = threading.Event()
        self._held: set[int] = set()  # numbers of batches
        self._losses = 0  # of the mail server, one after the other
        self._lost = ""  # why, in words
        self._blocked = False  # something that must be learned first is not at hand

    def run(self) -> None:
        """Send whatever becomes due, until `stop`. A lost mail server or database is waited for."""
        try:
            with self._heartbeat():
                while not self._stop.is_set():
                    self._stop.wait(self._pause(self._try_a_batch()))
        finally:
            self.close()

    def drain(self) -> int:
        """Send until nothing is due or the mail server is lost. Returns how many batches were worked through."""
        done = 0
        with self._heartbeat():
            while not self._stop.is_set() and self._next_batch() and not self._lost:
                done += 1
        return done

    def drain_and_close(self) -> None:
        """Send what is due now, once, and end."""
        self.drain()
        self.close()

    def stop(self) -> None:
        """Finish the letter that is on its way, give back the rest, and end."""
        self._stop.set()

    def close(self) -> None:
        """End the connection to the mail server and give up the sign of life."""
        self._outgoing.close()
        self._worker.close()

    def _try_a_batch(self) -> bool:
        try:
            return self._next_batch()
        except (SQLAlchemyError, JournalError) as error:
            log.warning("the database failed (%s); trying again", type(error).__name__)
            return False

    def _pause(self, busy: bool) -> float:
        if self._blocked:
            return _LONGEST_BACK_OFF
        if self._lost:
            return min(_LONGEST_BACK_OFF, 0.5 * 2.0 ** min(self._losses, 10))
        return 0.0 if busy else _IDLE_SECONDS

    def _next_batch(self, *, service_only: bool = False) -> bool:
        """Work through the first batch that is due. Returns whether there was one."""
        self._blocked = not self._backlog.learn()
        if self._blocked:
            return False
        with self._database.transaction() as session:
            now = utcnow()
            claims.reap(session, self._morgue, self._policy, now)
            if not self._clock.is_believed(session, now) or Gate(session, self._vault, self._worker.name, now).is_shut:
                return False
            claimed = claims.claim(session, self._worker.name, now, service_only=service_only)
        if claimed is None:
            return False
        self._lost = ""
        self._held.add(claimed.batch_id)
        try:
            self._work(_Job(claimed, list(claimed.waiting)))
        except LeaseLost:
            log.warning("batch %s was taken over by another sender", claimed.batch_id)
        finally:
            self._held.discard(claimed.batch_id)
        return True

    def _work(self, job: _Job) -> None:
        """Work through one batch, turn by turn, until it is given back."""
        while self._insist(lambda: self._turn(job)):
            if job.aside and not job.under_way:
                while self._goes_on and self._insist(lambda: self._next_batch(service_only=True)):
                    pass
            else:
                self._send(job)

    @property
    def _goes_on(self) -> bool:
        return not self._stop.is_set() and not self._lost

    def _insist(self, step: Callable[[], T]) -> T:
        """Repeat a transaction until it succeeds: while a batch is held, what was sent must not be forgotten."""
        while True:
            try:
                return step()
            except (OperationalError, JournalError) as error:
                log.warning("the database failed (%s); trying again", type(error).__name__)
                if self._stop.wait(_IDLE_SECONDS):
                    raise
                with suppress(OperationalError):
                    self._backlog.learn()

    def _turn(self, job: _Job) -> bool:
        """Record what was answered and look at what goes next. False where the batch was given back instead."""
        claimed, now = job.claimed, utcnow()
        self._backlog.work_off_leavings()
        with self._database.transaction() as session:
            gate = Gate(session, self._vault, self._worker.name, now)
            goes_on = self._goes_on and not gate.is_shut and looking.goes_on(session, claimed)
            # A service letter goes first, once what is under way has its answers. Then a group goes whatever waits.
            first = claimed.lane is Lane.LIST and not job.service_went and claims.service_waits(session, now)
            group = job.waiting[:GROUP] if goes_on and not first and gate.leaves_room(job.under_way) else []
            announce = max([*job.under_way, *group], default=None)
            claims.keep(session, claimed, self._worker.name, announce=announce)
            # People are locked before counts, breakers and the pace last: everybody takes these locks in this order.
            ready = looking.look(session, self._vault, claimed, group, now) if group else []
            recording.record(session, claimed, job.results, self._policy, now)
            is_over = not group and not job.under_way and not (goes_on and first)
            if is_over:
                claims.give_back(session, claimed, now)
            if self._lost:
                gate.lose(self._lost)
            gate.heed(job.results)
            if is_over:
                return False
            ended = set(group).difference(each.delivery_id for each in ready)
            ready, aside = gate.admit(ready, job.under_way.values())
            for moment, those in aside.items():
                recording.move(session, claimed, those, moment)
                ended.update(those)
            slots = job.slots if job.slots.left > 0 else pacing.reserve(session, self._rate, len(ready))
        job.waiting = [each for each in job.waiting if each not in ended]
        job.ready, job.slots, job.results = deque(ready), slots, []
        job.aside, job.is_blamed = not group, False
        job.service_went = job.aside and not job.under_way
        return True

    def _send(self, job: _Job) -> None:
        """Give letters to the mail server and gather its answers, for one turn."""
        until = time.monotonic() + _TURN_SECONDS
        try:
            while not self._turn_is_over(job, until):
                self._give(job)
                wait = max(0.0, min(until - time.monotonic(), job.slots.ahead or _TURN_SECONDS))
                if job.under_way:
                    self._gather(job, wait)
                elif self._stop.wait(wait):
                    break
        except RelayLost as error:
            job.take_back()
            self._losses, self._lost = self._losses + 1, str(error)
            log.warning("%s Letters wait; trying again in a moment.", error)
        except OperationalError:
            pass  # a copy could not be read; the next turn says more

    def _turn_is_over(self, job: _Job, until: float) -> bool:
        if job.ready and job.slots.are_spent:
            return True
        if len(job.results) >= GROUP or job.is_blamed or job.is_hungry or time.monotonic() >= until:
            return True
        return not job.under_way and (not job.ready or self._stop.is_set())

    def _give(self, job: _Job) -> None:
        """Hand over what is ready, as much as the connections take and the pace allows."""
        room = self._outgoing.room
        while job.ready and room > 0 and not self._stop.is_set():
            if job.slots.ahead or job.slots.are_spent:
                break
            ready, room = job.ready[0], room - 1
            envelope = self._compose(ready)
            job.ready.popleft()
            job.waiting.remove(ready.delivery_id)
            job.slots.use()
            if envelope is None:
                job.results.append(Result(ready.delivery_id, Outcome.REFUSED, _UNWRITABLE, ready.recipient))
            else:
                job.under_way[ready.delivery_id] = ready.recipient
                self._outgoing.offer(ready.delivery_id, envelope)

    def _gather(self, job: _Job, patience: float) -> None:
        for answered in self._outgoing.answers(patience):
            recipient = job.under_way.pop(answered.ticket)
            job.results.append(Result(answered.ticket, answered.outcome, answered.reply, recipient))
            if answered.outcome is not Outcome.UNTRIED:
                self._losses = 0
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

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Renew the leases while a slow mail server keeps us waiting."""
        over = threading.Event()
        heart = threading.Thread(target=self._beat, args=(over,), name="heartbeat", daemon=True)
        heart.start()
        try:
            yield
        finally:
            over.set()
            heart.join()

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(RENEW_SECONDS):
            try:
                with self._database.transaction() as session:
                    claims.renew(session, self._worker.name, tuple(self._held))
            except SQLAlchemyError:
                log.warning("the lease can't be renewed: the database can't be reached")
