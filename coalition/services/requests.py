"""Requests: what was asked, written down without looking who asked. The sender decides what to write."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.models import Batch, Cadence, Claim, Delivery, Kind, Lane, Letter, Outbound, Request
from coalition.tokens import random_code
from coalition.vault import Vault


@dataclass(frozen=True)
class Wish:
    """What was asked on a form; for a link, hardly anything."""

    kind: Kind
    locale: str
    form_id: int | None = None
    topics: tuple[int, ...] = ()
    cadence: Cadence | None = None
    wording_id: int | None = None
    explicit: Mapping[str, int] | None = None
    letter_wording_id: int | None = None
    subscriber_id: int | None = None  # where it is known who asks
    origin: str | None = None


def write_down(
    session: Session, vault: Vault, address: Address, wish: Wish, *, over_limit: bool, now: datetime
) -> None:
    """One request, one service batch, one delivery whose letter is open: the same three rows for everybody."""
    write_down_sealed(session, vault.seal(address), vault.key(address), wish, over_limit=over_limit, now=now)


def write_down_sealed(
    session: Session, sealed: bytes, key: bytes, wish: Wish, *, over_limit: bool, now: datetime
) -> None:
    """The same for an address that is sealed already, as when a page we know asks for a fresh link."""
    request = insert(Request).values(
        kind=wish.kind,
        nonce=random_code(),
        address_sealed=sealed,
        address_key=key,
        form_id=wish.form_id,
        topics=list(wish.topics),
        cadence=wish.cadence,
        wording_id=wish.wording_id,
        explicit=dict(wish.explicit) if wish.explicit else None,
        letter_wording_id=wish.letter_wording_id,
        subscriber_id=wish.subscriber_id,
        locale=wish.locale,
        origin=wish.origin,
        over_limit=over_limit,
        created_at=now,
    )
    request_id = session.execute(request.returning(Request.id)).scalar_one()
    queue_service(session, now, request_id=request_id)


def forget(session: Session, ids: Collection[int]) -> None:
    """Delete requests; the letters that they caused stay in the ledger."""
    session.execute(update(Delivery).where(Delivery.request_id.in_(ids)).values(request_id=None))
    session.execute(delete(Request).where(Request.id.in_(ids)))


def queue_service(
    session: Session,
    now: datetime,
    *,
    letter: Letter | None = None,
    request_id: int | None = None,
    subscriber_id: int | None = None,
    variant_id: int | None = None,
    recipient_sealed: bytes | None = None,
    nonce: str | None = None,
) -> int:
    """Queue one service letter, due at once. Returns the number of the delivery."""
    batch = insert(Batch).values(lane=Lane.SERVICE, due_at=now, state=Claim.OPEN, fence=0)
    batch_id = session.execute(batch.returning(Batch.id)).scalar_one()
    delivery = insert(Delivery).values(
        batch_id=batch_id,
        letter=letter,
        request_id=request_id,
        subscriber_id=subscriber_id,
        variant_id=variant_id,
        recipient_sealed=recipient_sealed,
        nonce=nonce or random_code(),
        state=Outbound.QUEUED,
        attempts=0,
    )
    return session.execute(delivery.returning(Delivery.id)).scalar_one()
