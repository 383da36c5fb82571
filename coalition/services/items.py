"""Items: news that staff wrote in Markdown, published in an order that never changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.errors import BadContent, NotFound, Refused
from coalition.models import Item, Topic
from coalition.services import topics
from coalition.services.counters import POSITION, raise_counter
from coalition.services.drafts import Draft


@dataclass(frozen=True)
class Published:
    """An item, and whether it was new."""

    item: Item
    is_new: bool


@dataclass(frozen=True)
class Synced:
    """What a folder of files came to. `gone` are items whose file is no longer there; they stay until withdrawn."""

    new: list[Item]
    changed: list[Item]
    same: list[Item]
    gone: list[Item]


def publish(session: Session, draft: Draft, now: datetime, *, source: str | None = None) -> Published:
    """Give an item the next position. The same source again (by default, the same text) gives the item there is."""
    topic = topics.get(session, draft.topic)
    held = session.scalar(select(Item).where(Item.source == (source or draft.source)))
    if held is not None:
        return Published(held, is_new=False)
    if not topic.open:
        raise Refused(f"The topic {topic.slug} is closed: it takes no more news.")
    if draft.published is not None and draft.published > now:
        raise BadContent("The date in `published` is in the future: add the item when it is time.")
    item = Item(
        topic_id=topic.id,
        position=raise_counter(session, POSITION),
        title=draft.title,
        summary_md=draft.text,
        url=draft.url,
        published_at=draft.published or now,
        added_at=now,
        withdrawn_at=None,
        source=source or draft.source,
    )
    session.add(item)
    session.flush()
    return Published(item, is_new=True)


def edit(session: Session, position: int, draft: Draft) -> Item:
    """Change what an item says from now on. It keeps its place; who has had it does not get it again."""
    item = get(session, position)
    if topics.get(session, draft.topic).id != item.topic_id:
        raise BadContent("An item stays in its topic: withdraw it and add it to the other one.")
    item.title, item.summary_md, item.url = draft.title, draft.text, draft.url
    return item


def sync(session: Session, folder: str, drafts: Mapping[str, Draft], now: datetime) -> Synced:
    """Make items out of files, known by their folder's name and their paths. Again changes nothing; changes edit."""
    prefix = f"file:{folder}/"
    new, changed, same = [], [], []
    for path in sorted(drafts):
        draft = drafts[path]
        try:
            done = publish(session, draft, now, source=prefix + path)
            item = done.item
            if done.is_new:
                new.append(item)
            elif _facts(session, draft) != (item.topic_id, item.title, item.summary_md, item.url):
                changed.append(edit(session, item.position, draft))
            else:
                same.append(item)
        except (BadContent, NotFound, Refused) as error:
            raise BadContent(f"{path}: {error}") from error
    ours = Item.source.startswith(prefix, autoescape=True)
    held = session.scalars(select(Item).where(ours, Item.withdrawn_at.is_(None)))
    # Compared again here: to SQLite, big and small letters are alike.
    gone = [item for item in held if item.source.startswith(prefix) and item.source.removeprefix(prefix) not in drafts]
    return Synced(new, changed, same, gone)


def _facts(session: Session, draft: Draft) -> tuple[int, str, str, str | None]:
    return topics.get(session, draft.topic).id, draft.title, draft.text, draft.url


def get(session: Session, position: int) -> Item:
    """The item at this position. Raises NotFound."""
    item = session.scalar(select(Item).where(Item.position == position))
    if item is None:
        raise NotFound(f"There is no item {position}: `coalition item list` shows those there are.")
    return item


def withdraw(session: Session, position: int, now: datetime) -> Item:
    """Keep an item out of everything that is planned from now on."""
    item = get(session, position)
    item.withdrawn_at = item.withdrawn_at or now
    return item


def all_of(session: Session) -> list[tuple[Item, Topic]]:
    """Every item with its topic, newest first."""
    query = select(Item, Topic).join(Topic, Topic.id == Item.topic_id).order_by(Item.position.desc())
    return list(session.execute(query))
