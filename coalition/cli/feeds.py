"""`coalition feed`"""

import sys

import click

from coalition.cli.shared import Group, changing, json_option, looking, opened, show
from coalition.clock import utcnow
from coalition.resources import Resources
from coalition.services import audit, feeds
from coalition.services.feeds import Result
from coalition.services.fetching import policy_of


@click.group("feed", cls=Group)
def feed() -> None:
    """News of others (RSS and Atom), read into topics."""


@feed.command("add")
@click.argument("url")
@click.option("--topic", required=True, help="The topic that gets its news.")
def add(url: str, topic: str) -> None:
    """Read a feed into a topic from now on: the newest ten at first, then whatever is new, each once.

    Example: coalition feed add https://www.example.org/news.xml --topic housing
    """
    with changing() as (resources, session):
        added = feeds.add(session, policy_of(resources.config), url, topic, utcnow())
        audit.record(session, "feed add", str(added.id))
    click.echo(f"Feed {added.id} is added and read within minutes. To see at once: coalition feed fetch {added.id}")


@feed.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show every feed and how it does.

    Example: coalition feed list
    """
    with looking() as (_, session):
        rows = [
            {
                "id": each.id,
                "topic": topic.slug,
                "state": each.health.value,
                "fetched": each.fetched_at,
                "next": None if each.ended_at else each.next_at,
                "failures": each.failures,
                "url": each.url,
                "last_error": each.last_error,
            }
            for each, topic in feeds.all_of(session)
        ]
    show(rows, as_json=as_json, empty="There are no feeds yet: coalition feed add URL --topic SLUG")


@feed.command("fetch")
@click.argument("feed_id", metavar="[ID]", type=int, required=False)
def fetch(feed_id: int | None) -> None:
    """Ask the feeds that are due, or the one with this number now. `coalition tick` does the former by itself.

    Example: coalition feed fetch 3
    """
    resources = opened()
    try:
        if feed_id is None:
            _fetch_due(resources)
        else:
            _fetch_one(resources, feed_id)
    finally:
        resources.database.close()


@feed.command("remove")
@click.argument("feed_id", metavar="ID", type=int)
def remove(feed_id: int) -> None:
    """Ask a feed no more. Its items stay.

    Example: coalition feed remove 3
    """
    with changing() as (_, session):
        url = feeds.remove(session, feed_id).url
        audit.record(session, "feed remove", str(feed_id))
    click.echo(f"Feed {feed_id}, {url}, is removed. Its items stay: coalition item list")


def _fetch_due(resources: Resources) -> None:
    if not feeds.fetch_all(resources.database, policy_of(resources.config), utcnow(), _tell):
        click.echo("No feed is due. To ask one now: coalition feed fetch ID")


def _fetch_one(resources: Resources, feed_id: int) -> None:
    result = feeds.fetch_one(resources.database, policy_of(resources.config), feed_id, utcnow())
    with resources.database.transaction() as session:
        audit.record(session, "feed fetch", str(feed_id))
    _tell(result)
    if result.error:
        sys.exit(1)


def _tell(result: Result) -> None:
    if result.error:
        click.echo(f"Feed {result.feed_id}: {result.error}", err=True)
        return
    taken = result.taken
    if taken.unchanged:
        click.echo(f"Feed {result.feed_id}: nothing has changed since the last time")
        return
    parts = [f"{taken.new} new", f"{taken.known} known"]
    parts += [f"{taken.passed} old or too many at first"] if taken.passed else []
    parts += [f"{taken.refused} without title or identity"] if taken.refused else []
    click.echo(f"Feed {result.feed_id}: {', '.join(parts)}")
