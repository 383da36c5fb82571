"""The sender: claims batches and works through them until it is told to stop.

Each turn is one short transaction (record what is done, look at the next letters, announce them) and
then at most 25 answers or 50 milliseconds of sending. Letters that are under way stay so over a turn, and a group is
looked at ahead, so that the mail server never waits for the database. Whatever dies, one announced group and what is
under way are in doubt, no more.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.config import Config, Uncertain
from coalition.db import Database, KeptConnection
from coalition.errors import JournalError, LeaseLost, RelayLost
from coalition.mail.replies import Outcome
from coalition.mail.smtp import Envelope, Outgoing
from coalition.models import Lane
from coalition.services.backlog import Backlog
from coalition.services.outbox import claims, looking, obstacles, pacing, recording
from coalition.services.outbox.breakers import Gate
from coalition.services.outbox.claims import Claimed
from coalition.services.outbox.clocks import Clock
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.heartbeat import Heartbeat
from coalition.services.outbox.job import Hand, Job
from coalition.services.outbox.leases import Morgue, Worker
from coalition.services.outbox.obstacles import Obstacles
from coalition.statements import Found, run_together
from coalition.vault import Vault

_IDLE_SECONDS = 0.5
_LONGEST_BACK_OFF = 60.0

T = TypeVar("T")

log = logging.getLogger(__name__)


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
        self._vault, self._outgoing = vault, outgoing
        self._kept = KeptConnection(database)
        self._rate, self._policy = config.rate, Uncertain(config.uncertain)
        self._worker = Worker(config.home)
        self._morgue = Morgue(config.home, same_machine=database.is_sqlite)
        self._clock = Clock()
        self._stop = threading.Event()
        self._heart = Heartbeat(database, self._worker.name)
        self._hand = Hand(composer, outgoing, self._stop)
        self._losses = 0  # of the mail server, one after the other
        self._lost = ""  # why, in words
        self._blocked = False  # something that must be learned first is not at hand

    def run(self) -> None:
        """Send whatever becomes due, until `stop`. A lost mail server or database is waited for."""
        try:
            with self._heart.beating():
                while not self._stop.is_set():
                    self._stop.wait(self._pause(self._try_a_batch()))
        finally:
            self.close()

    def drain(self) -> int:
        """Send until nothing is due or the mail server is lost. Returns how many batches were worked through."""
        done = 0
        with self._heart.beating():
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
        """End the connections to the mail server and the database, and give up the sign of life."""
        self._outgoing.close()
        self._kept.close()
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
        with self._kept.transaction() as session:
            now = utcnow()
            claims.reap(session, self._morgue, self._policy, now)
            if not self._clock.is_believed(session, now) or Gate(session, self._vault, self._worker.name, now).is_shut:
                return False
            claimed = claims.claim(session, self._worker.name, now, service_only=service_only)
        if claimed is None:
            return False
        self._lost = ""
        self._heart.held.add(claimed.batch_id)
        try:
            self._work(Job(claimed, list(claimed.waiting)))
        except LeaseLost:
            log.warning("batch %s was taken over by another sender", claimed.batch_id)
        finally:
            self._heart.held.discard(claimed.batch_id)
        return True

    def _work(self, job: Job) -> None:
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

    def _turn(self, job: Job) -> bool:
        """Record what was answered and look at what goes next. False where the batch was given back instead."""
        claimed, now = job.claimed, utcnow()
        self._backlog.work_off_leavings()
        if self._lost or job.is_stale:
            job.look_again()
        written: dict[int, Envelope] = {}
        with self._kept.transaction() as session:
            hoped = job.next_group if self._goes_on else []
            hoped_to = max([*job.begun, *hoped], default=None)
            found, glanced = self._ask(session, claimed, hoped, hoped_to, now)
            gate = Gate(session, self._vault, self._worker.name, now, trouble=found.trouble)
            goes_on = self._goes_on and not gate.is_shut and not found.hold
            # A service letter goes first, once what is under way has its answers. Then a group goes whatever waits.
            first = found.service and claimed.lane is Lane.LIST and not job.service_went
            aside = first or not goes_on or not gate.leaves_room(job.under_way)
            if aside or found.trouble or found.cancelled:
                job.look_again()
            group = [] if aside else job.next_group
            announced = max([*job.begun, *group], default=None)
            if announced != hoped_to:
                claims.keep(session, claimed, self._worker.name, announce=announced)
            if group and not job.is_noted:
                claims.note_beginning(session, claimed, now)
            # People are locked before counts, breakers and the pace last: everybody takes these locks in this order.
            glanced = glanced if group == hoped else None
            ready = looking.look(session, self._vault, claimed, group, now, glanced) if group else []
            is_over = announced is None and not (goes_on and first)
            meanwhile = None if is_over else lambda: written.update(self._hand.write(ready))
            recording.record(session, claimed, job.results, self._policy, now, meanwhile)
            if is_over:
                claims.give_back(session, claimed, now)
            if self._lost:
                gate.lose(self._lost)
            gate.heed(job.results)
            if is_over:
                return False
            gone = set(group).difference(each.delivery_id for each in ready)
            ready, put_off = gate.admit(ready, job.under_way.values())
            for moment, those in put_off.items():
                recording.move(session, claimed, those, moment)
                gone.update(those)
            slots = (
                job.slots if job.slots.left > 0 else pacing.reserve(session, self._rate, len(job.ready) + len(ready))
            )
        job.take_in(group, ready, gone, slots, written)
        job.aside, job.service_went = aside, aside and not job.under_way
        return True

    def _ask(
        self, session: Session, claimed: Claimed, group: Sequence[int], announce: int | None, now: datetime
    ) -> tuple[Obstacles, Found | None]:
        """What is in the way, and who of a group goes as planned, while announcing so far: all asked at once."""
        asked = [
            obstacles.ask(claimed.issue_id, now),
            claims.ask_to_keep(claimed, self._worker.name, announce=announce),
        ]
        if glance := looking.ask(claimed, group, now):
            asked.append(glance)
        found, kept, *glanced = run_together(session, *asked)
        claims.require_kept(kept)
        return obstacles.read(found, claimed.issue_id), glanced[0] if glanced else None

    def _send(self, job: Job) -> None:
        """Give letters to the mail server and gather its answers, for one turn."""
        try:
            self._hand.work(job)
        except RelayLost as error:
            job.take_back()
            self._losses, self._lost = self._losses + 1, str(error)
            log.warning("%s Letters wait; trying again in a moment.", error)
        if any(each.outcome is not Outcome.UNTRIED for each in job.results):
            self._losses = 0
