"""Test letters: a digest that staff send to an address which they name. Sealed for a week, and linked to nobody."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.errors import CoalitionError
from coalition.models import Delivery, Letter, Outbound
from coalition.services import requests
from coalition.tokens import random_code
from coalition.vault import Vault


def queue(session: Session, vault: Vault, address: Address, variant_id: int, now: datetime) -> None:
    """Send one to an address."""
    nonce = random_code()
    requests.queue_service(
        session,
        now,
        letter=Letter.DIGEST,
        variant_id=variant_id,
        recipient_sealed=vault.seal_text(address.written, nonce.encode()),
        nonce=nonce,
    )


def recipient(vault: Vault, delivery: Delivery) -> Address | None:
    """Whom one went to; None once that is forgotten. Raises CoalitionError where it can't be opened."""
    if delivery.recipient_sealed is None:
        return None
    return Address.known(vault.open_text(delivery.recipient_sealed, delivery.nonce.encode()))


def to(session: Session, vault: Vault, keys: Collection[bytes]) -> list[Delivery]:
    """Those that went to an address, or wait, newest first. They are few: each is opened and compared."""
    kept = select(Delivery).where(Delivery.subscriber_id.is_(None), Delivery.recipient_sealed.is_not(None))
    found = session.scalars(kept.order_by(Delivery.id.desc()))
    return [each for each in found if not _keys(vault, each).isdisjoint(keys)]


def forget(session: Session, vault: Vault, keys: Collection[bytes]) -> int:
    """Forget that any went to an address; one that waits finds nobody then, and ends. Returns how many there were."""
    found = to(session, vault, keys)
    for each in found:
        each.recipient_sealed = None
    session.flush()
    return len(found)


def forget_old(session: Session, before: datetime, most: int) -> int:
    """Forget to whom those went that ended before a moment: the addresses are of no use once they have gone."""
    old = select(Delivery.id).where(
        Delivery.recipient_sealed.is_not(None), Delivery.state != Outbound.QUEUED, Delivery.ended_at < before
    )
    ids = list(session.scalars(old.limit(most)))
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(recipient_sealed=None))
    return len(ids)


def _keys(vault: Vault, delivery: Delivery) -> set[bytes]:
    try:
        address = recipient(vault, delivery)
    except CoalitionError:  # the key that sealed it is gone
        return set()
    return set(vault.keys(address)) if address else set()
