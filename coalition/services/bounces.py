"""What follows from a letter that came back, and from "this is spam": what is sure is done once, the rest is set aside.

Nothing follows from an address in a report: anybody could write one. A return path that only we can make names the
delivery; a spam report may also name it by its Message-ID, because somebody we trust answers for the whole report.
"""

import hashlib
import re
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.community import Community
from coalition.db import insert_into
from coalition.errors import BadAddress, CoalitionError, NotFound
from coalition.mail.replies import Outcome, Reply, classify
from coalition.mail.reports import Kind, Report
from coalition.mail.return_paths import ReturnPath, ReturnPaths
from coalition.models import Bounce, Delivery, Fate, SetAside, State, Subscriber, Suppression
from coalition.services import failing, spam_rate, subscriptions, suppressions
from coalition.services.suppressions import Cause
from coalition.vault import Vault

KEEP_ASIDE = timedelta(days=30)
KEEP_BOUNCES = timedelta(days=400)
_MOST_KEPT, _LONGEST_KEPT = 10_000, 65_536  # messages set aside, and bytes of each
_A_TIME = 100  # messages opened at once, where they are searched
_MESSAGE_ID = re.compile(r"<([a-z2-7]{26})@([^<>@\s]+)>", re.ASCII)


class Done(StrEnum):
    """What followed from one message."""

    SUPPRESSED = "suppressed"
    NOTED = "noted"
    KNOWN = "known already"
    PASSED_OVER = "passed over"  # nothing follows from it: an answer of a machine, a letter that arrived after all
    SET_ASIDE = "set aside"


