"""What the page about privacy has said."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.base import Base, Id


class Notice(Base):
    """One version of the privacy notice in one language. Its text is kept like a consent wording, and never changes."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("locale", "version"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    locale: Mapped[str]
    version: Mapped[int]
    wording_id: Mapped[int] = mapped_column(ForeignKey("wording.id"))
    since: Mapped[datetime]
