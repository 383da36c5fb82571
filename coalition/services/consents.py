"""The consent chain: what a person agreed to and withdrew, each row sealed by the one before it."""

import json
import secrets
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coalition.models import Consent, Topic
from coalition.services import chain
from coalition.services.counters import CONSENT, raise_counter


class Event(StrEnum):
    """What a row of the chain records."""

    REQUESTED = "requested"
    MAILED = "mailed"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    CHANGED = "changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"  # by nobody's wish: letters came back
    UNDONE = "undone"
    MOVED = "moved"  # to another address
    MOVED_BACK = "moved_back"
    ERASED = "erased"
    RETURNED = "returned"  # as the journal tells it: how is in the database that was lost


def record(session: Session, subject: str, event: Event, at: datetime, **facts: object) -> None:
    """Append one row about the person with this code. `facts` are plain values and hold no address.

    The counter's row lock makes writers queue, so every row finds its predecessor committed.
    """
    seq = raise_counter(session, CONSENT)
    previous = session.scalar(select(Consent.hash).where(Consent.seq == seq - 1)) or chain.START
    # With the code inside, a row can't be given to somebody else unnoticed.
    facts = {"event": event, "at": at.isoformat(), "subject": subject, **facts}
    content = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    salt = secrets.token_bytes(16)
    content_hash = chain.hash_of_content(salt, content)
    session.add(
        Consent(
            seq=seq,
            subject=subject,
            content=content,
            salt=salt,
            content_hash=content_hash,
            hash=chain.hash_of_row(previous, content_hash),
        )
    )
    session.flush()


def history(session: Session, subject: str) -> list[dict[str, Any]]:
    """All that is recorded about a person and not yet erased, oldest first; `at` is a moment."""
    rows = session.scalars(select(Consent.content).where(Consent.subject == subject).order_by(Consent.seq))
    events = [json.loads(content) for content in rows if content is not None]
    return [{**event, "at": datetime.fromisoformat(event["at"])} for event in events]


def empty(session: Session, *subjects: str) -> int:
    """Forget what the rows about people say; that there were some, and where, stays provable. Returns how many."""
    full = update(Consent).where(Consent.subject.in_(subjects), Consent.content.is_not(None))
    emptied = session.execute(full.values(content=None, salt=None).returning(Consent.seq))
    return len(emptied.all())


def names(session: Session, topic_ids: Collection[int]) -> dict[str, str]:
    """What topics are called at this moment, for a row that has to be understood when they are called otherwise."""
    topics = session.execute(select(Topic.id, Topic.name).where(Topic.id.in_(topic_ids)).order_by(Topic.id))
    return {str(topic_id): name for topic_id, name in topics}
