"""The consent chain: what a person agreed to and withdrew, each row sealed by the one before it."""

import hashlib
import json
import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.models import Consent
from coalition.services.counters import CONSENT, raise_counter

_START = bytes(32)


class Event(StrEnum):
    """What a row of the chain records."""

    REQUESTED = "requested"
    MAILED = "mailed"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    UNDONE = "undone"


def record(session: Session, subject: str, event: Event, at: datetime, **facts: object) -> None:
    """Append one row about the person with this code. `facts` are plain values and hold no address.

    The counter's row lock makes writers queue, so every row finds its predecessor committed.
    """
    seq = raise_counter(session, CONSENT)
    previous = session.scalar(select(Consent.hash).where(Consent.seq == seq - 1)) or _START
    content = json.dumps({"event": event, "at": at.isoformat(), **facts}, sort_keys=True, ensure_ascii=False)
    salt = secrets.token_bytes(16)
    content_hash = hashlib.sha256(salt + content.encode()).digest()
    session.add(
        Consent(
            seq=seq,
            subject=subject,
            content=content,
            salt=salt,
            content_hash=content_hash,
            hash=hashlib.sha256(previous + content_hash).digest(),
        )
    )
    session.flush()


def history(session: Session, subject: str) -> list[dict[str, Any]]:
    """All that is recorded about a person and not yet erased, oldest first; `at` is a moment."""
    rows = session.scalars(select(Consent.content).where(Consent.subject == subject).order_by(Consent.seq))
    events = [json.loads(content) for content in rows if content is not None]
    return [{**event, "at": datetime.fromisoformat(event["at"])} for event in events]
