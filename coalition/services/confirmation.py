"""The two buttons of a confirm page. A press may come twice, from a scanner, late, or in twenty threads at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.models import (
    Answer,
    Delivery,
    Ended,
    Form,
    Kind,
    Letter,
    Outbound,
    Request,
    Scope,
    Source,
    State,
    Subscriber,
    Suppression,
    Topic,
    Wording,
)
from coalition.services import consents, notices, requests, settling, subscriptions
from coalition.services.consents import Event
from coalition.vault import Vault

_CONTRARY = timedelta(seconds=60)


class Standing(StrEnum):
    """What a confirm page has to say about its request."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    CONTRARY = "contrary"  # both buttons were pressed within a minute
    SUPERSEDED = "superseded"
    GONE = "gone"


@dataclass(frozen=True)
class Page:
    """One request as its page shows it."""

    standing: Standing
    request: Request | None
    topics: tuple[Topic, ...]


def look(session: Session, nonce: str) -> Page:
    """What the page of this request shows; changes nothing."""
    request = session.scalar(select(Request).where(Request.nonce == nonce, Request.kind == Kind.SIGNUP))
    if request is None or request.subscriber_id is None:
        return Page(Standing.GONE, None, ())
    topics = session.scalars(select(Topic).where(Topic.id.in_(request.topics)).order_by(Topic.order, Topic.id))
    return Page(_standing(session, request), request, tuple(topics))


def press_yes(session: Session, vault: Vault, community: Community, nonce: str, now: datetime) -> Page:
    """Subscribe the person who holds the mailbox to what this request asked for. The second press changes nothing."""
    request, person = _locked(session, nonce)
    if request is None or person is None or _standing(session, request) is Standing.SUPERSEDED:
        return look(session, nonce)
    if request.answer is Answer.YES:
        return look(session, nonce)
    if _contradicts(request, Answer.NO, now):
        return _contrary(session, person, request, now)
    if _contradicts(request, Answer.BOTH, now):
        return look(session, nonce)
    _subscribe(session, community, person, request, now)
    _lift(session, vault, person)
    _chain(session, community, person, request, now)
    request.answer, request.answered_at = Answer.YES, now
    if not _welcome_waits(session, request):
        requests.queue_service(session, now, letter=Letter.WELCOME, request_id=request.id, subscriber_id=person.id)
    session.flush()
    return look(session, nonce)


def press_no(session: Session, nonce: str, now: datetime) -> Page:
    """ "This wasn't me". After a confirmation that is more than a minute old it means leaving all."""
    request, person = _locked(session, nonce)
    if request is None or person is None or request.answer is Answer.NO:
        return look(session, nonce)
    if _contradicts(request, Answer.YES, now):
        return _contrary(session, person, request, now)
    if _contradicts(request, Answer.BOTH, now):
        return look(session, nonce)
    if request.answer is Answer.YES:
        subscriptions.end_all(session, person, Ended.DENIED, now)
        settling.settle_person(session, person, now)
    consents.record(session, person.code, Event.DENIED, now, request=request.nonce, button=Answer.NO)
    request.answer, request.answered_at = Answer.NO, now
    session.flush()
    return look(session, nonce)


def ask_again(session: Session, nonce: str, *, over_limit: bool, now: datetime) -> bool:
    """Ask for the same once more, for a link that came too late. False where the request is forgotten."""
    request = session.scalar(select(Request).where(Request.nonce == nonce, Request.kind == Kind.SIGNUP))
    if request is None:
        return False
    wish = requests.Wish(
        kind=Kind.SIGNUP,
        locale=request.locale,
        form_id=request.form_id,
        topics=tuple(request.topics),
        cadence=request.cadence,
        wording_id=request.wording_id,
        explicit=request.explicit,
        letter_wording_id=request.letter_wording_id,
        origin=request.origin,
    )
    requests.write_down_sealed(
        session, request.address_sealed, request.address_key, wish, over_limit=over_limit, now=now
    )
    return True


def _standing(session: Session, request: Request) -> Standing:
    answered = {
        Answer.YES: Standing.CONFIRMED,
        Answer.NO: Standing.DENIED,
        Answer.BOTH: Standing.CONTRARY,
    }
    if request.answer is not None:
        return answered[request.answer]
    newer = select(Request.id).where(
        Request.subscriber_id == request.subscriber_id,
        Request.kind == Kind.SIGNUP,
        Request.mailed_at.is_not(None),
        Request.id > request.id,
    )
    return Standing.OPEN if session.scalar(newer.limit(1)) is None else Standing.SUPERSEDED


