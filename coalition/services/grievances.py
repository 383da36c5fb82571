"""Grievances: complaints about how personal data is handled, acknowledged by letter and answered in time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from unicodedata import category

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.errors import BadContent, NotFound, Refused
from coalition.languages import N_
from coalition.models import Delivery, Grievance, Letter, Outbound, Subscriber
from coalition.services import requests
from coalition.services.suppressions import code_of
from coalition.tokens import random_code
from coalition.vault import Vault

# The law gives as long just to say that a complaint has come; that letter goes at once, so this is for the answer.
ANSWER_WITHIN = timedelta(days=30)
LONGEST = 2_000
_LONGEST_ANSWER = 20_000
_A_TIME = 1_000


@dataclass(frozen=True)
class Told:
    """What a letter about a grievance says."""

    number: int
    received_at: datetime
    answer: str = ""


@dataclass(frozen=True)
class Standing:
    """A grievance, and when the letter that it has come was taken by the mail server."""

    grievance: Grievance
    acknowledged_at: datetime | None

    @property
    def due_at(self) -> datetime:
        """Until when it has to be answered."""
        return self.grievance.received_at + ANSWER_WITHIN

    def state(self, now: datetime) -> str:
        """One word for staff."""
        if self.grievance.answered_at is not None:
            return "answered"
        if self.grievance.is_forgotten:
            return "forgotten"
        return "overdue" if now > self.due_at else "open"


def write_down(
    session: Session, vault: Vault, address: Address, text: str, locale: str, *, doubtful: bool, now: datetime
) -> None:
    """Keep a complaint, sealed, without looking who wrote it; a letter says that it has come, unless in doubt."""
    code = random_code()
    delivery_id = None if doubtful else requests.queue_service(session, now, letter=Letter.GRIEVANCE)
    session.add(
        Grievance(
            code=code,
            address_sealed=vault.seal(address),
            address_key=vault.key(address),
            text_sealed=vault.seal_text(text, code.encode()),
            locale=locale,
            doubtful=doubtful,
            received_at=now,
            acknowledgement_id=delivery_id,
            answer_sealed=None,
            answer_id=None,
            answered_at=None,
        )
    )
    session.flush()


def require_text(text: str) -> str:
    """What somebody typed, without what would steer a terminal. Raises BadContent: nothing is left, or too much."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(letter for letter in text if letter in "\n\t" or category(letter) != "Cc").strip()
    if not text:
        raise BadContent(N_("Tell us what happened"))
    if len(text) > LONGEST:
        raise BadContent(N_("Make it shorter: at most 2000 characters"))
    return text


def answer(session: Session, vault: Vault, number: int, text: str, now: datetime, *, by_letter: bool) -> Grievance:
    """Send the answer by letter, or note how it was given. Raises Refused where there is one already."""
    grievance = get(session, number)
    if grievance.answered_at is not None:
        raise Refused(f"Grievance {number} was answered already.")
    if grievance.is_forgotten:
        raise Refused(f"Whoever wrote grievance {number} wanted to be forgotten: there is nobody to answer.")
    text = text.strip()
    if not text or len(text) > _LONGEST_ANSWER:
        raise BadContent(f"An answer has 1 to {_LONGEST_ANSWER} characters.")
    if by_letter:
        grievance.answer_id = requests.queue_service(session, now, letter=Letter.GRIEVANCE_ANSWER)
    grievance.answer_sealed = vault.seal_text(text, grievance.code.encode())
    grievance.answered_at = now
    return grievance


def get(session: Session, number: int) -> Grievance:
    """The grievance with this number, locked until the transaction ends. Raises NotFound."""
    found = session.scalar(select(Grievance).where(Grievance.id == number).with_for_update())
    if found is None:
        raise NotFound("There is no such grievance: `coalition privacy grievance list` shows those there are.")
    return found


def all_of(session: Session) -> list[Standing]:
    """Every grievance, oldest first."""
    return _standing(session, session.scalars(select(Grievance).order_by(Grievance.id)).all())


def standing(session: Session, grievance: Grievance) -> Standing:
    """How one stands."""
    return _standing(session, [grievance])[0]


