"""What tests of feeds do and look at."""

from datetime import timedelta
from email.utils import format_datetime

from coalition.clock import utcnow
from coalition.models import Feed, Item
from coalition.services import feeds, items
from coalition.services.feeds import Result, Taken
from coalition.services.fetching import policy_of
from tests.house import House
from tests.services.feed_server import entry


def add(house: House, url: str, topic: str = "housing") -> int:
    """Read a feed into a topic. Returns its number."""
    with house.database.transaction() as session:
        return feeds.add(session, policy_of(house.config), url, topic, utcnow()).id


def fetch(house: House) -> list[Result]:
    """Ask all that are due."""
    return feeds.fetch_all(house.database, policy_of(house.config), utcnow())


def taken(house: House) -> Taken:
    """What the only feed brought."""
    (result,) = fetch(house)
    assert result.error is None
    return result.taken


def held(house: House, feed_id: int) -> Feed:
    """The row of a feed."""
    with house.database.reading() as session:
        return session.get_one(Feed, feed_id)


def published(house: House) -> list[Item]:
    """The items, in the order of their positions."""
    with house.database.reading() as session:
        return [item for item, _ in reversed(items.all_of(session))]


def titles(house: House) -> list[str]:
    """What the items are called, in the same order."""
    return [item.title for item in published(house)]


def dated(guid: str, days_ago: float) -> str:
    """An entry of so many days ago."""
    return entry(guid, guid, pubDate=format_datetime(utcnow() - timedelta(days=days_ago)))
