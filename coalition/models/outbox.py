"""The ledger: batches that senders claim, and one delivery for each letter to each person."""

from datetime import datetime
from enum import IntEnum, StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.base import Base, Id


class Lane(IntEnum):
    """Service letters go before list letters."""

    SERVICE = 0
    LIST = 1


class Claim(StrEnum):
    """The state of a batch."""

    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"


class Outbound(StrEnum):
    """The state of a delivery. `sent` means that the mail server took it, never more."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"  # the mail server may have taken it


class Letter(StrEnum):
    """The kinds of mail; each is a folder in `templates/mail`."""

    CONFIRM = "confirm"
    WELCOME = "welcome"
    ALREADY_SUBSCRIBED = "already_subscribed"
    PREFERENCES_LINK = "preferences_link"
    MOVE = "move"  # to the address that somebody moves to
    MOVE_TAKEN = "move_taken"  # the same, where that address is somebody's already
    MOVED = "moved"  # to the address that they moved away from
    AGREE_AGAIN = "agree_again"  # to those who agreed before the purpose of a topic changed
    GRIEVANCE = "grievance"  # it has come
    GRIEVANCE_ANSWER = "grievance_answer"
    DIGEST = "digest"


# The reason of a delivery that may have been taken already and is tried once more; a second doubt ends it.
RETRIED = "retried"


class Batch(Base):
    """A few hundred deliveries that a sender claims together, under a lease and with a fence."""

    __tablename__ = "batch"
    __table_args__ = (Index("ix_batch_due", "state", "lane", "due_at"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issue.id"), index=True)
    lane: Mapped[int]
    # The hour that its readers chose; `due_at` is worked out from it when the issue is sent.
    zone: Mapped[str | None]
    weekday: Mapped[int | None]
    hour: Mapped[int | None]
    due_at: Mapped[datetime | None]
    dated_at: Mapped[datetime | None]
    state: Mapped[Claim] = mapped_column(default=Claim.OPEN)
    worker: Mapped[str | None]
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[float | None]
    announced_to: Mapped[int | None]


class Delivery(Base):
    """One letter to one person."""

    __tablename__ = "delivery"
    __table_args__ = (UniqueConstraint("issue_id", "subscriber_id"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), index=True)
    letter: Mapped[Letter | None]
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issue.id"))
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variant.id"), index=True)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id"), index=True)
    recipient_sealed: Mapped[bytes | None]
    nonce: Mapped[str] = mapped_column(unique=True)
    state: Mapped[Outbound] = mapped_column(default=Outbound.QUEUED)
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    reply: Mapped[str | None]
    ended_at: Mapped[datetime | None]

    @property
    def in_doubt(self) -> bool:
        """Whether the mail server may have taken it already."""
        return self.reason == RETRIED


class Breaker(StrEnum):
    """What a row of `pacing` says about sending; rows without it only keep a moment."""

    WATCHED = "watched"  # refusals are counted
    OPEN = "open"  # nothing goes
    RECOVERING = "recovering"  # one sender tries, a few letters at a time
    LOST = "lost"  # the mail server can't be reached
    STEPPED = "stepped"  # the clock of the machine can't be believed


class Pacing(Base):
    """What all senders share about when letters may leave: the rate, and what stops or slows them."""

    __tablename__ = "pacing"
    key: Mapped[str] = mapped_column(primary_key=True)
    next_free_at: Mapped[float] = mapped_column(default=0.0)  # by the lease clock, in seconds
    breaker: Mapped[Breaker | None]
    until: Mapped[datetime | None]
    since: Mapped[datetime | None]
    strikes: Mapped[int] = mapped_column(default=0)  # refusals in a row
    openings: Mapped[int] = mapped_column(default=0)  # in a row: each waits longer than the one before
    width: Mapped[int] = mapped_column(default=0)  # letters that may be under way at once
    worker: Mapped[str | None]  # the sender that tries
    reason: Mapped[str | None]
