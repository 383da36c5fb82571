"""What to write to a request. Decided here, out of the visitor's sight: the web answers everybody alike."""

from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coalition.models import (
    Delivery,
    Format,
    Kind,
    Letter,
    Outbound,
    Request,
    Scope,
    State,
    Subscriber,
    Suppression,
)
from coalition.services import erasure, mailboxes, subscriptions
from coalition.tokens import LIFETIME, Purpose, random_code
from coalition.vault import Vault

# Somebody who is subscribed is told so at most this often, however often the form is filled in with their address.
_TOLD_AGAIN_AFTER = timedelta(days=7)


def decide(
    session: Session, vault: Vault, delivery: Delivery, request: Request, dated_at: datetime, now: datetime
) -> bool:
    """Set the letter that answers a request, or end the delivery unsent under a name. Returns whether it goes.

    `dated_at` is the date of the letter, from which its links live.
    """
    if delivery.letter is None:
        letter, reason = _letter(session, vault, request, now)
        if letter is None:
            return _end(delivery, reason, now)
        delivery.letter, delivery.subscriber_id = letter, _whose(session, vault, letter, request)
    if _is_stale(delivery.letter, request, dated_at, now):
        return _end(delivery, "stale", now)
    return True


def _is_stale(letter: Letter, request: Request, dated_at: datetime, now: datetime) -> bool:
    """Whether nobody waits for this letter any more, or its link would be dead on arrival."""
    match letter:
        case Letter.CONFIRM | Letter.ALREADY_SUBSCRIBED | Letter.MOVE | Letter.MOVE_TAKEN:
            return now - request.created_at > LIFETIME[Purpose.CONFIRM]
        case Letter.PREFERENCES_LINK:
            return now - dated_at > LIFETIME[Purpose.FRESH]
        case Letter.MOVED:
            return now - dated_at > LIFETIME[Purpose.PUT_BACK]
    return False


def _letter(session: Session, vault: Vault, request: Request, now: datetime) -> tuple[Letter | None, str]:
    if request.over_limit:
        return None, "over limit"
    address = vault.open(request.address_sealed, request.address_key)
    keys = vault.keys(address)
    scope = session.scalar(select(Suppression.scope).where(Suppression.address_key.in_(keys)))
    if scope is Scope.ALL or (request.kind is Kind.MOVE and scope is not None):
        return None, "suppressed"
    person = session.scalar(select(Subscriber).where(Subscriber.address_key.in_(keys)))
    if request.kind is Kind.MOVE:
        return _letter_of_a_move(session, vault, request)
    if request.kind is Kind.LINK:
        if person is None or person.state not in {State.ACTIVE, State.LEFT} or scope is not None:
            return None, "unknown"
        request.subscriber_id = person.id
        return Letter.PREFERENCES_LINK, ""
    person = (
        person or erasure.revive(session, vault, address, request.locale, now) or _make(session, vault, request, now)
    )
    request.subscriber_id = person.id
    if person.state is State.ACTIVE and scope is None and subscriptions.current(session, person.id):
        return (None, "told lately") if _told_lately(session, person, now) else (Letter.ALREADY_SUBSCRIBED, "")
    return Letter.CONFIRM, ""


def _letter_of_a_move(session: Session, vault: Vault, request: Request) -> tuple[Letter | None, str]:
    mover = session.get(Subscriber, request.subscriber_id) if request.subscriber_id else None
    if mover is None or mover.address_sealed is None:
        return None, "forgotten"
    address = vault.open(request.address_sealed, request.address_key)
    return (Letter.MOVE if mailboxes.is_free(session, vault, address, mover) else Letter.MOVE_TAKEN), ""


def _whose(session: Session, vault: Vault, letter: Letter, request: Request) -> int | None:
    """Whose letter it is: who reads about it in their data, and is written to no more if it comes back.

    One to an address that somebody wants to move to is nobody's yet. They must not see in their data whether it went,
    and lose nothing because they mistyped it.
    """
    if letter is Letter.MOVE:
        return None
    if letter is Letter.MOVE_TAKEN:
        keys = vault.keys(vault.open(request.address_sealed, request.address_key))
        return session.scalar(select(Subscriber.id).where(Subscriber.address_key.in_(keys)))
    return request.subscriber_id


def _make(session: Session, vault: Vault, request: Request, now: datetime) -> Subscriber:
    """The subscriber of a request, made; two senders that make the same one end with one.

    Under the newest keys, whatever the request was written with: two requests from before and after a rotation must
    not make two people.
    """
    address = vault.open(request.address_sealed, request.address_key)
    key = vault.key(address)
    person = Subscriber(
        code=random_code(),
        address_sealed=vault.seal(address),
        address_key=key,
        locale=request.locale,
        format=Format.HTML,
        timezone=None,
        weekday=None,
        hour=None,
        pause_until=None,
        epoch=1,
        state=State.PENDING,
        created_at=now,
        confirmed_at=None,
    )
    try:
        with session.begin_nested():
            session.add(person)
    except IntegrityError:
        return session.scalars(select(Subscriber).where(Subscriber.address_key == key)).one()
    return person


def _told_lately(session: Session, person: Subscriber, now: datetime) -> bool:
    """Whether they were told, may have been, or are about to be. Two senders ask one after the other."""
    subscriptions.lock(session, person.id)
    told = select(Delivery.id).where(
        Delivery.subscriber_id == person.id,
        Delivery.letter == Letter.ALREADY_SUBSCRIBED,
        or_(
            Delivery.state == Outbound.QUEUED,
            and_(Delivery.state.in_([Outbound.SENT, Outbound.UNCERTAIN]), Delivery.ended_at > now - _TOLD_AGAIN_AFTER),
        ),
    )
    return session.scalar(told.limit(1)) is not None


def _end(delivery: Delivery, reason: str, now: datetime) -> bool:
    delivery.state, delivery.reason, delivery.ended_at = Outbound.SKIPPED, reason, now
    return False