def overdue(session: Session, now: datetime) -> int:
    """How many have waited for an answer for longer than they may."""
    waiting = select(func.count()).where(Grievance.answered_at.is_(None), Grievance.address_sealed.is_not(None))
    return session.scalar(waiting.where(Grievance.received_at < now - ANSWER_WITHIN)) or 0


def of_person(session: Session, vault: Vault, person: Subscriber) -> list[Standing]:
    """What was written from a person's address, newest first; none where that is gone."""
    if person.address_sealed is None or person.address_key is None:
        return []
    keys = vault.keys(vault.open(person.address_sealed, person.address_key))
    query = select(Grievance).where(Grievance.address_key.in_(keys)).order_by(Grievance.id.desc())
    return _standing(session, session.scalars(query).all())


def go_along(session: Session, vault: Vault, old: Address, new: Address) -> None:
    """Let what was written from an address go along with whoever moves: there they find it, and answers reach them."""
    moved = {"address_sealed": vault.seal(new), "address_key": vault.key(new)}
    session.execute(update(Grievance).where(Grievance.address_key.in_(vault.keys(old))).values(moved))


def address_of(vault: Vault, grievance: Grievance) -> str | None:
    """Who wrote it; None where they are forgotten."""
    if grievance.address_sealed is None or grievance.address_key is None:
        return None
    return vault.open(grievance.address_sealed, grievance.address_key).written


def text_of(vault: Vault, grievance: Grievance) -> str:
    """What was complained about; empty once it is forgotten."""
    return _opened(vault, grievance, grievance.text_sealed)


def answer_of(vault: Vault, grievance: Grievance) -> str:
    """What was answered, or noted about the answer."""
    return _opened(vault, grievance, grievance.answer_sealed)


def writer(session: Session, vault: Vault, grievance: Grievance) -> str:
    """Whom a look by staff concerns: by code whoever has the address, so that they see it; else the number."""
    if grievance.address_sealed is not None and grievance.address_key is not None:
        code = code_of(session, vault, vault.open(grievance.address_sealed, grievance.address_key))
        if code is not None:
            return code
    return f"grievance {grievance.id}"


def of_letter(session: Session, delivery: Delivery) -> Grievance | None:
    """The grievance that a letter is about; None where it is forgotten."""
    about = or_(Grievance.acknowledgement_id == delivery.id, Grievance.answer_id == delivery.id)
    return session.scalar(select(Grievance).where(about, Grievance.address_sealed.is_not(None)))


def told(vault: Vault, grievance: Grievance, letter: Letter | None) -> Told:
    """What a letter says. The acknowledgement repeats nothing: anybody could have typed it, with anybody's address."""
    said = answer_of(vault, grievance) if letter is Letter.GRIEVANCE_ANSWER else ""
    return Told(grievance.id, grievance.received_at, said)


def forget(session: Session, keys: Collection[bytes]) -> int:
    """Empty what was written from an address, and what was answered. That there was a grievance stays.

    Returns how many there were.
    """
    empty = {"address_sealed": None, "address_key": None, "text_sealed": None, "answer_sealed": None}
    theirs = update(Grievance).where(Grievance.address_key.in_(keys)).values(empty)
    return len(session.execute(theirs.returning(Grievance.id)).all())


def forget_old(session: Session, before: datetime) -> int:
    """Delete those that were answered, or forgotten by their writers, before a moment."""
    ended = or_(Grievance.answered_at < before, (Grievance.received_at < before) & Grievance.address_sealed.is_(None))
    ids = list(session.scalars(select(Grievance.id).where(ended).limit(_A_TIME)))
    session.execute(delete(Grievance).where(Grievance.id.in_(ids)))
    return len(ids)


def _opened(vault: Vault, grievance: Grievance, sealed: bytes | None) -> str:
    return vault.open_text(sealed, grievance.code.encode()) if sealed is not None else ""


def _standing(session: Session, found: Sequence[Grievance]) -> list[Standing]:
    letters = [each.acknowledgement_id for each in found if each.acknowledgement_id is not None]
    taken = select(Delivery.id, Delivery.ended_at).where(Delivery.id.in_(letters), Delivery.state == Outbound.SENT)
    moments: dict[int, datetime | None] = {row.id: row.ended_at for row in session.execute(taken)}
    return [Standing(each, moments.get(each.acknowledgement_id or 0)) for each in found]