class Returns:
    """Where the mail that comes back is dealt with, for one community."""

    def __init__(self, community: Community, vault: Vault, return_paths: ReturnPaths) -> None:
        self._community, self._vault, self._return_paths = community, vault, return_paths

    def deal_with(self, session: Session, raw: bytes, report: Report, now: datetime) -> Done:
        """Do what follows from a message. Twice is as good as once, and the order does not matter."""
        if report.kind in {Kind.AUTOMATIC, Kind.NOT_SPAM}:
            return Done.PASSED_OVER
        found = self._delivery(session, report)
        delivery, path = found if found else (None, None)
        why = self._doubt(report, delivery)
        if delivery is None or why:
            return self._set_aside(session, raw, why, delivery, now)
        person = subscriptions.lock(session, delivery.subscriber_id) if delivery.subscriber_id else None
        keys = self._keys(person)
        if person is not None and (not keys or (path is not None and not path.leads_from(keys))):
            return Done.PASSED_OVER  # they are erased, or it went to an address that is theirs no more
        if report.kind is Kind.SPAM:
            return self._record(session, delivery, person, Fate.SPAM, None, None, now)
        recipient = report.about(lambda named: self._is_one_of(named, keys))
        if recipient is None or recipient.fate is None:
            return Done.PASSED_OVER
        return self._record(session, delivery, person, recipient.fate, recipient.status, recipient.said, now)

    def _delivery(self, session: Session, report: Report) -> tuple[Delivery, ReturnPath | None] | None:
        """The one delivery that a report names by marks of ours."""
        paths = set().union(*map(self._return_paths.read, report.places))
        nonces: dict[str, ReturnPath | None] = {path.nonce: path for path in paths}
        if not nonces and self._is_vouched(report):
            named = _MESSAGE_ID.search(report.message_id)
            nonces = {named[1]: None} if named and named[2].lower() == self._community.mail_domain else {}
        if len(nonces) != 1:
            return None
        [(nonce, path)] = nonces.items()
        delivery = session.scalar(select(Delivery).where(Delivery.nonce == nonce))
        return (delivery, path) if delivery else None

    def _is_vouched(self, report: Report) -> bool:
        return report.kind is Kind.SPAM and not report.vouched.isdisjoint(self._community.spam_reporters)

    def _doubt(self, report: Report, delivery: Delivery | None) -> str:
        """Why nothing may follow from a message; empty where it is beyond doubt."""
        if report.kind is Kind.UNSURE:
            return report.why
        if report.kind is Kind.SPAM and not self._is_vouched(report):
            return "a spam report that nobody we trust answers for"
        return "" if delivery else f"a {report.kind} that names no one letter of ours"

    def _keys(self, person: Subscriber | None) -> tuple[bytes, ...]:
        if person is None or person.state is State.ERASED or not person.address_sealed or not person.address_key:
            return ()
        return self._vault.keys(self._vault.open(person.address_sealed, person.address_key))

    def _is_one_of(self, named: str, keys: tuple[bytes, ...]) -> bool:
        try:
            return self._vault.key(Address.parse(named)) in keys
        except BadAddress:
            return False

    def _record(
        self,
        session: Session,
        delivery: Delivery,
        person: Subscriber | None,
        fate: Fate,
        status: str | None,
        said: str | None,
        now: datetime,
    ) -> Done:
        sent_at = delivery.ended_at or now
        insert = insert_into(session, Bounce).values(
            delivery_id=delivery.id,
            subscriber_id=delivery.subscriber_id,
            fate=fate,
            status=status,
            said=said,
            sent_at=sent_at,
            came_at=now,
        )
        once = insert.on_conflict_do_nothing(index_elements=["delivery_id", "fate"]).returning(Bounce.id)
        if session.execute(once).first() is None:
            return Done.KNOWN
        cause = failing.cause(session, person, fate, sent_at)
        if person is not None and cause is not None:
            suppressions.suppress(session, person.id, cause, now)
        if fate is Fate.SPAM and delivery.issue_id is not None:
            spam_rate.watch(session, sent_at)
        return Done.SUPPRESSED if cause else Done.NOTED

    def _set_aside(self, session: Session, raw: bytes, why: str, delivery: Delivery | None, now: datetime) -> Done:
        digest = hashlib.sha256(raw).digest()
        many = (session.scalar(select(func.count()).select_from(SetAside)) or 0) >= _MOST_KEPT
        text = raw[:_LONGEST_KEPT].decode("latin-1")
        insert = insert_into(session, SetAside).values(
            digest=digest,
            subscriber_id=delivery.subscriber_id if delivery else None,
            why=why,
            size=len(raw),
            sealed=None if many else self._vault.seal_text(text, digest),
            came_at=now,
        )
        once = insert.on_conflict_do_nothing(index_elements=["digest"]).returning(SetAside.id)
        return Done.SET_ASIDE if session.execute(once).first() else Done.KNOWN


def refused(session: Session, delivery: Delivery, reply: Reply, now: datetime) -> None:
    """Note a letter that the mail server refused for good, as if it had come back. Whoever it was for is locked."""
    if delivery.subscriber_id is None or not reply.code:
        return  # a test of staff's, or nothing that a server said
    fate = Fate.POLICY if classify(reply) is Outcome.OUR_FAULT else Fate.SOFT
    facts = {"subscriber_id": delivery.subscriber_id, "fate": fate, "status": reply.enhanced, "said": reply.text}
    insert = insert_into(session, Bounce).values(delivery_id=delivery.id, sent_at=now, came_at=now, **facts)
    session.execute(insert.on_conflict_do_nothing(index_elements=["delivery_id", "fate"]))
    cause = failing.cause(session, session.get_one(Subscriber, delivery.subscriber_id), fate, now)
    if cause is not None:
        suppressions.suppress(session, delivery.subscriber_id, cause, now)


def of_person(session: Session, person: Subscriber) -> list[Bounce]:
    """What came back of a person's letters, newest first."""
    return list(session.scalars(select(Bounce).where(Bounce.subscriber_id == person.id).order_by(Bounce.id.desc())))


def aside_of_person(session: Session, person: Subscriber) -> list[SetAside]:
    """What is set aside about a person's letters, newest first."""
    query = select(SetAside).where(SetAside.subscriber_id == person.id).order_by(SetAside.id.desc())
    return list(session.scalars(query))


