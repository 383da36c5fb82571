"""People: what they asked for, who they are (sealed), what they are subscribed to, who must not be written to."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.audience import Cadence
from coalition.models.base import Base, Id


class Kind(StrEnum):
    """Which button a request came from."""

    SIGNUP = "signup"
    LINK = "link"  # send me my link
    MOVE = "move"  # send my letters to this address
    GRIEVANCE = "grievance"  # is counted like the others, and kept in a table of its own


class Answer(StrEnum):
    """What was pressed on a confirm page."""

    YES = "yes"
    NO = "no"
    BOTH = "both"  # contrary presses within a minute: a machine was at work, nothing counts


class State(StrEnum):
    """Where a subscriber stands."""

    PENDING = "pending"
    ACTIVE = "active"
    LEFT = "left"
    ERASED = "erased"


class Format(StrEnum):
    """How a reader wants letters."""

    HTML = "html"
    TEXT = "text"


class PauseMode(StrEnum):
    """What happens to the news of a pause."""

    CATCH_UP = "catch-up"  # all of it comes with the first letter after it
    CAPPED = "capped"  # as much of it as any letter holds
    SKIP = "skip"


class Source(StrEnum):
    """Why a subscription began."""

    SIGNUP = "signup"
    PREFERENCES = "preferences"
    CHANGED = "changed"  # takes the place of one with another cadence
    UNDONE = "undone"  # brought back by "undo"
    JOURNAL = "journal"  # brought back by the journal, after the database was restored


class Ended(StrEnum):
    """Why a subscription ended."""

    CHANGED = "changed"
    LEFT_TOPIC = "left_topic"
    LEFT_ALL = "left_all"
    DENIED = "denied"  # "this wasn't me"
    STAFF = "staff"
    ERASED = "erased"
    BOUNCED = "bounced"
    COMPLAINED = "complained"  # they reported a letter as spam
    CLOSED = "closed"  # the topic was closed, and all that it had was served
    PURPOSE = "purpose"  # what the topic is for changed: they are asked again


class Scope(StrEnum):
    """How far a suppression reaches."""

    LIST = "list"  # a confirm letter that the person asks for may still go
    ALL = "all"


class Request(Base):
    """One pressing of a button. Nothing is known about the person yet; the sender looks, not the web."""

    __tablename__ = "request"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[Kind]
    nonce: Mapped[str] = mapped_column(unique=True)
    address_sealed: Mapped[bytes]
    address_key: Mapped[bytes] = mapped_column(index=True)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"), index=True)
    form_id: Mapped[int | None] = mapped_column(ForeignKey("form.id"))
    topics: Mapped[list[int]]
    cadence: Mapped[Cadence | None]
    wording_id: Mapped[int | None] = mapped_column(ForeignKey("wording.id"))
    explicit: Mapped[dict[str, int] | None]  # number of a topic -> the wording that was ticked for it expressly
    letter_wording_id: Mapped[int | None] = mapped_column(ForeignKey("wording.id"))  # what the letter to confirm says
    locale: Mapped[str]
    origin: Mapped[str | None]
    over_limit: Mapped[bool]
    created_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    answer: Mapped[Answer | None]
    answered_at: Mapped[datetime | None]


class AddressChange(Base):
    """An address that somebody has moved away from. It stays sealed for a few days, so that it can be put back."""

    __tablename__ = "address_change"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    nonce: Mapped[str] = mapped_column(unique=True)  # of the request
    old_sealed: Mapped[bytes]
    old_key: Mapped[bytes]
    until: Mapped[datetime] = mapped_column(index=True)


class SpentNonce(Base):
    """A fresh link that has done what it can do once."""

    __tablename__ = "spent_nonce"
    nonce: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


class Subscriber(Base):
    """A person, found by a keyed hash; the address itself is sealed and goes when the person is erased."""

    __tablename__ = "subscriber"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    address_sealed: Mapped[bytes | None]
    address_key: Mapped[bytes | None] = mapped_column(unique=True)
    locale: Mapped[str]
    format: Mapped[Format] = mapped_column(default=Format.HTML)
    # The reader's hour. All None: no choice, letters come as soon as they go.
    timezone: Mapped[str | None]
    weekday: Mapped[int | None]
    hour: Mapped[int | None]
    pause_until: Mapped[datetime | None]
    pause_mode: Mapped[PauseMode] = mapped_column(default=PauseMode.CATCH_UP)
    epoch: Mapped[int] = mapped_column(default=1)
    state: Mapped[State] = mapped_column(default=State.PENDING)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]

    def is_paused(self, now: datetime) -> bool:
        """Whether list mail waits at this moment."""
        return self.pause_until is not None and now < self.pause_until


class Subscription(Base):
    """One subscriber, one topic, one cadence. Never edited: ended with a reason, and a new one begun."""

    __tablename__ = "subscription"
    __table_args__ = (
        Index(
            "uq_subscription_current",
            "subscriber_id",
            "topic_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        # Planning walks the current subscriptions of one cadence in order of their readers.
        Index(
            "ix_subscription_due",
            "cadence",
            "subscriber_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"))
    cadence: Mapped[Cadence]
    cursor: Mapped[int]
    began_at: Mapped[datetime]
    source: Mapped[Source]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[Ended | None]

    def end(self, reason: Ended, now: datetime) -> None:
        """End it; a second end changes nothing."""
        if self.ended_at is None:
            self.ended_at, self.ended_reason = now, reason


class Suppression(Base):
    """An address that must not be written to, kept as a keyed hash only."""

    __tablename__ = "suppression"
    address_key: Mapped[bytes] = mapped_column(primary_key=True)
    code: Mapped[str | None]
    scope: Mapped[Scope]
    reason: Mapped[str]
    since: Mapped[datetime]
