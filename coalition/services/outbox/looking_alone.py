"""The last look at letters that belong to no issue, one by one: service letters, answers to complaints, tests."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.errors import CoalitionError
from coalition.models import (
    AddressChange,
    Delivery,
    Form,
    Letter,
    Outbound,
    Request,
    Scope,
    State,
    Subscriber,
    Suppression,
    Topic,
    Variant,
)
from coalition.services import grievances, purposes, subscriptions, suppressions
from coalition.services.outbox.claims import Claimed
from coalition.services.outbox.deciding import decide
from coalition.services.outbox.ready import Ready
from coalition.vault import Vault

_ABOUT_A_GRIEVANCE = frozenset({Letter.GRIEVANCE, Letter.GRIEVANCE_ANSWER})
_ASKED_FOR = _ABOUT_A_GRIEVANCE | {Letter.CONFIRM}


def look_alone(session: Session, vault: Vault, claimed: Claimed, delivery: Delivery, now: datetime) -> Ready | None:
    """A service letter or a test letter; where its address can't be opened, it has failed and the others go on."""
    try:
        if delivery.recipient_sealed is not None:
            return _test_letter(session, vault, claimed, delivery, now)
        if delivery.letter in _ABOUT_A_GRIEVANCE:
            return _about_a_grievance(session, vault, claimed, delivery, now)
        if delivery.letter is Letter.AGREE_AGAIN:
            return _ask_again(session, vault, claimed, delivery, now)
        return _look_at_service(session, vault, claimed, delivery, now)
    except CoalitionError:
        delivery.state, delivery.reason, delivery.ended_at = Outbound.FAILED, "address unreadable", now
        return None


def _look_at_service(
    session: Session, vault: Vault, claimed: Claimed, delivery: Delivery, now: datetime
) -> Ready | None:
    request = session.get(Request, delivery.request_id) if delivery.request_id else None
    if request is None or not decide(session, vault, delivery, request, claimed.dated_at, now):
        if delivery.state is Outbound.QUEUED:
            _skip(delivery, "forgotten", now)
        return None
    number = delivery.subscriber_id or request.subscriber_id
    person = session.get(Subscriber, number, populate_existing=True) if number else None
    recipient = _recipient(session, vault, delivery, request, person) if person else None
    if (
        person is None
        or recipient is None
        or person.state is State.ERASED
        or _suppressed(session, vault, recipient, delivery)
    ):
        _skip(delivery, "suppressed", now)
        return None
    if delivery.letter is Letter.WELCOME and person.state is not State.ACTIVE:
        # Left, or "this wasn't me", while the letter waited.
        _skip(delivery, "left", now)
        return None
    session.flush()
    letter = delivery.letter or Letter.CONFIRM
    # A stranger is asked in the language of the page; who is known has chosen one.
    locale = request.locale if delivery.letter is Letter.CONFIRM else person.locale
    return Ready.of(delivery, letter, claimed.dated_at, recipient, locale)._replace(
        person=person,
        request=request,
        topics=_topic_names(session, delivery, request, person),
        origin=_known_origin(session, request),
    )


def _recipient(
    session: Session, vault: Vault, delivery: Delivery, request: Request, person: Subscriber
) -> Address | None:
    """Where a service letter goes: to the person, but for the two mailboxes of a move. None: it is forgotten."""
    if delivery.letter is Letter.MOVE:
        return vault.open(request.address_sealed, request.address_key)
    if delivery.letter is Letter.MOVED:
        change = session.scalar(select(AddressChange).where(AddressChange.nonce == request.nonce))
        return vault.open(change.old_sealed, change.old_key) if change else None
    return _address_of(vault, person)


def _address_of(vault: Vault, person: Subscriber) -> Address | None:
    """None where they are forgotten."""
    return vault.open(person.address_sealed, person.address_key or b"") if person.address_sealed else None


def _test_letter(session: Session, vault: Vault, claimed: Claimed, delivery: Delivery, now: datetime) -> Ready | None:
    variant = session.get_one(Variant, delivery.variant_id)
    recipient = Address.parse(vault.open_text(delivery.recipient_sealed or b"", delivery.nonce.encode()))
    if suppressions.is_suppressed(session, vault, recipient):
        _skip(delivery, "suppressed", now)
        return None
    ready = Ready.of(delivery, Letter.DIGEST, claimed.dated_at, recipient, variant.locale)
    return ready._replace(variant_id=variant.id)


def _about_a_grievance(
    session: Session, vault: Vault, claimed: Claimed, delivery: Delivery, now: datetime
) -> Ready | None:
    """To whoever complained, subscribed or not."""
    grievance = grievances.of_letter(session, delivery)
    if grievance is None:
        _skip(delivery, "forgotten", now)
        return None
    recipient = vault.open(grievance.address_sealed or b"", grievance.address_key or b"")
    if _suppressed(session, vault, recipient, delivery):
        _skip(delivery, "suppressed", now)
        return None
    letter = delivery.letter or Letter.GRIEVANCE
    ready = Ready.of(delivery, letter, claimed.dated_at, recipient, grievance.locale)
    return ready._replace(grievance=grievances.told(vault, grievance, delivery.letter))


def _ask_again(session: Session, vault: Vault, claimed: Claimed, delivery: Delivery, now: datetime) -> Ready | None:
    """To whoever has not agreed yet to what a topic is for now."""
    person = session.get(Subscriber, delivery.subscriber_id, populate_existing=True) if delivery.subscriber_id else None
    waiting = purposes.waiting(session, person.id) if person else []
    recipient = _address_of(vault, person) if person else None
    if person is None or recipient is None or not waiting or _suppressed(session, vault, recipient, delivery):
        _skip(delivery, "needs no asking", now)
        return None
    ready = Ready.of(delivery, Letter.AGREE_AGAIN, claimed.dated_at, recipient, person.locale)
    return ready._replace(person=person, purposes=tuple((topic.name, topic.description) for topic in waiting))


def _skip(delivery: Delivery, reason: str, now: datetime) -> None:
    """End a letter that has nobody to go to, or need not go."""
    delivery.state, delivery.reason, delivery.ended_at = Outbound.SKIPPED, reason, now


def _topic_names(session: Session, delivery: Delivery, request: Request, person: Subscriber) -> tuple[str, ...]:
    """What a confirm letter asks about, and what a welcome letter says one gets."""
    ids = set(request.topics)
    if delivery.letter is Letter.WELCOME:
        ids = {each.topic_id for each in subscriptions.current(session, person.id)}
    query = select(Topic.name).where(Topic.id.in_(ids)).order_by(Topic.order, Topic.id)
    return tuple(session.scalars(query))


def _suppressed(session: Session, vault: Vault, recipient: Address, delivery: Delivery) -> bool:
    """What somebody asked for themselves stops only where nothing may go at all; the others at any suppression."""
    query = select(Suppression.scope).where(Suppression.address_key.in_(vault.keys(recipient)))
    scopes = set(session.scalars(query))
    return Scope.ALL in scopes if delivery.letter in _ASKED_FOR else bool(scopes)


def _known_origin(session: Session, request: Request) -> str | None:
    """The site the form stands on, where staff listed it. Any other could be an advertisement in our letter."""
    form = session.get(Form, request.form_id) if request.form_id else None
    return request.origin if form is not None and request.origin in form.origins else None