def _locked(session: Session, nonce: str) -> tuple[Request | None, Subscriber | None]:
    """The request and its subscriber as they are once the lock is held: parallel presses queue here."""
    found = session.scalar(select(Request).where(Request.nonce == nonce, Request.kind == Kind.SIGNUP))
    if found is None or found.subscriber_id is None:
        return None, None
    person = subscriptions.lock(session, found.subscriber_id)
    session.refresh(found)
    return found, person


def _contradicts(request: Request, other: Answer, now: datetime) -> bool:
    return request.answer is other and _recent(request, now)


def _recent(request: Request, now: datetime) -> bool:
    return request.answered_at is not None and now - request.answered_at < _CONTRARY


def _contrary(session: Session, person: Subscriber, request: Request, now: datetime) -> Page:
    """A scanner presses everything: take back what the first press did, and wait for a person."""
    if request.answer is Answer.YES:
        begun = [each for each in subscriptions.current(session, person.id) if each.began_at == request.answered_at]
        subscriptions.end(session, person, begun, Ended.DENIED, now)
        if not subscriptions.current(session, person.id):
            person.state = State.PENDING
        settling.settle_person(session, person, now)
    consents.record(session, person.code, Event.DENIED, now, request=request.nonce, contrary=True)
    request.answer, request.answered_at = Answer.BOTH, now
    session.flush()
    return look(session, request.nonce)


def _subscribe(session: Session, community: Community, person: Subscriber, request: Request, now: datetime) -> None:
    held = {subscription.topic_id for subscription in subscriptions.current(session, person.id)}
    open_topics = session.scalars(select(Topic.id).where(Topic.id.in_(request.topics), Topic.open.is_(True)))
    for topic_id in open_topics.all():
        if topic_id not in held and request.cadence is not None:
            subscriptions.begin(session, community, person, topic_id, request.cadence, Source.SIGNUP, now)
    if person.state is not State.ACTIVE:
        person.locale = request.locale  # of the page on which they asked, not of one that they asked on before
    person.state = State.ACTIVE
    person.confirmed_at = now
    person.pause_until = None


def _welcome_waits(session: Session, request: Request) -> bool:
    """Whether the welcome of an earlier press, taken back meanwhile, is still to go: it does for this one too."""
    waiting = select(Delivery.id).where(
        Delivery.request_id == request.id, Delivery.letter == Letter.WELCOME, Delivery.state == Outbound.QUEUED
    )
    return session.scalar(waiting.limit(1)) is not None


def _lift(session: Session, vault: Vault, person: Subscriber) -> None:
    """Who was kept from list mail and now asks for it again, through their own mailbox, gets it again."""
    if person.address_key is None or person.address_sealed is None:
        return
    keys = vault.keys(vault.open(person.address_sealed, person.address_key))
    session.execute(delete(Suppression).where(Suppression.address_key.in_(keys), Suppression.scope == Scope.LIST))


def _chain(session: Session, community: Community, person: Subscriber, request: Request, now: datetime) -> None:
    """Chain all three steps at the press, with their own times: unconfirmed requests leave no trace."""
    form = session.get(Form, request.form_id) if request.form_id else None
    wording = session.get(Wording, request.wording_id) if request.wording_id else None
    consents.record(
        session,
        person.code,
        Event.REQUESTED,
        request.created_at,
        request=request.nonce,
        form=form.slug if form else None,
        origin=request.origin,
        locale=request.locale,
        topics=request.topics,
        names=consents.names(session, request.topics),
        cadence=request.cadence,
        wording=wording.id if wording else None,
        wording_sha256=wording.sha256 if wording else None,
        **({"explicit": request.explicit} if request.explicit else {}),
        **notices.facts(session, request.locale, request.created_at),
    )
    if request.mailed_at is not None:
        consents.record(
            session,
            person.code,
            Event.MAILED,
            request.mailed_at,
            request=request.nonce,
            **_letter(session, community, request),
        )
    consents.record(
        session, person.code, Event.CONFIRMED, now, request=request.nonce, topics=request.topics, button=Answer.YES
    )


def _letter(session: Session, community: Community, request: Request) -> dict[str, object]:
    """Which letter it was, and what it said."""
    text = session.get(Wording, request.letter_wording_id) if request.letter_wording_id else None
    nonce = session.scalar(
        select(Delivery.nonce)
        .where(Delivery.request_id == request.id, Delivery.letter == Letter.CONFIRM)
        .order_by(Delivery.id.desc())
        .limit(1)
    )
    return {
        "message": nonce,  # with the domain, the two sides of the Message-ID
        "domain": community.mail_domain,
        "letter": text.id if text else None,
        "letter_sha256": text.sha256 if text else None,
    }
