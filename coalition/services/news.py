"""What there is to tell: the published items up to an issue's end, by topic."""

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.models import Fragment, Issue, Item, PauseMode, Topic
from coalition.services.readers import Reader


@dataclass
class Share:
    """What one reader gets of an issue, and what they don't, by topic."""

    items: list[int] = field(default_factory=list)
    starts: dict[str, int] = field(default_factory=dict)  # where each topic that brings something began
    more: dict[str, int] = field(default_factory=dict)  # over the cap: in the archive only
    skipped: dict[int, int] = field(default_factory=dict)  # published during a pause that skips
    withdrawn: dict[int, int] = field(default_factory=dict)  # taken back before they could be mailed


class News:
    """The items up to an issue's end."""

    def __init__(self, session: Session, through_position: int) -> None:
        rows = session.execute(
            select(Item.topic_id, Item.position, Item.id, Item.withdrawn_at)
            .join(Topic, Topic.id == Item.topic_id)
            .where(Item.position <= through_position)
            .order_by(Topic.order, Topic.id, Item.position)
        )
        self._positions: dict[int, list[int]] = defaultdict(list)
        self._ids: dict[int, list[int]] = defaultdict(list)
        self._withdrawn: dict[int, list[int]] = defaultdict(list)
        self.last: dict[int, int] = {}  # by topic: the position of its newest item, withdrawn or not
        for topic_id, position, item_id, withdrawn_at in rows:
            self.last[topic_id] = position
            if withdrawn_at is not None:
                self._withdrawn[topic_id].append(position)
                continue
            self._positions[topic_id].append(position)
            self._ids[topic_id].append(item_id)
        added = session.execute(
            select(Item.added_at, Item.position).where(Item.position <= through_position).order_by(Item.position)
        )
        self._moments, self._order = [], []
        for moment, position in added:
            self._moments.append(moment)
            self._order.append(position)

    def share(self, person: Reader, cursors: Mapping[int, int], now: datetime, cap: int) -> Share:
        """What a reader gets of what came after their cursors: topics in order, at most `cap` items each.

        Who comes back from a pause gets all of it (catch-up), as much as any letter holds (capped), or nothing of it
        (skip); while a skipping pause goes on, nothing at all.
        """
        share = Share()
        pause_ends = self._position_at(person.pause_until, now)
        skips = person.pause_mode is PauseMode.SKIP
        for topic_id, positions in self._withdrawn.items():
            if topic_id in cursors and (gone := len(positions) - bisect_right(positions, cursors[topic_id])):
                share.withdrawn[topic_id] = gone
        for topic_id, ids in self._ids.items():
            if topic_id not in cursors:
                continue
            start = bisect_right(self._positions[topic_id], cursors[topic_id])
            first = max(start, bisect_right(self._positions[topic_id], pause_ends)) if skips else start
            if first > start:
                share.skipped[topic_id] = first - start
            new = ids[first:]
            if not new:
                continue
            catches_up = person.pause_mode is PauseMode.CATCH_UP and cursors[topic_id] < pause_ends
            over = 0 if catches_up else max(0, len(new) - cap)
            share.items += new[over:]  # the newest
            share.starts[str(topic_id)] = cursors[topic_id]
            if over:
                share.more[str(topic_id)] = over
        return share

    def _position_at(self, pause_until: datetime | None, now: datetime) -> int:
        """The newest position that lies in a pause: 0 without one."""
        if pause_until is None:
            return 0
        if pause_until > now:
            return self._order[-1] if self._order else 0
        before = bisect_left(self._moments, pause_until)  # at that moment the pause is over
        return self._order[before - 1] if before else 0


def content_hash(session: Session, issue: Issue) -> str:
    """What a plan says, by its fragments, whoever gets it: a person who leaves or joins doesn't change it."""
    used = select(Fragment.item_id).where(Fragment.issue_id == issue.id)
    rows = session.execute(
        select(Item.position, Item.title, Item.url, Item.summary_md).where(Item.id.in_(used)).order_by(Item.position)
    )
    facts = [issue.subject, issue.intro_md, issue.through_position, [list(row) for row in rows]]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()
