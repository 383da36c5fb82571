"""Feeds: what others publish becomes items of ours, each once. Nothing a feed does stops another."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.db import Database
from coalition.errors import CoalitionError, NotFound, Refused
from coalition.models import Feed, Item, Topic
from coalition.services import feed_entries, fetching, items, topics
from coalition.services.drafts import Draft
from coalition.services.feed_entries import BadFeed, Entry
from coalition.services.fetching import Fetched, FetchFailed, Policy

_EVERY = timedelta(hours=1)
_AT_MOST_AFTER = timedelta(days=1)  # however long a feed has failed, it is asked once a day
_CLAIMED = timedelta(minutes=5)  # longer than a fetch can take: meanwhile nobody else asks
_OLD = timedelta(days=14)
_AT_FIRST = 10
_AT_ONCE = 200  # more of one feed are never looked at; the newest are
_URL = 500

CLOSED = "Its topic is closed: it takes no more news."
GONE = "The feed is over: its server says that it is gone for good."


class TopicClosed(CoalitionError):
    """A feed has news for a topic that takes no more."""


@dataclass(frozen=True)
class Taken:
    """What became of a feed's entries. Refused: it says nothing, or can't be told again the next time."""

    new: int = 0
    known: int = 0
    refused: int = 0
    passed: int = 0  # too old, or too many at the beginning
    unchanged: bool = False  # the server says so itself: nothing was read


@dataclass(frozen=True)
class Result:
    """One feed, asked: what was taken, or the sentence that says why nothing could be."""

    feed_id: int
    url: str
    taken: Taken
    error: str | None = None


def add(session: Session, policy: Policy, url: str, topic: str, now: datetime) -> Feed:
    """Read a feed into a topic from now on. Raises FetchFailed for an address that is never fetched, or Refused."""
    home = topics.get(session, topic)
    if not home.open:
        raise Refused(f"The topic {home.slug} is closed: it takes no more news.")
    url = fetching.place_of(url, policy).url
    if len(url) > _URL:
        raise Refused(f"The address is longer than {_URL} characters.")
    held = session.scalar(select(Feed).where(Feed.url == url))
    if held is not None:
        raise Refused(f"This feed is there already, as {held.id}.")
    feed = Feed(url=url, topic_id=home.id, passed_over=[], added_at=now, next_at=now, failures=0)
    session.add(feed)
    session.flush()
    return feed


def remove(session: Session, feed_id: int) -> Feed:
    """Ask a feed no more. Its items stay, and are known if it ever comes back."""
    feed = get(session, feed_id)
    session.delete(feed)
    return feed


def get(session: Session, feed_id: int) -> Feed:
    """The feed with this number, held still until the transaction ends. Raises NotFound."""
    feed = session.get(Feed, feed_id, with_for_update=True, populate_existing=True)
    if feed is None:
        raise NotFound(f"There is no feed {feed_id}: `coalition feed list` shows those there are.")
    return feed


def all_of(session: Session) -> list[tuple[Feed, Topic]]:
    """Every feed with its topic, in the order in which they were added."""
    return list(session.execute(select(Feed, Topic).join(Topic, Topic.id == Feed.topic_id).order_by(Feed.id)))


def fetch_all(
    database: Database, policy: Policy, now: datetime, progress: Callable[[Result], None] | None = None
) -> list[Result]:
    """Ask every feed that is due, one after the other; several processes share them out. `progress` sees each result.

    Opens its own transactions, because servers that may be slow stand between.
    """
    results = []
    while (feed := _claim(database, now)) is not None:
        result = _fetch(database, policy, feed, now)
        results.append(result)
        if progress is not None:
            progress(result)
    return results


def fetch_one(database: Database, policy: Policy, feed_id: int, now: datetime) -> Result:
    """Ask one feed, due or not; one that was over may begin again. Raises NotFound."""
    with database.reading() as session:
        feed = session.get(Feed, feed_id)
    if feed is None:
        raise NotFound(f"There is no feed {feed_id}: `coalition feed list` shows those there are.")
    return _fetch(database, policy, feed, now)


def take(session: Session, feed: Feed, fetched: Fetched, entries: Sequence[Entry], now: datetime) -> Taken:
    """Publish what is new in a feed that was fetched and read, oldest first, and note when to ask again."""
    held = get(session, feed.id)
    taken = Taken(unchanged=fetched.status == 304)
    if fetched.status == 200:
        taken = _publish(session, held, entries, now)
        held.etag, held.last_modified = fetched.etag, fetched.last_modified
    held.next_at, held.failures = now + _EVERY, 0
    if fetched.status == 410:
        held.ended_at, held.last_error = now, GONE
    else:
        held.fetched_at, held.ended_at, held.last_error = now, None, None
    return taken


def _claim(database: Database, now: datetime) -> Feed | None:
    """The feed that has been due for longest, and nobody else's for the time that a fetch can take."""
    due = select(Feed).where(Feed.ended_at.is_(None), Feed.next_at <= now).order_by(Feed.next_at, Feed.id).limit(1)
    with database.transaction() as session:
        feed = session.scalar(due.with_for_update(skip_locked=True))
        if feed is not None:
            feed.next_at = now + _CLAIMED
        return feed


