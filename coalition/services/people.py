"""Finding a person: by the code in a link, or by an address that a caller gives to staff."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.errors import BadToken, NotFound
from coalition.models import State, Subscriber
from coalition.vault import Vault


def by_code(session: Session, code: str) -> Subscriber | None:
    """The subscriber with this unsubscribe code, whatever became of them."""
    return session.scalar(select(Subscriber).where(Subscriber.code == code))


def by_token_value(session: Session, value: str) -> Subscriber:
    """The subscriber a preference link names. Raises BadToken where the link was revoked or the person is erased."""
    code, _, rest = value.partition("-")
    person = by_code(session, code)
    if person is None or person.state is State.ERASED or rest.partition("-")[0] != str(person.epoch):
        raise BadToken("This link is no longer good.")
    return person


def by_address(session: Session, vault: Vault, address: Address) -> Subscriber:
    """The subscriber with this address. Raises NotFound."""
    person = session.scalar(select(Subscriber).where(Subscriber.address_key.in_(vault.keys(address))))
    if person is None:
        raise NotFound("Nobody with this address is known here.")
    return person
