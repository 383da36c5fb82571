"""Whether the consent chain is whole: every row as it was written, none missing, none in another place."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coalition.models import Consent, Wording
from coalition.services import wordings
from coalition.services.counters import CONSENT, newest

START = bytes(32)
_A_TIME = 1_000
_MOST_FAULTS = 50


@dataclass(frozen=True)
class Head:
    """Where the chain ends: the number of its last row, and the hash that all rows before it lead to."""

    seq: int
    hash: bytes


@dataclass(frozen=True)
class Verdict:
    """What was found: how many rows, where the chain ends, and what is wrong, one sentence each."""

    rows: int
    head: Head
    faults: list[str]


def hash_of_content(salt: bytes, content: str) -> bytes:
    """The fingerprint of a row's content; without the salt it can't be guessed from a guessed content."""
    return hashlib.sha256(salt + content.encode()).digest()


def hash_of_row(previous: bytes, content_hash: bytes) -> bytes:
    """The seal of a row, which depends on all rows before it."""
    return hashlib.sha256(previous + content_hash).digest()


def head(session: Session) -> Head:
    """The last row, or the start where there is none."""
    row = session.execute(select(Consent.seq, Consent.hash).order_by(Consent.seq.desc()).limit(1)).first()
    return Head(row.seq, row.hash) if row else Head(0, START)


def length(session: Session) -> int:
    """How many rows there are to read."""
    return session.scalar(select(func.count()).select_from(Consent)) or 0


def hashes(session: Session, numbers: Sequence[int]) -> dict[int, bytes]:
    """The hashes of these rows, as far as they are there."""
    found: dict[int, bytes] = {}
    for first in range(0, len(numbers), _A_TIME):
        some = Consent.seq.in_(numbers[first : first + _A_TIME])
        found.update(session.execute(select(Consent.seq, Consent.hash).where(some)).all())
    return found


def verify(session: Session, anchors: Iterable[Head], step: Callable[[int], None] = lambda rows: None) -> Verdict:
    """Recompute the whole chain and compare it with what was noted outside the database.

    `step` is told how many rows were read since the last time.
    """
    noted: dict[int, set[bytes]] = {}
    for anchor in anchors:
        noted.setdefault(anchor.seq, set()).add(anchor.hash)
    rows, end, faults = 0, Head(0, START), list(_wordings_that_changed(session))
    for page in _pages(session):
        for row in page:
            faults += _faults(row, end)
            if noted.pop(row.seq, {row.hash}) != {row.hash}:
                faults.append(f"Row {row.seq} is not the one that was noted outside the database.")
            end = Head(row.seq, row.hash)
        rows += len(page)
        step(len(page))
    counted = newest(session, CONSENT)
    if counted > end.seq:
        faults.append(f"Rows {end.seq + 1} to {counted} are missing: they were written once.")
    if lost := [seq for seq in noted if seq > end.seq]:
        faults.append(f"The chain ends at row {end.seq}, but row {max(lost)} was noted outside the database.")
    return Verdict(rows, end, list(islice(faults, _MOST_FAULTS)))


def _pages(session: Session) -> Iterator[list[Consent]]:
    last: int | None = None
    while True:
        query = select(Consent).order_by(Consent.seq).limit(_A_TIME)
        page = list(session.scalars(query if last is None else query.where(Consent.seq > last)))
        if not page:
            return
        yield page
        last = page[-1].seq
        session.expunge_all()


def _faults(row: Consent, previous: Head) -> Iterator[str]:
    expected = previous.seq + 1
    if row.seq == expected + 1:
        yield f"Row {expected} is missing."
    elif row.seq != expected:
        yield f"Rows {expected} to {row.seq - 1} are missing."
    if row.hash != hash_of_row(previous.hash, row.content_hash):
        yield f"Row {row.seq} does not follow from row {previous.seq}: one of them was altered or moved."
    if row.content is None and row.salt is None:
        return  # erased, or aged out: the hashes are all that stays
    if row.content is None or row.salt is None or row.content_hash != hash_of_content(row.salt, row.content):
        yield f"Row {row.seq} has another content than it was written with."
    elif json.loads(row.content).get("subject", row.subject) != row.subject:
        yield f"Row {row.seq} was given to another person."


def _wordings_that_changed(session: Session) -> Iterator[str]:
    for wording in session.scalars(select(Wording).order_by(Wording.id)):
        if not wordings.fits(wording):
            yield f"Wording {wording.id} has another text than it was kept with."
