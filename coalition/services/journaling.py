"""What goes into the journal. Noted where it happens; on disk before the transaction that it happened in is committed.

A crash between the two leaves a line that the database has not seen. Replaying it does what was asked for.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coalition.db import insert_into
from coalition.journal import Entry, Journal, What
from coalition.models import Cadence, Ended, Issue, JournalMark, Scope, Subscriber, Subscription, Topic

_NOTED = "journal entries"
_LONGEST_SUBJECT = 500


def left(session: Session, person: Subscriber, topic_ids: Sequence[int], reason: Ended, now: datetime) -> None:
    """Somebody left these topics."""
    _note(session, What.LEFT, now, code=person.code, topics=_slugs(session, topic_ids), why=reason)


def began(
    session: Session, person: Subscriber, topic_id: int, cadence: Cadence, now: datetime, *, undone: bool = False
) -> None:
    """Somebody begins a topic: noted where they had left it before, so that the leaving counts no longer."""
    before = select(Subscription.id).where(
        Subscription.subscriber_id == person.id,
        Subscription.topic_id == topic_id,
        Subscription.ended_at.is_not(None),
        Subscription.ended_reason != Ended.CHANGED,
    )
    if session.scalar(before.limit(1)) is not None:
        [slug] = _slugs(session, [topic_id])
        _note(session, What.RETURNED, now, code=person.code, topic=slug, cadence=cadence, undone=undone)


def erased(session: Session, code: str | None, keys: Sequence[bytes], now: datetime, *, with_consents: bool) -> None:
    """Somebody was erased; the keyed hashes find them under whatever code they come back, and strangers at all."""
    hashes = [key.hex() for key in keys]
    _note(session, What.ERASED, now, code=code, keys=hashes, with_consents=with_consents)


def suppressed(
    session: Session, keys: Sequence[bytes], code: str | None, scope: Scope, reason: str, now: datetime
) -> None:
    """An address must not be written to."""
    hashes = [key.hex() for key in keys]
    _note(session, What.SUPPRESSED, now, keys=hashes, code=code, scope=scope, reason=reason)


def lifted(session: Session, keys: Sequence[bytes], now: datetime) -> None:
    """An address may be written to again."""
    _note(session, What.LIFTED, now, keys=[key.hex() for key in keys])


def moved(session: Session, person: Subscriber, keys: Sequence[bytes], now: datetime) -> None:
    """Somebody has another address, or the one of before again; these hashes find it."""
    _note(session, What.MOVED, now, code=person.code, keys=[key.hex() for key in keys])


def batch_begun(session: Session, issue: Issue, batch: int, fence: int, letter: str, now: datetime) -> None:
    """The letters of a batch of an issue are about to go; `letter` is the nonce of the first of them."""
    _note(session, What.BEGUN, now, **_issue(issue), batch=batch, fence=fence, letter=letter)


def issue_over(session: Session, issue: Issue, now: datetime) -> None:
    """Nothing of an issue is left to send."""
    _note(session, What.OVER, now, **_issue(issue))


def issue_held(session: Session, issue: Issue, now: datetime) -> None:
    """An issue must not go on until somebody says so."""
    begins = issue.sending_at.isoformat() if issue.sending_at else None
    _note(session, What.HELD, now, **_issue(issue), begins=begins)


def issue_cancelled(session: Session, issue: Issue, now: datetime) -> None:
    """An issue must not go, ever."""
    _note(session, What.CANCELLED, now, **_issue(issue))


def keep_quiet(session: Session) -> None:
    """Forget what this transaction has noted: it only does what the journal tells."""
    session.info.pop(_NOTED, None)


def write_down(journal: Journal, session: Session) -> None:
    """Put what this transaction has noted on disk. Called last, before it is committed.

    The mark stays locked until then, so lines of one stream are in commit order. Raises JournalAhead.
    """
    noted: list[Entry] = session.info.pop(_NOTED, [])
    if not noted:
        return
    session.flush()
    last = journal.append(noted, after=_lock_mark(session, journal.stream))
    session.execute(update(JournalMark).where(JournalMark.stream == journal.stream).values(last=last))


def marks(session: Session) -> dict[str, int]:
    """The last line of each stream that the database has seen."""
    return dict(session.execute(select(JournalMark.stream, JournalMark.last)).all())


def take(session: Session, stream: str, number: int) -> bool:
    """Note that the next line of a stream is seen. False where somebody else has seen to it."""
    _lock_mark(session, stream)
    taken = (
        update(JournalMark)
        .where(JournalMark.stream == stream, JournalMark.last == number - 1)
        .values(last=number)
        .returning(JournalMark.stream)
    )
    return session.execute(taken).first() is not None


def go_on_from(session: Session, stream: str, number: int) -> None:
    """Take a stream as seen up to a number, whatever was missing before it."""
    _lock_mark(session, stream)
    session.execute(update(JournalMark).where(JournalMark.stream == stream).values(last=number))


def _lock_mark(session: Session, stream: str) -> int:
    insert = insert_into(session, JournalMark).values(stream=stream, last=0)
    session.execute(insert.on_conflict_do_nothing(index_elements=["stream"]))
    query = select(JournalMark.last).where(JournalMark.stream == stream).with_for_update()
    return session.execute(query).scalar_one()


def _note(session: Session, what: What, at: datetime, **facts: object) -> None:
    session.info.setdefault(_NOTED, []).append(Entry(what, at, facts))


def _slugs(session: Session, topic_ids: Sequence[int]) -> list[str]:
    return list(session.scalars(select(Topic.slug).where(Topic.id.in_(topic_ids)).order_by(Topic.id)))


def _issue(issue: Issue) -> dict[str, object]:
    return {
        "cadence": issue.cadence,
        "period": issue.period_key,
        "through": issue.through_position,
        "subject": issue.subject[:_LONGEST_SUBJECT],
    }
