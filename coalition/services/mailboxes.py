"""Whose an address is, and which addresses are somebody's: the one where they read, and those that they left lately."""

from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.errors import CoalitionError
from coalition.models import AddressChange, State, Subscriber, Subscription
from coalition.vault import Vault


def of_person(session: Session, vault: Vault, person: Subscriber) -> list[Address]:
    """Where somebody reads, and where they did until lately: as far as it can be opened and is nobody else's by now."""
    changes = select(AddressChange).where(AddressChange.subscriber_id == person.id).order_by(AddressChange.id.desc())
    former = [(change.old_sealed, change.old_key) for change in session.scalars(changes)]
    found = []
    for sealed, key in [(person.address_sealed, person.address_key), *former]:
        with suppress(CoalitionError):  # the key that sealed it is gone
            found += [vault.open(sealed, key)] if sealed is not None and key is not None else []
    return [each for each in found if is_free(session, vault, each, person)]


def of_another(session: Session, vault: Vault, address: Address, person: Subscriber) -> Subscriber | None:
    """Whoever else has an address; None where nobody has."""
    query = select(Subscriber).where(Subscriber.address_key.in_(vault.keys(address)), Subscriber.id != person.id)
    return session.scalar(query)


def is_free(session: Session, vault: Vault, address: Address, person: Subscriber) -> bool:
    """Whether an address can become this person's: it is nobody else's."""
    other = of_another(session, vault, address, person)
    return other is None or not _is_somebody(session, other)


def _is_somebody(session: Session, other: Subscriber) -> bool:
    """Whether an address is more than a sign-up that nobody has confirmed."""
    if other.state is not State.PENDING:
        return True
    return session.scalar(select(Subscription.id).where(Subscription.subscriber_id == other.id).limit(1)) is not None
