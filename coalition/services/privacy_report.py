"""How privacy stands, in numbers without names: who is here, how old the oldest data is, what was checked and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from coalition.config import Config
from coalition.models import (
    AddressChange,
    Audit,
    Bounce,
    Consent,
    Delivery,
    Feed,
    Grievance,
    Outbound,
    Rate,
    Request,
    SetAside,
    State,
    Subscriber,
    Subscription,
)
from coalition.services import chain, counts, restoring, retention, upkeep
from coalition.services.chain import Head
from coalition.services.retention import Period

# Periodic work forgets every ten minutes: what is a little older is only waiting for its turn.
_GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class Age:
    """One kind of data, how long it is kept, and when the piece that is next has to go. None where there is nothing."""

    name: str
    keep: timedelta
    due: datetime | None
    is_late: bool


@dataclass(frozen=True)
class Run:
    """Something that is done again and again, and when it was last done."""

    name: str
    at: datetime | None
    said: str | None


@dataclass(frozen=True)
class Host:
    """A computer that Coalition talks to, and what for."""

    name: str
    why: str


@dataclass(frozen=True)
class Copy:
    """A file with the database as it was; it holds who has left and was erased since."""

    name: str
    made_at: datetime


@dataclass(frozen=True)
class Report:
    """The whole report, at a moment."""

    community: str
    made_at: datetime
    states: dict[str, int]
    ages: list[Age]
    head: Head
    runs: list[Run]
    hosts: list[Host]
    copies: list[Copy]

    @property
    def late(self) -> list[Age]:
        """What is kept longer than it may be."""
        return [each for each in self.ages if each.is_late]


def report(session: Session, config: Config, now: datetime) -> Report:
    """Read everything; nothing is changed, and no address is opened."""
    return Report(
        config.community.name,
        now,
        counts.by_state(session, now),
        [_age(session, period, now) for period in retention.PERIODS],
        chain.head(session),
        list(_runs(session)),
        list(_hosts(session, config)),
        sorted(_copies(config), key=lambda copy: copy.made_at),
    )


def _age(session: Session, period: Period, now: datetime) -> Age:
    due: datetime | None = session.scalar(_OLDEST[period.name])
    if due is not None and period.name not in _UNTIL:
        due += period.keep
    return Age(period.name, period.keep, due, is_late=due is not None and due < now - _GRACE)


def _last_end(*of_whom: ColumnElement[bool]) -> Select[Any]:
    """When the last subscription of each of these people ended; of those, the longest ago."""
    each = (
        select(func.max(Subscription.ended_at).label("at"))
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(*of_whom)
        .group_by(Subscriber.id)
        .subquery()
    )
    return select(func.min(each.c.at))


# From when on the period counts, of the piece that has to go first; one for each row of retention.PERIODS.
_OLDEST: dict[str, Select[Any]] = {
    "requests": select(func.min(Request.created_at)),
    "strangers": select(func.min(Subscriber.created_at)).where(
        Subscriber.state == State.PENDING, ~exists().where(Request.subscriber_id == Subscriber.id)
    ),
    "counters": select(func.min(Rate.expires_at)),
    "people who left": _last_end(Subscriber.state == State.LEFT),
    "old addresses": select(func.min(AddressChange.until)),
    "replies": select(func.min(Delivery.ended_at)).where(Delivery.reply.is_not(None)),
    "set aside": select(func.min(SetAside.came_at)),
    "bounces": select(func.min(Bounce.came_at)),
    "test letters": select(func.min(Delivery.ended_at)).where(
        Delivery.recipient_sealed.is_not(None), Delivery.state != Outbound.QUEUED
    ),
    "evidence": _last_end(
        Subscriber.state == State.ERASED,
        exists().where(Consent.subject == Subscriber.code, Consent.content.is_not(None)),
    ),
    "grievances": select(func.min(func.coalesce(Grievance.answered_at, Grievance.received_at))).where(
        or_(Grievance.answered_at.is_not(None), Grievance.address_sealed.is_(None))
    ),
    "audit": select(func.min(Audit.at)),
}
# These rows say themselves until when they are kept.
_UNTIL = {"counters", "old addresses"}


def _runs(session: Session) -> Iterator[Run]:
    jobs = upkeep.last_runs(session)
    yield Run("periodic work (tick)", max(jobs.values(), default=None), None)
    forgetting = [jobs.get(period.name) for period in retention.PERIODS]
    known = [at for at in forgetting if at is not None]
    yield Run("forgetting, by periodic work", min(known) if len(known) == len(forgetting) else None, None)
    for action in ("privacy prune", "privacy verify", "database backup"):
        last = select(Audit).where(Audit.action == action).order_by(Audit.id.desc()).limit(1)
        row = session.scalar(last)
        yield Run(f"coalition {action}", row.at if row else None, row.subject if row else None)


def _copies(config: Config) -> Iterator[Copy]:
    """Those that lie where Coalition puts them by itself; of others it knows nothing."""
    backups = config.backups.iterdir() if config.backups.is_dir() else ()
    for path in (*backups, *restoring.kept_beside(config.database_url)):
        yield Copy(path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _hosts(session: Session, config: Config) -> Iterator[Host]:
    relay = config.relay
    if relay:
        yield Host(f"{relay.host}:{relay.port}", "the mail server, for every letter")
    database = urlsplit(config.database_url)
    if not database.scheme.startswith("sqlite"):
        yield Host(database.hostname or "this machine", "the database")
    feeds = session.scalars(select(Feed.url).where(Feed.ended_at.is_(None)).order_by(Feed.url))
    for name in sorted({urlsplit(url).hostname or url for url in feeds}):
        yield Host(name, "a feed, read every hour")
    yield Host("the system's name server (DNS)", "to find these, and for `coalition doctor check`")
    yield Host("sites that an issue links to", "only where staff ask for it: `--online`")
    yield Host("the mailbox of bounces", "only where staff ask for it: `coalition bounce receive --imap`")
