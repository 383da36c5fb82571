"""Feeds of other people's news, read into topics."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.base import Base, Id


class Health(StrEnum):
    """How a feed does."""

    NEW = "not fetched yet"
    FINE = "fine"
    FAILING = "failing"
    OVER = "over"  # its server said that it is gone for good


class Feed(Base):
    """One feed, and when to ask for it again. `fetched_at` is the last time it could be read; `failures` counts since.

    `passed_over` holds marks of what stood in it at first and was too much for a beginning: it is never published.
    """

    __tablename__ = "feed"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    url: Mapped[str] = mapped_column(unique=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"), index=True)
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    passed_over: Mapped[list[str]] = mapped_column(default=list)
    added_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    next_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    ended_at: Mapped[datetime | None]

    @property
    def health(self) -> Health:
        """How it does, in one word."""
        if self.ended_at is not None:
            return Health.OVER
        if self.failures:
            return Health.FAILING
        return Health.NEW if self.fetched_at is None else Health.FINE
