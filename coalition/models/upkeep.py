"""Small tables that keep the house: counters, limits, jobs done, keys known, who did what."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.base import Base, Id


class Counter(Base):
    """A number raised under a lock, so that its values are in commit order."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]


class Rate(Base):
    """How often something happened in a window. The key is a keyed hash of what, who and which window."""

    __tablename__ = "rate"
    key: Mapped[bytes] = mapped_column(primary_key=True)
    count: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class JobRun(Base):
    """A periodic job that was done for a slot; the row makes a second run harmless."""

    __tablename__ = "job_run"
    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class JournalMark(Base):
    """The last line of a machine's journal that this database has seen; a newer one has to be done to it first."""

    __tablename__ = "journal_mark"
    stream: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


class KnownKey(Base):
    """The fingerprint of a key that data was made with; a ring without it is foreign."""

    __tablename__ = "key_ring"
    name: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)


class Audit(Base):
    """Who of the staff did what."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str | None]
