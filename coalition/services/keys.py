"""Keys: what the database knows of its rings, and sealing anew what an older key has sealed."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from coalition.db import insert_into
from coalition.errors import CoalitionError
from coalition.models import AddressChange, Delivery, Grievance, JobRun, KnownKey, Request, SetAside, Subscriber
from coalition.rings import Ring
from coalition.vault import Vault

_A_TIME = 500
_SEALED_ANEW = "seal anew"


@dataclass(frozen=True)
class Column:
    """Sealed values of one table, and what each of them is bound to."""

    number: InstrumentedAttribute[int]
    sealed: InstrumentedAttribute[Any]
    bound_to: InstrumentedAttribute[Any]


# All that is sealed. A test compares this with the tables.
SEALED = (
    Column(Subscriber.id, Subscriber.address_sealed, Subscriber.address_key),
    Column(Request.id, Request.address_sealed, Request.address_key),
    Column(Delivery.id, Delivery.recipient_sealed, Delivery.nonce),
    Column(SetAside.id, SetAside.sealed, SetAside.digest),
    Column(AddressChange.id, AddressChange.old_sealed, AddressChange.old_key),
    Column(Grievance.id, Grievance.address_sealed, Grievance.address_key),
    Column(Grievance.id, Grievance.text_sealed, Grievance.code),
    Column(Grievance.id, Grievance.answer_sealed, Grievance.code),
)


def remember(session: Session, ring: Ring) -> None:
    """Let the database know the keys of a ring, and no other of that name."""
    session.execute(delete(KnownKey).where(KnownKey.name == ring.name, KnownKey.fingerprint.not_in(ring.fingerprints)))
    rows = [{"name": ring.name, "fingerprint": mark} for mark in ring.fingerprints]
    session.execute(insert_into(session, KnownKey).values(rows).on_conflict_do_nothing())


def held(session: Session) -> Counter[int]:
    """How many values each key of the ring `sealing` has sealed, by its number."""
    found: Counter[int] = Counter()
    for column in SEALED:
        number = func.substr(column.sealed, 1, 1)
        query = select(number, func.count()).where(column.sealed.is_not(None)).group_by(number)
        found.update({first[0]: n for first, n in session.execute(query)})
    return found


def seal_anew(session: Session, vault: Vault, column: Column, after: int) -> tuple[int, int]:
    """Seal the next values that an older key has sealed, few enough for one transaction.

    Returns the number of the last row looked at (0: there are no more) and how many were sealed. What can't be opened
    stays as it is.
    """
    newest = vault.sealing.newest[0]
    rows = session.execute(
        select(column.number, column.sealed, column.bound_to)
        .where(func.substr(column.sealed, 1, 1) != bytes([newest]), column.number > after)
        .order_by(column.number)
        .limit(_A_TIME)
    ).all()
    done = 0
    for number, sealed, bound_to in rows:
        try:
            fresh = vault.seal_anew(sealed, bound_to.encode() if isinstance(bound_to, str) else bound_to)
        except CoalitionError:
            continue
        # Only where nobody has written meanwhile: their value counts.
        unchanged = update(column.number.class_).where(column.number == number, column.sealed == sealed)
        session.execute(unchanged.values({column.sealed: fresh}).execution_options(synchronize_session=False))
        done += 1
    return (rows[-1][0] if len(rows) == _A_TIME else 0), done


def is_settled(session: Session, vault: Vault) -> bool:
    """Whether everything was found to be sealed with the newest key."""
    ring = vault.sealing
    if len(ring.keys) == 1:
        return True
    return session.get(JobRun, (_SEALED_ANEW, ring.fingerprints[-1])) is not None


def note_settled(session: Session, vault: Vault, now: datetime) -> None:
    """Remember that everything was, so that nobody looks at every row again."""
    row = insert_into(session, JobRun).values(name=_SEALED_ANEW, slot=vault.sealing.fingerprints[-1], at=now)
    session.execute(row.on_conflict_do_nothing())