def _fetch(database: Database, policy: Policy, feed: Feed, now: datetime) -> Result:
    try:
        fetched = fetching.get(feed.url, etag=feed.etag, last_modified=feed.last_modified, policy=policy)
        entries = feed_entries.read(fetched.body) if fetched.status == 200 else []
        with database.transaction() as session:
            taken = take(session, feed, fetched, entries, now)
        return Result(feed.id, feed.url, taken, GONE if fetched.status == 410 else None)
    except (FetchFailed, BadFeed, TopicClosed) as error:
        return _note(database, feed, error, now)
    except NotFound:
        return Result(feed.id, feed.url, Taken(), "It was removed meanwhile.")


def _note(database: Database, feed: Feed, error: CoalitionError, now: datetime) -> Result:
    """Keep what went wrong, and ask again later each time."""
    with database.transaction() as session:
        held = session.get(Feed, feed.id, with_for_update=True)
        if held is not None:
            # Not beyond five doublings: 2 to the power of a year's failures is no length of time.
            held.next_at = now + min(_EVERY * 2 ** min(held.failures, 5), _AT_MOST_AFTER)
            held.failures, held.last_error = held.failures + 1, str(error)
    return Result(feed.id, feed.url, Taken(), str(error))


def _publish(session: Session, feed: Feed, entries: Sequence[Entry], now: datetime) -> Taken:
    usable: dict[str, Entry] = {}
    for entry in entries:
        if entry.identity and entry.title:
            usable.setdefault(entry.identity, entry)
    # Feeds stand newest first; what has no date counts as new as its fetch, and keeps its place.
    newest = sorted(usable.values(), key=lambda entry: _moment(entry, now), reverse=True)[:_AT_ONCE]
    fresh = [entry for entry in newest if _moment(entry, now) >= feed.added_at - _OLD]
    if feed.fetched_at is None:
        feed.passed_over = [_short(entry) for entry in fresh[_AT_FIRST:]]
        fresh = fresh[:_AT_FIRST]
    sources = {entry.identity: f"feed:{feed.url}#{entry.identity}" for entry in fresh}
    known = set(session.scalars(select(Item.source).where(Item.source.in_(sources.values()))))
    passed_over = set(feed.passed_over)
    new = [entry for entry in fresh if sources[entry.identity] not in known and _short(entry) not in passed_over]
    topic = session.get_one(Topic, feed.topic_id)
    if new and not topic.open:
        raise TopicClosed(CLOSED)
    for entry in reversed(new):
        draft = Draft(
            title=entry.title,
            topic=topic.slug,
            url=entry.url,
            published=_moment(entry, now),
            text=entry.text_md,
        )
        items.publish(session, draft, now, source=sources[entry.identity])
    refused = sum(not (entry.identity and entry.title) for entry in entries)
    return Taken(len(new), len(fresh) - len(new), refused, len(usable) - len(fresh))


def _moment(entry: Entry, now: datetime) -> datetime:
    """When it was published, as far as the feed says; never later than now."""
    return min(entry.dated or now, now).astimezone(UTC)


def _short(entry: Entry) -> str:
    return hashlib.sha256(entry.identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
