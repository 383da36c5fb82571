"""Rows of the consent chain that say nothing any more. The database lets anybody empty them; only erasing should."""

import json
from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coalition.errors import JournalError
from coalition.journal import Journal, What
from coalition.models import Consent, State, Subscriber
from coalition.services.consents import Event


def faults(session: Session, journal: Journal) -> list[str]:
    """Rows that were emptied though whom they are about was never erased, a sentence for each person.

    Who was erased and came back has a later row that says so; once that is too old to be kept, the journal does.
    """
    emptied = (
        select(Consent.subject, func.min(Consent.seq), func.max(Consent.seq))
        .join(Subscriber, Subscriber.code == Consent.subject)
        .where(Consent.content.is_(None), Subscriber.state != State.ERASED)
        .group_by(Consent.subject)
    )
    found = [each for each in session.execute(emptied.order_by(Consent.subject)) if not _was_erased(session, *each)]
    erased = set(_erased(journal)) if found else set()
    return [
        f"Row {first} and maybe others up to {last} were emptied, and the reader {subject} was never erased."
        for subject, first, last in found
        if subject not in erased
    ]


def _was_erased(session: Session, subject: str, _: int, last: int) -> bool:
    later = select(Consent.content).where(Consent.subject == subject, Consent.seq > last, Consent.content.is_not(None))
    return any(json.loads(content)["event"] == Event.ERASED for content in session.scalars(later) if content)


def _erased(journal: Journal) -> Iterator[str]:
    for stream in journal.lasts():
        with suppress(JournalError):  # a stream may have begun anew after one was lost
            yield from (line.facts["code"] for line in journal.lines(stream, after=0) if line.what == What.ERASED)
