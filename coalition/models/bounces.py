"""What came back: bounces and spam reports that name a letter of ours, and what could not be understood."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.base import Base, Id


class Fate(StrEnum):
    """What a report says of a letter."""

    DEAD = "dead address"
    SOFT = "not delivered"  # a full mailbox, a server that gave up: it may work next time
    POLICY = "refused by policy"  # because of what we are or wrote; it says nothing about the mailbox
    DELAYED = "delayed"
    SPAM = "spam report"


class Bounce(Base):
    """One fate of one delivery, however often it is reported. What a server said is kept without addresses."""

    __tablename__ = "bounce"
    __table_args__ = (UniqueConstraint("delivery_id", "fate"), Index("ix_bounce_sent", "fate", "sent_at"))
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"))
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id", ondelete="SET NULL"), index=True)
    fate: Mapped[Fate]
    status: Mapped[str | None]  # the enhanced code, such as 5.1.1
    said: Mapped[str | None]
    sent_at: Mapped[datetime]  # when the mail server took the letter
    came_at: Mapped[datetime] = mapped_column(index=True)


class SetAside(Base):
    """A message that was not understood or could not be believed: sealed, for staff to look at, for 30 days."""

    __tablename__ = "set_aside"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    why: Mapped[str]
    size: Mapped[int]
    sealed: Mapped[bytes | None]  # None where too many are kept already
    came_at: Mapped[datetime] = mapped_column(index=True)
