"""Erasing a person: nothing is left of them but a code, a keyed hash, and what can be proved without them.

The line in the journal is the intent: a kill in the middle leaves either nothing done, or a line that is done at the
next start.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.db import insert_into
from coalition.errors import CoalitionError
from coalition.models import (
    AddressChange,
    Bounce,
    Delivery,
    Ended,
    Format,
    PauseMode,
    Request,
    Scope,
    SetAside,
    State,
    Subscriber,
    Suppression,
)
from coalition.services import (
    bounces,
    consents,
    grievances,
    journaling,
    limits,
    mailboxes,
    requests,
    settling,
    subscriptions,
    test_letters,
)
from coalition.services.consents import Event
from coalition.vault import Vault

REASON = "erased"


@dataclass(frozen=True)
class Eraser:
    """What erasing needs: the keys, to find every trace, and the language that an empty row speaks."""

    vault: Vault
    locale: str

    def forget(self, session: Session, person: Subscriber, now: datetime) -> None:
        """Erase somebody who wants to be forgotten: also what they agreed to. Twice is as good as once."""
        self._erase(session, person, now, with_consents=True)

    def forget_stranger(self, session: Session, address: Address, now: datetime) -> bool:
        """Forget what is known of an address that is nobody's here: requests, complaints, test letters, mail about it.

        Returns whether there was anything. No hash is kept against writing there: nobody here would.
        """
        keys = list(self.vault.keys(address))
        limits.forget_mailbox(session, self.vault, address, now)
        found = bounces.forget_naming(session, self.vault, address) + self._forget_traces(session, keys)
        if found:
            journaling.erased(session, None, keys, now, with_consents=True)
        return found > 0

    def age_out(self, session: Session, person: Subscriber, now: datetime) -> None:
        """Erase somebody who left long ago. What they agreed to stays until its own limit; it holds no address."""
        self._erase(session, person, now, with_consents=False)

    def erase_again(
        self,
        session: Session,
        code: str | None,
        keys: list[bytes],
        now: datetime,
        *,
        with_consents: bool,
        at: datetime,
    ) -> None:
        """Erase, in a database that was brought back, who was erased before. Who returned since then stays.

        Without a code it was nobody's address then; who has it in this database has moved away from it.
        """
        if code is None:
            self._forget_traces(session, keys)
            return
        named = Subscriber.code == code
        same = Subscriber.address_key.in_(keys)
        for person_id in session.scalars(select(Subscriber.id).where(named | same).order_by(Subscriber.id)).all():
            person = subscriptions.lock(session, person_id)
            if any(each.began_at > at for each in subscriptions.current(session, person.id)):
                return
            self._empty(session, person, keys, now, with_consents=with_consents)
        _forget_requests(session, Request.address_key.in_(keys))
        test_letters.forget(session, self.vault, keys)
        _suppress(session, keys[0], code, now)

    def _erase(self, session: Session, person: Subscriber, now: datetime, *, with_consents: bool) -> None:
        person = subscriptions.lock(session, person.id)
        if person.address_key is None:
            if with_consents:
                consents.empty(session, person.code)
            return
        keys = self._keys(person)
        journaling.erased(session, person.code, keys, now, with_consents=with_consents)
        self._empty(session, person, keys, now, with_consents=with_consents)
        _suppress(session, keys[0], person.code, now)

    def _keys(self, person: Subscriber) -> list[bytes]:
        """All hashes that this address may be found by, the newest first."""
        key = person.address_key or b""
        try:
            address = self.vault.open(person.address_sealed or b"", key)
        except CoalitionError:  # the key that sealed it is gone; the hash is there
            return [key]
        return list(dict.fromkeys([*self.vault.keys(address), key]))

    def _empty(
        self, session: Session, person: Subscriber, keys: Collection[bytes], now: datetime, *, with_consents: bool
    ) -> None:
        subscriptions.end_all(session, person, Ended.ERASED, now)
        self._empty_mailboxes(session, person, now)
        _forget_requests(session, (Request.subscriber_id == person.id) | Request.address_key.in_(keys))
        session.execute(update(Delivery).where(Delivery.subscriber_id == person.id).values(reply=None))
        theirs = (AddressChange.subscriber_id == person.id) | AddressChange.old_key.in_(keys)
        session.execute(delete(AddressChange).where(theirs))
        session.execute(delete(SetAside).where(SetAside.subscriber_id == person.id))
        session.execute(delete(Bounce).where(Bounce.subscriber_id == person.id))
        person.address_sealed = person.address_key = None
        person.locale, person.format = self.locale, Format.HTML
        person.timezone = person.weekday = person.hour = None
        person.pause_until, person.pause_mode = None, PauseMode.CATCH_UP
        person.confirmed_at, person.state = None, State.ERASED
        person.epoch += 1  # links of before open nothing, even if they return
        session.flush()
        settling.settle_person(session, person, now)
        if with_consents:
            consents.empty(session, person.code)
            grievances.forget(session, keys)  # else they wait for their answer, and have a limit of their own
        consents.record(session, person.code, Event.ERASED, now)

    def _empty_mailboxes(self, session: Session, person: Subscriber, now: datetime) -> None:
        """Forget what points to nobody, but tells of an address that they have, or had lately."""
        for address in mailboxes.of_person(session, self.vault, person):
            limits.forget_mailbox(session, self.vault, address, now)
            test_letters.forget(session, self.vault, self.vault.keys(address))
            bounces.forget_naming(session, self.vault, address)

    def _forget_traces(self, session: Session, keys: Collection[bytes]) -> int:
        """Forget what is known by an address alone. Returns how much that was."""
        requests_of_it = session.scalars(select(Request.id).where(Request.address_key.in_(keys))).all()
        requests.forget(session, requests_of_it)
        ways_back = delete(AddressChange).where(AddressChange.old_key.in_(keys)).returning(AddressChange.id)
        found = len(requests_of_it) + len(session.execute(ways_back).all())
        return found + grievances.forget(session, keys) + test_letters.forget(session, self.vault, keys)


def revive(session: Session, vault: Vault, address: Address, locale: str, now: datetime) -> Subscriber | None:
    """The row of somebody who was erased and asks again, so that old codes go on meaning them; None for others."""
    keys = vault.keys(address)
    code = select(Suppression.code).where(Suppression.address_key.in_(keys), Suppression.code.is_not(None))
    erased = select(Subscriber.id).where(Subscriber.code.in_(code), Subscriber.state == State.ERASED)
    found = session.scalar(erased.order_by(Subscriber.id).limit(1))
    if found is None:
        return None
    person = subscriptions.lock(session, found)
    if person.state is State.ERASED:
        person.address_sealed, person.address_key, person.locale = vault.seal(address), vault.key(address), locale
        person.state, person.created_at = State.PENDING, now
        session.flush()
    return person


def _forget_requests(session: Session, which: ColumnElement[bool]) -> None:
    requests.forget(session, session.scalars(select(Request.id).where(which)).all())


def _suppress(session: Session, key: bytes, code: str, now: datetime) -> None:
    """Keep the hash with the code. A suppression that is there reaches as far as it did."""
    insert = insert_into(session, Suppression).values(
        address_key=key, code=code, scope=Scope.LIST, reason=REASON, since=now
    )
    session.execute(insert.on_conflict_do_update(index_elements=[Suppression.address_key], set_={"code": code}))
