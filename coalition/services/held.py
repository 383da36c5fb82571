"""What is held about a person, and why each letter went: for their own eyes, and for staff whom they call."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import false, func, select
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.languages import N_, Language
from coalition.models import (
    AddressChange,
    Audit,
    Bounce,
    Cadence,
    Delivery,
    Issue,
    Letter,
    Outbound,
    Request,
    Subscriber,
    Subscription,
    Topic,
    Variant,
)
from coalition.services import breaches
from coalition.vault import Vault

_WHY = {
    Letter.CONFIRM: N_("Because somebody signed up with your address."),
    Letter.WELCOME: N_("Because you confirmed."),
    Letter.ALREADY_SUBSCRIBED: N_("Because somebody signed up with your address again."),
    Letter.PREFERENCES_LINK: N_("Because somebody asked for a link to your choices."),
    Letter.AGREE_AGAIN: N_("Because what we write about changed in something that you chose."),
    Letter.DIGEST: N_("Because you were subscribed."),
    Letter.MOVE: N_("Because you asked to move to this address."),
    Letter.MOVE_TAKEN: N_("Because somebody wanted to move to your address."),
    Letter.MOVED: N_("Because you moved to another address."),
}


@dataclass(frozen=True)
class LetterSent:
    """One letter to this person. A digest also has its cadence, and the topics that it had news of."""

    letter: Letter | None
    state: Outbound
    at: datetime | None
    nonce: str
    cadence: Cadence | None = None
    topics: tuple[str, ...] = ()

    def why(self, spoken: Language) -> str:
        """The reason, in a sentence to this person."""
        if self.letter is None:
            return ""
        if self.cadence is None or not self.topics:
            return spoken.gettext(_WHY[self.letter])
        topics = spoken.pgettext("between the names of a list", ", ").join(self.topics)
        sentence = spoken.gettext("Because you chose %(topics)s, %(rhythm)s.")
        return sentence % {"topics": topics, "rhythm": spoken.rhythm(self.cadence)}


def letters(session: Session, person: Subscriber) -> list[LetterSent]:
    """The letters to this person, newest first."""
    names = {topic.id: topic.name for topic in session.scalars(select(Topic).order_by(Topic.order, Topic.id))}
    query = (
        select(Delivery, Issue.cadence, Variant.from_positions)
        .outerjoin(Issue, Issue.id == Delivery.issue_id)
        .outerjoin(Variant, Variant.id == Delivery.variant_id)
        .where(Delivery.subscriber_id == person.id)
        .order_by(Delivery.id.desc())
    )
    return [
        LetterSent(
            letter=each.letter,
            state=each.state,
            at=each.ended_at,
            nonce=each.nonce,
            cadence=cadence,
            topics=tuple(name for number, name in names.items() if str(number) in (positions or {})),
        )
        for each, cadence, positions in session.execute(query)
    ]


def subscriptions(session: Session, person: Subscriber) -> list[tuple[Subscription, Topic]]:
    """Every subscription a person ever had, newest first."""
    query = (
        select(Subscription, Topic)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(Subscription.subscriber_id == person.id)
        .order_by(Subscription.id.desc())
    )
    return [(subscription, topic) for subscription, topic in session.execute(query)]


def requests(session: Session, person: Subscriber) -> list[Request]:
    """What was asked with their address lately, newest first; it is forgotten after a week."""
    query = select(Request).where(Request.subscriber_id == person.id).order_by(Request.id.desc())
    return list(session.scalars(query))


def former_addresses(session: Session, vault: Vault, person: Subscriber) -> list[tuple[Address, datetime]]:
    """Addresses that they moved away from and could still put back, and until when."""
    query = select(AddressChange).where(AddressChange.subscriber_id == person.id).order_by(AddressChange.id.desc())
    return [(vault.open(change.old_sealed, change.old_key), change.until) for change in session.scalars(query)]


def looks(session: Session, person: Subscriber) -> list[Audit]:
    """What our staff looked at or did on their behalf, newest first; also lists of many people on which they stood."""
    first = session.scalar(select(func.min(Bounce.came_at)).where(Bounce.subscriber_id == person.id))
    of_all = (Audit.action == "privacy breach") & (Audit.at >= person.created_at)
    of_some = (Audit.action == "bounce list") & (Audit.at >= first) if first is not None else false()
    query = select(Audit).where((Audit.subject == person.code) | of_all | of_some).order_by(Audit.id.desc())
    return [
        each
        for each in session.scalars(query)
        if each.action != "privacy breach" or breaches.was_listed(each.subject or "", person.created_at)
    ]
