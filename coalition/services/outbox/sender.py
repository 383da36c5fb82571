"""The sender: claims batches and works through them until it is told to stop.

Each turn is one short transaction (keep the lease, record what is done, look at the next letters, announce them) and
then at most 25 letters or 50 milliseconds of sending. So whatever dies, at most one announced group is in doubt.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from coalition.clock import utcnow
from coalition.config import Config, Uncertain
from coalition.db import Database
from coalition.errors import LeaseLost, RelayLost
from coalition.mail.replies import Outcome, Reply
from coalition.mail.smtp import Outgoing
from coalition.models import Lane
from coalition.services.outbox import claims, looking, pacing, recording
from coalition.services.outbox.claims import Claimed
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.leases import RENEW_SECONDS, Morgue, Worker
from coalition.services.outbox.looking import Ready
from coalition.services.outbox.pacing import Slots
from coalition.services.outbox.recording import Result
from coalition.vault import Vault

GROUP = 25
_TURN_SECONDS = 0.05
_LOOK_AGAIN_SECONDS = 0.25
_IDLE_SECONDS = 0.5
_LONGEST_BACK_OFF = 60.0
_UNWRITABLE = Reply(0, None, "the letter can't be composed")

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass
class _Job:
    """A claimed batch and how far it has come. Changed only after the transaction that made it true."""

    claimed: Claimed
    waiting: list[int]
    ready: Sequence[Ready] = ()
    slots: Slots = field(default_factory=Slots)
    results: Sequence[Result] = ()
    service_first: bool = False


class Sender:
    """One sender. `run` works until stopped; `drain` until nothing is due."""

    def __init__(
        self, config: Config, database: Database, vault: Vault, composer: Composer, outgoing: Outgoing
    ) -> None:
        self._database, self._vault, self._composer, self._outgoing = database, vault, composer, outgoing
        self._rate, self._policy = config.rate, Uncertain(config.uncertain)
        self._worker = Worker(config.home)
        self._morgue = Morgue(config.home, same_machine=database.is_sqlite)
        self._stop = threading.Event()
        self._held: set[int] = set()  # numbers of batches
        self._losses = 0  # of the mail server, one after the other
        self._lost = False

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
        except SQLAlchemyError as error:
            log.warning("the database failed (%s); trying again", type(error).__name__)
            return False

    def _pause(self, busy: bool) -> float:
        if self._lost:
            return min(_LONGEST_BACK_OFF, 0.5 * 2.0 ** min(self._losses, 10))
        return 0.0 if busy else _IDLE_SECONDS

    def _next_batch(self, *, service_only: bool = False) -> bool:
        """Work through the first batch that is due. Returns whether there was one."""
        with self._database.transaction() as session:
            claims.reap(session, self._morgue, self._policy, utcnow())
            claimed = claims.claim(session, self._worker.name, utcnow(), service_only=service_only)
        if claimed is None:
            return False
        self._lost = False
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
            if job.service_first:
                while self._goes_on and self._insist(lambda: self._next_batch(service_only=True)):
                    pass
                continue
            job.results = self._send(job.ready, job.slots)
            done = {result.delivery_id for result in job.results}
            job.waiting = [each for each in job.waiting if each not in done]
            if not done and self._goes_on:
                self._stop.wait(job.slots.ahead)

    @property
    def _goes_on(self) -> bool:
        return not self._stop.is_set() and not self._lost

    def _insist(self, step: Callable[[], T]) -> T:
        """Repeat a transaction until it succeeds: while a batch is held, what was sent must not be forgotten."""
        while True:
            try:
                return step()
            except OperationalError as error:
                log.warning("the database failed (%s); trying again", type(error).__name__)
                if self._stop.wait(_IDLE_SECONDS):
                    raise

    def _turn(self, job: _Job) -> bool:
        """Record what was sent and look at what goes next. False where the batch was given back instead."""
        claimed, group, now = job.claimed, job.waiting[:GROUP], utcnow()
        with self._database.transaction() as session:
            goes_on = bool(group) and self._goes_on and looking.goes_on(session, claimed)
            aside = claimed.lane is Lane.LIST and not job.service_first and claims.service_waits(session, now)
            announce = group[-1] if goes_on and not aside else None
            claims.keep(session, claimed, self._worker.name, announce=announce)
            # People are locked before counts, and the pace last: everybody takes these locks in this order.
            ready = looking.look(session, self._vault, claimed, group, now) if goes_on and not aside else []
            recording.record(session, claimed, job.results, self._policy, now)
            if not goes_on:
                claims.give_back(session, claimed, now)
                return False
            slots = job.slots if job.slots.left else pacing.reserve(session, self._rate, len(ready))
        if not aside:
            ended = set(group) - {each.delivery_id for each in ready}
            job.waiting = [each for each in job.waiting if each not in ended]
        job.ready, job.slots, job.results, job.service_first = ready, slots, (), aside
        return True

    def _send(self, ready: Sequence[Ready], slots: Slots) -> list[Result]:
        """Send for at most one turn. What was not begun is looked at again first."""
        results: list[Result] = []
        began = time.monotonic()
        for each in ready:
            is_late = results and time.monotonic() - began > _TURN_SECONDS
            if is_late or slots.ahead > _LOOK_AGAIN_SECONDS or self._stop.wait(slots.ahead):
                break
            try:
                outcome, reply = self._offer(each)
            except RelayLost as error:
                self._losses, self._lost = self._losses + 1, True
                log.warning("%s Letters wait; trying again in a moment.", error)
                break
            except OperationalError:
                break
            self._losses = 0
            slots.use()
            results.append(Result(each.delivery_id, outcome, reply))
        return results

    def _offer(self, ready: Ready) -> tuple[Outcome, Reply]:
        try:
            envelope = self._composer.compose(ready)
        except OperationalError:
            raise
        except Exception as error:
            # Whatever is wrong with one letter must not stop the others; what it says could hold an address.
            log.error("delivery %s can't be composed: %s", ready.delivery_id, type(error).__name__)
            return Outcome.REFUSED, _UNWRITABLE
        return self._outgoing.send(envelope)

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
