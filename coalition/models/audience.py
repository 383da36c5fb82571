"""What people can subscribe to, and the forms on which they do."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.base import Base, Id


class Cadence(StrEnum):
    """The rhythm of one subscription."""

    AS_IT_HAPPENS = "as-it-happens"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Topic(Base):
    """What a person subscribes to."""

    __tablename__ = "topic"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str]
    open: Mapped[bool] = mapped_column(default=True)
    order: Mapped[int] = mapped_column(default=0)
    explicit_id: Mapped[int | None] = mapped_column(ForeignKey("wording.id"))  # what people have to agree to expressly
    purpose_since: Mapped[datetime | None]  # what was agreed to before this moment no longer holds


class Wording(Base):
    """A consent wording, word for word as shown. Never changed: a new text is a new row."""

    __tablename__ = "wording"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    text: Mapped[str]
    locale: Mapped[str]
    sha256: Mapped[str] = mapped_column(unique=True)


class Form(Base):
    """A sign-up form as it may stand on any web site."""

    __tablename__ = "form"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    topics: Mapped[list[int]]
    wording_id: Mapped[int] = mapped_column(ForeignKey("wording.id"))
    locale: Mapped[str]
    cadence: Mapped[Cadence]
    origins: Mapped[list[str]]
    thanks_url: Mapped[str | None]