def newest(session: Session, most: int) -> list[tuple[Bounce, str | None, int | None]]:
    """What came back last, with the code of its reader and the number of its issue."""
    query = (
        select(Bounce, Subscriber.code, Delivery.issue_id)
        .join(Delivery, Delivery.id == Bounce.delivery_id)
        .outerjoin(Subscriber, Subscriber.id == Bounce.subscriber_id)
        .order_by(Bounce.id.desc())
        .limit(most)
    )
    return [(each, code, issue_id) for each, code, issue_id in session.execute(query)]


def count(session: Session, now: datetime, days: int = 7) -> dict[str, int]:
    """How many letters came back lately, by what became of them."""
    since = now - timedelta(days=days)
    query = select(Bounce.fate, func.count()).where(Bounce.came_at >= since).group_by(Bounce.fate)
    return {fate.value: n for fate, n in sorted(session.execute(query).all())}


def count_aside(session: Session) -> dict[str, int]:
    """How many messages are set aside, by the reason."""
    query = select(SetAside.why, func.count()).group_by(SetAside.why).order_by(SetAside.why)
    return dict(session.execute(query).all())


def all_aside(session: Session) -> list[SetAside]:
    """What is set aside, newest first."""
    return list(session.scalars(select(SetAside).order_by(SetAside.id.desc())))


def open_aside(session: Session, vault: Vault, aside_id: int) -> str:
    """The text of a message that was set aside. Raises NotFound."""
    found = session.get(SetAside, aside_id)
    if found is None:
        raise NotFound(f"Nothing is set aside under {aside_id}: `coalition bounce aside` shows what is.")
    if found.sealed is None:
        raise NotFound("This message was only counted: too many were set aside already.")
    return vault.open_text(found.sealed, found.digest).encode("latin-1").decode("utf-8", "replace")


def reader_of_aside(session: Session, aside_id: int) -> str | None:
    """The code of the reader whose letter a message that was set aside is about; None where that is not known."""
    query = select(Subscriber.code).join(SetAside, SetAside.subscriber_id == Subscriber.id)
    return session.scalar(query.where(SetAside.id == aside_id))


def forget_naming(session: Session, vault: Vault, address: Address) -> int:
    """Delete what is set aside and linked to nobody, but names an address. Returns how many messages that were."""
    named = re.compile(rf"(?<![\w.+-]){re.escape(address.compared)}(?!\.?[\w-])")
    last = deleted = 0
    nobodys = select(SetAside).where(SetAside.subscriber_id.is_(None), SetAside.sealed.is_not(None))
    while page := session.scalars(nobodys.where(SetAside.id > last).order_by(SetAside.id).limit(_A_TIME)).all():
        last = page[-1].id
        for each in page:
            with suppress(CoalitionError):  # the key that sealed it is gone
                if named.search(vault.open_text(each.sealed or b"", each.digest).casefold()):
                    session.delete(each)
                    deleted += 1
        session.flush()
    return deleted


def forget_aside(session: Session, now: datetime) -> int:
    """Delete what was set aside 30 days ago, and the dead mailboxes of strangers.

    Somebody who never confirmed may have been typed in by another person, so nothing of them stays for good.
    """
    known = select(Subscriber.code)
    aside = delete(SetAside).where(SetAside.came_at < now - KEEP_ASIDE).returning(SetAside.id)
    strangers = delete(Suppression).where(
        Suppression.reason == Cause.HARD_BOUNCE,
        Suppression.since < now - KEEP_ASIDE,
        Suppression.code.is_not(None),
        Suppression.code.not_in(known),
    )
    gone = [session.execute(each).all() for each in (aside, strangers.returning(Suppression.address_key))]
    return sum(map(len, gone))


def forget_old(session: Session, now: datetime) -> int:
    """Delete bounces of more than a year."""
    old = delete(Bounce).where(Bounce.came_at < now - KEEP_BOUNCES).returning(Bounce.id)
    return len(session.execute(old).all())
