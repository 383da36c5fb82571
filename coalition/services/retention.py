"""What is kept how long. One table: the page about privacy shows it, periodic work enforces it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from coalition.db import Database
from coalition.languages import N_
from coalition.models import (
    AddressChange,
    Audit,
    Consent,
    Delivery,
    Rate,
    Request,
    SpentNonce,
    State,
    Subscriber,
    Subscription,
    Suppression,
)
from coalition.services import (
    bounces,
    consents,
    grievances,
    moving,
    requests,
    subscriptions,
    suppressions,
    test_letters,
)
from coalition.services.erasure import REASON, Eraser

_A_TIME = 1_000
_PEOPLE_A_TIME = 100  # each is locked until all are done


@dataclass(frozen=True)
class Period:
    """One kind of data, how long it is kept, and what forgets it: some rows a call, 0 where none are left."""

    name: str
    keep: timedelta
    told: str  # on the page about privacy; %(days)s and %(years)s are filled in
    forget: Callable[[Session, Eraser, datetime], int]

    @property
    def numbers(self) -> dict[str, int]:
        """What the sentence on the page needs."""
        return {"days": self.keep.days, "years": self.keep.days // 365}


def prune(database: Database, eraser: Eraser, now: datetime) -> dict[str, int]:
    """Forget whatever has had its time, in small transactions: a kill in the middle is mended by a second call."""
    done = dict.fromkeys((period.name for period in PERIODS), 0)
    for period in PERIODS:
        forgotten = 1
        while forgotten:
            with database.transaction() as session:
                forgotten = period.forget(session, eraser, now)
            done[period.name] += forgotten
    database.scrub()
    return done


def foretell(database: Database, eraser: Eraser, now: datetime) -> dict[str, int]:
    """What `prune` would forget; nothing is changed."""
    done = dict.fromkeys((period.name for period in PERIODS), 0)
    with database.trying() as session:
        for period in PERIODS:
            while forgotten := period.forget(session, eraser, now):
                done[period.name] += forgotten
    return done


def _requests(session: Session, _: Eraser, now: datetime) -> int:
    """Who confirmed stands in the consent chain by then."""
    ids = list(session.scalars(select(Request.id).where(Request.created_at < now - _REQUESTS).limit(_A_TIME)))
    requests.forget(session, ids)
    return len(ids)


def _old_addresses(session: Session, eraser: Eraser, now: datetime) -> int:
    """They can't be put back any more; and fresh links that are used up are dead by now anyhow.

    Of somebody who moved after the backup that the database was brought back from, the old one is all that it has.
    """
    away = select(Subscriber).join(Suppression, Suppression.address_key == Subscriber.address_key)
    long_ago = Suppression.reason == suppressions.MOVED_AWAY, Suppression.since < now - moving.KEEP_OLD
    gone = session.scalars(away.where(*long_ago).order_by(Subscriber.id).limit(_PEOPLE_A_TIME)).all()
    for person in gone:
        eraser.age_out(session, person, now)
    old = session.execute(delete(AddressChange).where(AddressChange.until < now).returning(AddressChange.id))
    session.execute(delete(SpentNonce).where(SpentNonce.at < now - moving.KEEP_SPENT))
    return len(old.all()) + len(gone)


def _strangers(session: Session, eraser: Eraser, now: datetime) -> int:
    """Who never confirmed is deleted after their last request; who was here before is an empty row again.

    That they pressed "This wasn't me" is forgotten with them: nothing of strangers stays for good.
    """
    strangers = (
        Subscriber.state == State.PENDING,
        Subscriber.created_at < now - _REQUESTS,
        ~exists().where(Request.subscriber_id == Subscriber.id),
    )
    was_here = or_(
        exists().where(Subscription.subscriber_id == Subscriber.id),
        exists().where(Suppression.code == Subscriber.code, Suppression.reason == REASON),
    )
    back = list(
        session.scalars(select(Subscriber).where(*strangers, was_here).order_by(Subscriber.id).limit(_PEOPLE_A_TIME))
    )
    for person in back:
        eraser.age_out(session, person, now)
    found = session.execute(select(Subscriber.id, Subscriber.code).where(*strangers, ~was_here).limit(_A_TIME)).all()
    ids = [number for number, _ in found]
    consents.empty(session, *(code for _, code in found))
    session.execute(update(Delivery).where(Delivery.subscriber_id.in_(ids)).values(subscriber_id=None))
    session.execute(delete(Subscriber).where(Subscriber.id.in_(ids)))
    return len(back) + len(ids)


def _left(session: Session, eraser: Eraser, now: datetime) -> int:
    """Erased as by forgetting, but for the evidence."""
    lately = or_(Subscription.ended_at.is_(None), Subscription.ended_at > now - LEFT)
    gone = select(Subscriber).where(
        Subscriber.state == State.LEFT,
        exists().where(Subscription.subscriber_id == Subscriber.id),
        ~exists().where(and_(Subscription.subscriber_id == Subscriber.id, lately)),
    )
    people = session.scalars(gone.order_by(Subscriber.id).limit(_PEOPLE_A_TIME)).all()
    erased = 0
    for person in people:
        person = subscriptions.lock(session, person.id)
        if person.state is State.LEFT:  # they may have returned this very moment
            eraser.age_out(session, person, now)
            erased += 1
    return erased


def _counters(session: Session, _: Eraser, now: datetime) -> int:
    """Each goes when its window is over; the longest is the period."""
    return len(session.execute(delete(Rate).where(Rate.expires_at < now).returning(Rate.key)).all())


def _replies(session: Session, _: Eraser, now: datetime) -> int:
    old = select(Delivery.id).where(Delivery.reply.is_not(None), Delivery.ended_at < now - _REPLIES).limit(_A_TIME)
    ids = list(session.scalars(old))
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(reply=None))
    return len(ids)


def _evidence(session: Session, _: Eraser, now: datetime) -> int:
    """Counted from the end of the last subscription of somebody who is erased."""
    lately = or_(Subscription.ended_at.is_(None), Subscription.ended_at > now - _EVIDENCE)
    old = select(Subscriber.code).where(
        Subscriber.state == State.ERASED,
        ~exists().where(and_(Subscription.subscriber_id == Subscriber.id, lately)),
        exists().where(and_(Consent.subject == Subscriber.code, Consent.content.is_not(None))),
    )
    codes = session.scalars(old.order_by(Subscriber.id).limit(_PEOPLE_A_TIME)).all()
    return consents.empty(session, *codes)


def _audit(session: Session, _: Eraser, now: datetime) -> int:
    old = session.execute(delete(Audit).where(Audit.at < now - _EVIDENCE).returning(Audit.id))
    return len(old.all())


_REQUESTS = timedelta(days=7)
LEFT = timedelta(days=28)
_REPLIES = timedelta(days=90)
_EVIDENCE = timedelta(days=3 * 365)
_COUNTERS = timedelta(days=30)

PERIODS = (
    Period("requests", _REQUESTS, N_("A sign-up that is not confirmed: %(days)s days."), _requests),
    Period("strangers", _REQUESTS, N_("The address of somebody who never confirmed: %(days)s days."), _strangers),
    Period("counters", _COUNTERS, N_("Counters against misuse, as keyed hashes: at most %(days)s days."), _counters),
    Period("people who left", LEFT, N_("Who has left everything is erased after %(days)s days."), _left),
    Period(
        "old addresses",
        moving.KEEP_OLD,
        N_("An address that you moved away from: %(days)s days."),
        _old_addresses,
    ),
    Period("replies", _REPLIES, N_("What mail servers answered to a letter: %(days)s days."), _replies),
    Period(
        "set aside",
        bounces.KEEP_ASIDE,
        N_("Mail that came back and could not be understood, encrypted: %(days)s days."),
        lambda session, _, now: bounces.forget_aside(session, now),
    ),
    Period(
        "bounces",
        bounces.KEEP_BOUNCES,
        N_("Which letters came back, and why, without your address: %(days)s days."),
        lambda session, _, now: bounces.forget_old(session, now),
    ),
    Period(
        "test letters",
        _REQUESTS,
        N_("To whom our staff sent a test letter: %(days)s days."),
        lambda session, _, now: test_letters.forget_old(session, now - _REQUESTS, _A_TIME),
    ),
    Period(
        "evidence",
        _EVIDENCE,
        N_("What you agreed to, without your address: %(years)s years after you left."),
        _evidence,
    ),
    Period(
        "grievances",
        _EVIDENCE,
        N_("A complaint and our answer, encrypted: %(years)s years after the answer."),
        lambda session, _, now: grievances.forget_old(session, now - _EVIDENCE),
    ),
    Period("audit", _EVIDENCE, N_("What our staff did, by code: %(years)s years."), _audit),
)
