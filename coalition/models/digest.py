"""News and its editions: items, issues, and what each reader's copy is joined from."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.audience import Cadence
from coalition.models.base import Base, Id
from coalition.models.people import Format


class Phase(StrEnum):
    """The state of an issue."""

    PLANNING = "planning"
    PLANNED = "planned"
    APPROVED = "approved"
    SENDING = "sending"
    HELD = "held"
    SENT = "sent"
    CANCELLED = "cancelled"


class Item(Base):
    """One piece of news in a topic. Its position is its place in the order of publishing, over all topics."""

    __tablename__ = "item"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"), index=True)
    position: Mapped[int] = mapped_column(unique=True)
    title: Mapped[str]
    summary_md: Mapped[str]
    url: Mapped[str | None]
    published_at: Mapped[datetime]  # what readers see
    added_at: Mapped[datetime]  # when it took its position
    withdrawn_at: Mapped[datetime | None]
    source: Mapped[str] = mapped_column(unique=True)


class Issue(Base):
    """One edition of the digest of one cadence."""

    __tablename__ = "issue"
    __table_args__ = (
        Index(
            "uq_issue_period",
            "cadence",
            "period_key",
            unique=True,
            sqlite_where=text("state <> 'cancelled'"),
            postgresql_where=text("state <> 'cancelled'"),
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    cadence: Mapped[Cadence]
    period_key: Mapped[str]
    through_position: Mapped[int]
    subject: Mapped[str]
    intro_md: Mapped[str]
    salt: Mapped[bytes]
    state: Mapped[Phase]
    plan_hash: Mapped[str | None]
    # How far planning came: the last reader seen, when, and how many get nothing, by reason.
    planned_to: Mapped[int] = mapped_column(default=0)
    dealt_at: Mapped[datetime]
    left_out: Mapped[dict[str, int]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    planned_by: Mapped[str | None]
    approved_by: Mapped[str | None]
    # Name of a lint finding -> why staff let it pass.
    allowed: Mapped[dict[str, str]] = mapped_column(default=dict)
    sending_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Fragment(Base):
    """One item rendered once for an issue, a language and a format; every reader's copy is joined from these."""

    __tablename__ = "fragment"
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    format: Mapped[Format] = mapped_column(primary_key=True)
    body: Mapped[bytes]


class Variant(Base):
    """The list of items of one reader's copy, shared by all readers who get the same."""

    __tablename__ = "variant"
    __table_args__ = (UniqueConstraint("issue_id", "signature"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    signature: Mapped[str]
    items: Mapped[list[int]]
    # Topic id (JSON keys are text) -> the cursor from which this variant starts: what cancelling puts back.
    from_positions: Mapped[dict[str, int]]
    # Topic id -> how many items of it are only in the archive, because a letter holds no more.
    more: Mapped[dict[str, int]] = mapped_column(default=dict)
    locale: Mapped[str]
    format: Mapped[Format]

    @property
    def topics(self) -> set[int]:
        """The topics it brings something of."""
        return {int(topic) for topic in self.from_positions}


class Tally(Base):
    """How many items of an issue did not reach their readers, by topic and reason."""

    __tablename__ = "tally"
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
