"""What people agreed to and withdrew."""

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from coalition.models.base import Base, Id


class Consent(Base):
    """One link of the chain: `hash` is H(previous hash, content hash), and the salt is inside the content hash.

    Erasing empties content and salt only, so the chain stays provable and the content can't be guessed. The database
    itself refuses any other change (triggers of migration 0007).
    """

    __tablename__ = "consent"
    seq: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(index=True)
    content: Mapped[str | None]
    salt: Mapped[bytes | None]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
