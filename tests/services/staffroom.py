"""What tests about issues share: other facts in `community.toml`, staff with names, readers with an hour or a break."""

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from coalition.community import read_community
from coalition.models import Batch, Cadence, Issue, PauseMode, Subscriber, Tally, Topic
from coalition.services import automatic, issues, planning, preferences
from coalition.services.moments import Hour
from tests.house import House, parse, text_of
from tests.relay import Received

MONDAY = "2026-11-23T12:00:00+00:00"
TITLES = [f"Story {letter}" for letter in "ABCDEFGH"]


def settle_in(house: House, **facts: object) -> House:
    """The same house, its programs started again with other facts in `community.toml`."""
    path = house.config.home / "community.toml"
    text = path.read_text("utf-8")
    for name, value in facts.items():
        text, found = re.subn(rf"^{name} = .*$", f"{name} = {json.dumps(value)}", text, flags=re.MULTILINE)
        assert found == 1, f"community.toml has no {name}"
    path.write_text(text, "utf-8")
    community, faults = read_community(path)
    assert faults == []
    return House(replace(house.resources, config=replace(house.config, community=community)), house.relay)


def plan_as(house: House, who: str | None, at: datetime, cadence: Cadence = Cadence.WEEKLY) -> int:
    """Plan the issue that is due, under a login. Returns its number."""
    community, letters = house.config.community, house.resources.letters
    return planning.plan(
        house.database, letters, community, cadence, subject=None, intro_md="", now=at, planned_by=who
    ).issue_id


def tick(house: House, at: datetime) -> dict[str, int]:
    """Let the automatic issues go that are due."""
    letters, composer = house.resources.letters, house.resources.composer()
    return automatic.plan_and_send(house.database, letters, composer, house.config.community, at)


def send(house: House, issue_id: int, goes_at: datetime, *, at_once: bool = False) -> Issue:
    """Let an issue go at a moment."""
    with house.database.transaction() as session:
        return issues.send(session, house.config.community, issue_id, goes_at, at_once=at_once)


def choose_hour(house: House, person: Subscriber, choice: Hour | None) -> None:
    """Choose the hour at which digests come."""
    with house.database.transaction() as session:
        preferences.choose_hour(session, person, choice)


def pause(house: House, person: Subscriber, until: datetime, now: datetime, mode: PauseMode) -> None:
    """Take a break."""
    with house.database.transaction() as session:
        preferences.pause(session, person, until, now, mode=mode)


def resume(house: House, person: Subscriber, now: datetime) -> None:
    """Come back from a break before its end."""
    with house.database.transaction() as session:
        preferences.resume(session, person, now)


def batches(house: House, issue_id: int) -> list[Batch]:
    """The batches of an issue, in the order in which they were made."""
    with house.database.reading() as session:
        return list(session.scalars(select(Batch).where(Batch.issue_id == issue_id).order_by(Batch.id)))


def tallies(house: House) -> list[tuple[str, str, int]]:
    """What did not reach readers, over all issues: topic, reason and how many items."""
    query = (
        select(Topic.slug, Tally.reason, func.sum(Tally.n))
        .join(Topic, Topic.id == Tally.topic_id)
        .group_by(Topic.slug, Tally.reason)
        .order_by(Topic.slug, Tally.reason)
    )
    with house.database.reading() as session:
        return [(slug, reason, int(n)) for slug, reason, n in session.execute(query)]


def rows(house: House, table: Any) -> int:
    """How many rows a table has."""
    with house.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def html_of(received: Received) -> str:
    """The HTML form of a letter, as its reader sees it."""
    body = parse(received).get_body(("html",))
    assert body is not None
    return str(body.get_content())


def titles_in(text: str, titles: list[str]) -> list[str]:
    """Those titles that a letter brings, in its order."""
    return sorted((title for title in titles if title in text), key=text.index)


def publish(house: House, count: int, first: int = 0, topic: str = "housing") -> None:
    """Publish so many of `TITLES`."""
    for title in TITLES[first : first + count]:
        house.publish(topic, title)


def digest(house: House) -> list[Received]:
    """The issue that is due now, planned and sent."""
    house.send(house.plan())
    return house.drain()


def stories(letter: Received) -> list[str]:
    """Those of `TITLES` that a letter brings, in order."""
    return titles_in(text_of(parse(letter)), TITLES)
