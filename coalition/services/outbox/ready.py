"""A letter that goes next."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from coalition.address import Address
from coalition.models import Delivery, Letter, Request, Subscriber
from coalition.services.grievances import Told
from coalition.services.outbox.glance import Goes


class Ready(NamedTuple):
    """A delivery that goes now, with all that composing it needs; nothing is read from the database after this.

    Whoever makes one of a row says what all letters have with `of`, and the rest with `_replace`.
    """

    delivery_id: int
    letter: Letter
    nonce: str
    dated_at: datetime
    recipient: Address
    locale: str
    variant_id: int | None = None
    person: Subscriber | Goes | None = None
    request: Request | None = None
    grievance: Told | None = None
    purposes: tuple[tuple[str, str], ...] = ()  # names of topics, and what each is for now
    topics: tuple[str, ...] = ()
    since: Mapping[str, datetime] = MappingProxyType({})  # slug of a topic -> when this reader agreed to it
    origin: str | None = None

    @classmethod
    def of(cls, delivery: Delivery, letter: Letter, dated_at: datetime, recipient: Address, locale: str) -> "Ready":
        """What every letter has."""
        return cls(delivery.id, letter, delivery.nonce, dated_at, recipient, locale)
