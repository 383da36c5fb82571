"""Variants: what readers share of an issue, and what is left of one when a topic goes."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.db import insert_into
from coalition.models import Format, Item, Variant


def signature(
    items: Iterable[int], from_positions: Mapping[str, int], more: Mapping[str, int], locale: str, form: Format
) -> str:
    """What two readers must have in common to share a variant."""
    facts = [list(items), sorted(from_positions.items()), sorted(more.items()), locale, form]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def without(session: Session, variant: Variant, gone: set[int]) -> Variant | None:
    """The variant that lacks some topics, made where nobody needed it before; None where nothing is left."""
    starts = {topic: cursor for topic, cursor in variant.from_positions.items() if int(topic) not in gone}
    topic_of = dict(session.execute(select(Item.id, Item.topic_id).where(Item.id.in_(variant.items))).all())
    items = [item for item in variant.items if topic_of[item] not in gone]
    if not items:
        return None
    more = {topic: n for topic, n in variant.more.items() if int(topic) not in gone}
    mark = signature(items, starts, more, variant.locale, variant.format)
    insert = insert_into(session, Variant).values(
        issue_id=variant.issue_id,
        signature=mark,
        items=items,
        from_positions=starts,
        more=more,
        locale=variant.locale,
        format=variant.format,
    )
    session.execute(insert.on_conflict_do_nothing(index_elements=["issue_id", "signature"]))
    return session.scalars(select(Variant).where(Variant.issue_id == variant.issue_id, Variant.signature == mark)).one()


def items_by_topic(session: Session, variant: Variant, topics: set[int] | None) -> dict[int, int]:
    """How many items of each of these topics a variant brings; of all its topics without them."""
    counted: dict[int, int] = defaultdict(int)
    for topic_id in session.scalars(select(Item.topic_id).where(Item.id.in_(variant.items))):
        if topics is None or topic_id in topics:
            counted[topic_id] += 1
    return counted
