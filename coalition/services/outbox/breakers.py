"""What stops sending where letters are refused one after the other: everybody's, or those to one domain.

All senders share it. Twenty refusals without a letter taken in between open the breaker of everybody; a domain that
says "too much" opens its own at once. Nothing goes there for ten minutes, and longer each time; then one sender tries
with one letter, with two, and so on, until it goes as before. Nobody is suppressed for it and what waits costs no
attempt. A domain is kept as a keyed hash.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.db import insert_into
from coalition.mail.replies import Outcome
from coalition.models import Batch, Breaker, Claim, Pacing
from coalition.services.outbox.clocks import CLOCK
from coalition.services.outbox.ready import Ready
from coalition.services.outbox.recording import Result
from coalition.vault import Vault

EVERYBODY = "everybody"
MAIL_SERVER = "mail server"
FOR_ALL = {EVERYBODY, MAIL_SERVER, CLOCK}
_DOMAIN = "domain "

_REFUSALS = 20  # in a row open a breaker
_REFUSALS_WHILE_TRYING = 3  # that are not clearly our fault
_PAUSE, _LONGEST_PAUSE = timedelta(minutes=10), timedelta(hours=2)
_FULL_WIDTH = 8  # letters under way; who carries so many again has recovered
_TRYING = timedelta(minutes=2)  # how long the others wait for word from the sender that tries
_ASIDE = timedelta(minutes=1)
_FORGET = timedelta(days=1)

_TROUBLES = select(
    Pacing.key, Pacing.breaker, Pacing.until, Pacing.strikes, Pacing.openings, Pacing.width, Pacing.worker
).where(Pacing.breaker.is_not(None))

log = logging.getLogger(__name__)


class Gate:
    """How far a sender may go in one turn."""

    def __init__(self, session: Session, vault: Vault, worker: str, now: datetime, *, trouble: bool = True) -> None:
        """`trouble=False` where nothing is in the way, as nearly always: then nothing is asked."""
        self._session, self._vault, self._worker, self._now = session, vault, worker, now
        self._rows: dict[str, Any] = {row.key: row for row in session.execute(_TROUBLES)} if trouble else {}

    @property
    def is_shut(self) -> bool:
        """Whether nothing may go to anybody."""
        return self._width(EVERYBODY) == 0

    def leaves_room(self, under_way: Collection[object]) -> bool:
        """Whether one more letter may go while these are under way."""
        width = self._width(EVERYBODY)
        return width is None or len(under_way) < width

    def admit(
        self, ready: Sequence[Ready], under_way: Iterable[Address]
    ) -> tuple[list[Ready], dict[datetime, list[int]]]:
        """Those of these letters that may go now, and the numbers of those that wait for a moment."""
        if not any(self._width(key) is not None for key in self._rows):
            return list(ready), {}
        busy = [self._key(address) for address in under_way]
        room: dict[str, int] = {}
        aside: dict[datetime, list[int]] = defaultdict(list)
        going = []
        # Letters to domains that are in no trouble first: they tell more about the mail server itself.
        for each in sorted(ready, key=lambda each: self._width(self._key(each.recipient)) is not None):
            key = self._key(each.recipient)
            if not self._has_room(EVERYBODY, room, len(busy)):
                break  # it stays where it is
            if self._has_room(key, room, busy.count(key)):
                for lane in (EVERYBODY, key):
                    room[lane] -= lane in self._rows
                going.append(each)
            else:
                aside[self._free_at(key)].append(each.delivery_id)
        return sorted(going, key=lambda each: each.delivery_id), aside

    def heed(self, results: Sequence[Result]) -> None:
        """Draw conclusions from answers. Comes last in a transaction: everybody takes these locks after all others."""
        answered = [each for each in results if each.outcome is not Outcome.UNTRIED]
        if not answered or (not self._rows and all(each.outcome is Outcome.ACCEPTED for each in answered)):
            return
        if MAIL_SERVER in self._rows:
            self._forget(MAIL_SERVER)
        for_everybody = []
        by_domain = defaultdict(list)
        for each in answered:
            by_domain[self._key(each.recipient)].append(each)
        for key, theirs in by_domain.items():
            was_troubled = self._width(key) is not None
            blamed = [each for each in theirs if each.outcome in {Outcome.ACCEPTED, Outcome.OUR_FAULT}]
            is_hasty = any(_asks_for_less(each) for each in blamed)
            self._judge(key, blamed, at=1 if is_hasty else _REFUSALS)
            # What a domain says that has opened is its own affair; the first time it may be everybody's.
            taken = [each for each in theirs if each.outcome is Outcome.ACCEPTED]
            for_everybody += taken if was_troubled else theirs[:1] if is_hasty else theirs
        self._judge(EVERYBODY, for_everybody, at=_REFUSALS)

    def lose(self, why: str) -> None:
        """Note for staff that the mail server can't be reached."""
        insert = insert_into(self._session, Pacing).values(
            key=MAIL_SERVER, next_free_at=0.0, breaker=Breaker.LOST, since=self._now, reason=why
        )
        self._session.execute(
            insert.on_conflict_do_update(index_elements=[Pacing.key], set_={"reason": insert.excluded.reason})
        )

    def _key(self, address: Address) -> str:
        return _DOMAIN + self._vault.pseudonym("recipient domain", address.compared.rpartition("@")[2]).hex()[:32]

    def _width(self, key: str) -> int | None:
        """How many letters may be under way to whom this is about; None for any number."""
        row = self._rows.get(key)
        if row is None or row.breaker not in {Breaker.OPEN, Breaker.RECOVERING}:
            return None
        if row.breaker is Breaker.RECOVERING and row.worker == self._worker:
            return int(row.width)
        return 0 if self._now < row.until else max(1, row.width)

    def _has_room(self, key: str, room: dict[str, int], busy: int) -> bool:
        width = self._width(key)
        if width is None:
            room.setdefault(key, 0)
            return True
        if key not in room:
            room[key] = width - busy if width > busy and self._take(key, width) else 0
        return room[key] > 0

    def _take(self, key: str, width: int) -> bool:
        """Be the one that tries; another sender may have been quicker."""
        took = (
            update(Pacing)
            .where(Pacing.key == key, (Pacing.until <= self._now) | (Pacing.worker == self._worker))
            .where(Pacing.breaker.in_([Breaker.OPEN, Breaker.RECOVERING]))
            .values(breaker=Breaker.RECOVERING, worker=self._worker, width=width, until=self._now + _TRYING)
            .returning(Pacing.key)
        )
        return self._session.connection().execute(took).first() is not None

    def _free_at(self, key: str) -> datetime:
        """When a letter that may not go should be looked at again."""
        row = self._rows[key]
        return max(row.until, self._now + _ASIDE) if row.breaker is Breaker.OPEN else self._now + _ASIDE

    def _judge(self, key: str, results: Sequence[Result], *, at: int) -> None:
        """Count these answers for everybody or for a domain, and open or close where they say so."""
        if not results:
            return
        refused = [each for each in results if each.outcome is not Outcome.ACCEPTED]
        taken = len(refused) < len(results)
        if not refused and key not in self._rows:
            return
        if taken and key not in self._rows and at > 1:
            return  # a refusal among letters that were taken
        self._rows[key] = row = self._hold(key)  # what is concluded now holds for the letters that go next
        is_trying = row.breaker is Breaker.RECOVERING
        if row.breaker is Breaker.OPEN:
            return  # the last words of those that were under way
        if taken and (not refused or not is_trying) and at > 1:
            self._loosen(row, is_trying=is_trying)
            return
        row.strikes += len(refused)
        ours = any(each.outcome is Outcome.OUR_FAULT for each in refused)
        if row.strikes >= at or (is_trying and (ours or row.strikes >= _REFUSALS_WHILE_TRYING)):
            self._open(row, refused[-1])
        else:
            row.until = self._now + (_TRYING if is_trying else _FORGET)

    def _hold(self, key: str) -> Pacing:
        insert = insert_into(self._session, Pacing).values(
            key=key, next_free_at=0.0, breaker=Breaker.WATCHED, since=self._now
        )
        # Written even where it is there: so nobody can forget it before it is read.
        self._session.execute(
            insert.on_conflict_do_update(index_elements=[Pacing.key], set_={"key": insert.excluded.key})
        )
        row = self._session.get_one(Pacing, key, with_for_update=True, populate_existing=True)
        if row.breaker is Breaker.WATCHED and row.until and row.until < self._now:
            row.strikes = 0
        return row

    def _loosen(self, row: Pacing, *, is_trying: bool) -> None:
        """A letter was taken."""
        row.strikes = 0
        if is_trying and row.width < _FULL_WIDTH:
            row.width, row.until = row.width + 1, self._now + _TRYING
            return
        if is_trying:
            log.info("Letters %s are taken again.", _to_whom(row.key))
        self._forget(row.key)

    def _open(self, row: Pacing, result: Result) -> None:
        pause = min(_PAUSE * 2 ** min(row.openings, 10), _LONGEST_PAUSE)
        row.since = row.since if row.openings else self._now
        row.breaker, row.until, row.openings = Breaker.OPEN, self._now + pause, row.openings + 1
        row.strikes, row.width, row.worker = 0, 1, None
        row.reason = str(result.reply)
        log.error(
            "Letters %s are refused (%s). None goes there until %s, and nobody is suppressed for it."
            " `coalition outbox status` tells more; `coalition outbox resume` goes on at once.",
            _to_whom(row.key),
            row.reason,
            f"{row.until:%H:%M} UTC",
        )
        self._session.flush()

    def _forget(self, key: str) -> None:
        self._rows.pop(key, None)
        self._session.execute(delete(Pacing).where(Pacing.key == key))


