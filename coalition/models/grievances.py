"""Complaints about how personal data is handled."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.base import Base, Id


class Grievance(Base):
    """A complaint, and what became of it. Forgetting empties all but number, moments and language."""

    __tablename__ = "grievance"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    address_sealed: Mapped[bytes | None]
    address_key: Mapped[bytes | None] = mapped_column(index=True)
    text_sealed: Mapped[bytes | None]
    locale: Mapped[str]
    doubtful: Mapped[bool]  # perhaps a machine's, or one too many for its mailbox: no letter says that it came
    received_at: Mapped[datetime]
    acknowledgement_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"), index=True)
    answer_sealed: Mapped[bytes | None]
    answer_id: Mapped[int | None] = mapped_column(
        ForeignKey("delivery.id"), index=True
    )  # None: answered in another way
    answered_at: Mapped[datetime | None]

    @property
    def is_forgotten(self) -> bool:
        """Whether whoever wrote it wanted to be forgotten."""
        return self.address_sealed is None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.answered_at is None and not self.is_forgotten
