"""Moving to another address. It takes effect at a press in the new mailbox; the old one can put it back for a week."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.community import Community
from coalition.db import insert_into
from coalition.models import (
    AddressChange,
    Answer,
    Delivery,
    Kind,
    Letter,
    Request,
    SpentNonce,
    Subscriber,
)
from coalition.services import consents, grievances, journaling, mailboxes, requests, subscriptions
from coalition.services.consents import Event
from coalition.tokens import LIFETIME, Purpose
from coalition.vault import Vault

KEEP_OLD = LIFETIME[Purpose.PUT_BACK]
KEEP_SPENT = LIFETIME[Purpose.FRESH] * 2
_CONTRARY = timedelta(seconds=60)


class Standing(StrEnum):
    """What the pages of a move have to say about it."""

    OPEN = "open"
    MOVED = "moved"
    DENIED = "denied"
    CONTRARY = "contrary"  # both buttons were pressed within a minute
    SUPERSEDED = "superseded"
    TAKEN = "taken"  # the address has become somebody's
    BACK = "back"
    GONE = "gone"


@dataclass(frozen=True)
class Page:
    """One move as its pages show it."""

    standing: Standing
    request: Request | None = None
    person: Subscriber | None = None


def spend(session: Session, nonce: str, now: datetime) -> bool:
    """Use up a fresh link. False where it was used before; of several at once, one gets it."""
    insert = insert_into(session, SpentNonce).values(nonce=nonce, at=now)
    spent = insert.on_conflict_do_nothing(index_elements=[SpentNonce.nonce]).returning(SpentNonce.nonce)
    return session.execute(spent).first() is not None


def is_spent(session: Session, nonce: str) -> bool:
    """Whether a fresh link was used up."""
    return session.get(SpentNonce, nonce) is not None


def look(session: Session, nonce: str) -> Page:
    """What the page in the new mailbox shows; changes nothing."""
    request = session.scalar(select(Request).where(Request.nonce == nonce, Request.kind == Kind.MOVE))
    if request is None or request.subscriber_id is None:
        return Page(Standing.GONE)
    person = session.get(Subscriber, request.subscriber_id)
    if person is None or person.address_sealed is None:
        return Page(Standing.GONE)
    return Page(_standing(session, request), request, person)


def press_yes(session: Session, vault: Vault, community: Community, nonce: str, now: datetime) -> Page:
    """Send everything to the new mailbox from now on. The second press changes nothing."""
    found = _locked(session, vault, nonce)
    request, person = found.request, found.person
    if request is None or person is None or found.standing in {Standing.MOVED, Standing.SUPERSEDED}:
        return found
    if request.answer in {Answer.NO, Answer.BOTH} and _is_recent(request, now):
        request.answer = Answer.BOTH
        session.flush()
        return look(session, nonce)
    new = vault.open(request.address_sealed, request.address_key)
    if not mailboxes.is_free(session, vault, new, person):
        return Page(Standing.TAKEN)
    change = AddressChange(
        subscriber_id=person.id,
        nonce=request.nonce,
        old_sealed=person.address_sealed or b"",
        old_key=person.address_key or b"",
        until=now + KEEP_OLD,
    )
    if not _give(session, vault, person, new, now, kept=request):
        return Page(Standing.TAKEN)
    session.add(change)
    request.answer, request.answered_at = Answer.YES, now
    _chain(session, community, person, request, now)
    # Only now does the letter stand among this person's: before, it would tell whether the address was somebody's.
    session.execute(update(Delivery).where(Delivery.request_id == request.id).values(subscriber_id=person.id))
    requests.queue_service(session, now, letter=Letter.MOVED, request_id=request.id)  # not theirs: it may come back
    session.flush()
    return look(session, nonce)


def press_no(session: Session, vault: Vault, nonce: str, now: datetime) -> Page:
    """ "This wasn't me", in the new mailbox: nothing comes here, and what was moved goes back."""
    found = _locked(session, vault, nonce)
    request, person = found.request, found.person
    if request is None or person is None or request.answer is Answer.NO:
        return found
    if request.answer is Answer.YES:
        change = session.scalar(select(AddressChange).where(AddressChange.nonce == nonce))
        if change is None or not _restore(session, vault, person, change, now, kept=request):
            return found
    is_contrary = request.answer in {Answer.YES, Answer.BOTH} and _is_recent(request, now)
    request.answer, request.answered_at = Answer.BOTH if is_contrary else Answer.NO, now
    session.flush()
    return look(session, nonce)


def look_back(session: Session, nonce: str, now: datetime) -> Page:
    """What the page in the old mailbox shows; changes nothing."""
    change = session.scalar(select(AddressChange).where(AddressChange.nonce == nonce, AddressChange.until > now))
    if change is None:
        return Page(Standing.GONE)
    return Page(Standing.OPEN, person=session.get(Subscriber, change.subscriber_id))


def put_back(session: Session, vault: Vault, nonce: str, now: datetime) -> Page:
    """Take a move back, and every later one: the mailbox that was there first has the say."""
    person = look_back(session, nonce, now).person
    if person is None:
        return Page(Standing.GONE)
    person = subscriptions.lock(session, person.id)
    change = session.scalar(select(AddressChange).where(AddressChange.nonce == nonce, AddressChange.until > now))
    if change is None:
        return Page(Standing.GONE)
    if not _restore(session, vault, person, change, now):
        return Page(Standing.TAKEN, person=person)
    return Page(Standing.BACK, person=person)


def _standing(session: Session, request: Request) -> Standing:
    answered = {Answer.YES: Standing.MOVED, Answer.NO: Standing.DENIED, Answer.BOTH: Standing.CONTRARY}
    if request.answer is not None:
        return answered[request.answer]
    newer = select(Request.id).where(
        Request.subscriber_id == request.subscriber_id,
        Request.kind == Kind.MOVE,
        Request.mailed_at.is_not(None),
        Request.id > request.id,
    )
    return Standing.OPEN if session.scalar(newer.limit(1)) is None else Standing.SUPERSEDED


def _locked(session: Session, vault: Vault, nonce: str) -> Page:
    """The move as it stands once all locks are held. People are locked in one order, or two moves would deadlock."""
    found = look(session, nonce)
    if found.request is None or found.person is None:
        return found
    address = vault.open(found.request.address_sealed, found.request.address_key)
    other = mailboxes.of_another(session, vault, address, found.person)
    for number in sorted({found.person.id, *([other.id] if other else [])}):
        subscriptions.lock(session, number)
    session.refresh(found.request)
    return look(session, nonce)


def _is_recent(request: Request, now: datetime) -> bool:
    return request.answered_at is not None and now - request.answered_at < _CONTRARY


def _give(
    session: Session, vault: Vault, person: Subscriber, address: Address, now: datetime, kept: Request | None
) -> bool:
    """Make an address this person's. Links sent so far end, but the one for leaving. False where it is somebody's."""
    try:
        with session.begin_nested():
            _forget_requests(session, person, kept)
            _absorb(session, vault, person, address)
            if person.address_sealed is not None and person.address_key is not None:
                old = vault.open(person.address_sealed, person.address_key)
                grievances.go_along(session, vault, old, address)
            person.address_sealed, person.address_key = vault.seal(address), vault.key(address)
            person.epoch += 1
    except IntegrityError:  # somebody was quicker
        session.refresh(person)
        return False
    journaling.moved(session, person, vault.keys(address), now)
    return True


def _absorb(session: Session, vault: Vault, person: Subscriber, address: Address) -> None:
    """Take over sign-ups that nobody has confirmed: both came from the one who reads this mailbox."""
    other = mailboxes.of_another(session, vault, address, person)
    if other is None:
        return
    for table in (Request, Delivery):
        taken = update(table).where(table.subscriber_id == other.id).values(subscriber_id=person.id)
        session.execute(taken.execution_options(synchronize_session=False))
    consents.empty(session, other.code)  # that they may have pressed "no"
    session.delete(other)
    session.flush()


def _restore(
    session: Session,
    vault: Vault,
    person: Subscriber,
    change: AddressChange,
    now: datetime,
    kept: Request | None = None,
) -> bool:
    """Give back the address of before a change. What came after that change can't be put back any more."""
    old = vault.open(change.old_sealed, change.old_key)
    if not mailboxes.is_free(session, vault, old, person) or not _give(session, vault, person, old, now, kept):
        return False
    later = (AddressChange.subscriber_id == person.id, AddressChange.id >= change.id)
    session.execute(delete(AddressChange).where(*later).execution_options(synchronize_session=False))
    consents.record(session, person.code, Event.MOVED_BACK, now, request=change.nonce)
    return True


def _forget_requests(session: Session, person: Subscriber, kept: Request | None) -> None:
    """Forget what was asked so far: links in another mailbox must open nothing of this person's any more."""
    ids = session.scalars(select(Request.id).where(Request.subscriber_id == person.id)).all()
    requests.forget(session, [number for number in ids if kept is None or number != kept.id])


def _chain(session: Session, community: Community, person: Subscriber, request: Request, now: datetime) -> None:
    """Link the consent to the new address: who asked, the letter that went there, the press."""
    letter = select(Delivery.nonce).where(Delivery.request_id == request.id, Delivery.letter == Letter.MOVE)
    consents.record(
        session,
        person.code,
        Event.MOVED,
        now,
        request=request.nonce,
        asked=request.created_at.isoformat(),
        mailed=request.mailed_at.isoformat() if request.mailed_at else None,
        message=session.scalar(letter.limit(1)),
        domain=community.mail_domain,
        button=Answer.YES,
    )