def resume(session: Session, now: datetime) -> int:
    """Forget what stopped sending, and try at once whatever waits for another try. Returns how many batches wait."""
    session.execute(
        update(Pacing).where(Pacing.breaker == Breaker.STEPPED).values(breaker=None, reason=None, until=now, since=None)
    )
    session.execute(delete(Pacing).where(Pacing.breaker.is_not(None)))
    waiting = update(Batch).where(Batch.state == Claim.OPEN, Batch.dated_at.is_not(None), Batch.due_at > now)
    return len(session.execute(waiting.values(due_at=now).returning(Batch.id)).all())


def troubles(session: Session) -> Sequence[Pacing]:
    """What stops or slows sending, everybody's first; for staff."""
    query = select(Pacing).where(Pacing.breaker.is_not(None), Pacing.breaker != Breaker.WATCHED)
    return session.scalars(query.order_by(Pacing.key.startswith(_DOMAIN), Pacing.key)).all()


def is_of_domain(trouble: Pacing) -> bool:
    """Whether it is about one domain alone."""
    return trouble.key.startswith(_DOMAIN)


def forget_old(session: Session, now: datetime) -> int:
    """Delete what was counted or opened long ago and has not been asked for since."""
    old = delete(Pacing).where(Pacing.breaker.in_([Breaker.WATCHED, Breaker.OPEN, Breaker.RECOVERING]))
    return len(session.execute(old.where(Pacing.until < now - _FORGET).returning(Pacing.key)).all())


def _asks_for_less(result: Result) -> bool:
    """Whether a domain, or what stands before it, says that it gets too much from us (421, 4.7.x)."""
    return result.outcome is Outcome.OUR_FAULT and result.reply.code // 100 == 4


def _to_whom(key: str) -> str:
    return "to one domain" if key.startswith(_DOMAIN) else "to everybody"
