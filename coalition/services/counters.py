"""Numbers in commit order."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coalition.models import Counter

POSITION = "position"
CONSENT = "consent"


def raise_counter(session: Session, name: str) -> int:
    """The next number. The row stays locked until the transaction ends, so later numbers commit later."""
    raised = update(Counter).where(Counter.name == name).values(value=Counter.value + 1).returning(Counter.value)
    return session.execute(raised).scalar_one()


def newest(session: Session, name: str, *, lock: bool = False) -> int:
    """The number given last. With `lock`, no other can be given until the transaction ends."""
    query = select(Counter.value).where(Counter.name == name)
    return session.execute(query.with_for_update() if lock else query).scalar_one()
