"""Since when readers agree to get a topic: what the foot of a digest tells them."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coalition.models import Source, Subscription, Topic

# They take the place of a subscription that was there, so they ask for nothing that was not agreed to before.
GOES_ON = (Source.CHANGED, Source.UNDONE)


def since(session: Session, subscriber_ids: Collection[int]) -> dict[int, dict[str, datetime]]:
    """When each of these people last agreed to each topic, by its slug; in one statement for all of them.

    A subscription is ended and begun anew with every change, so the moment is the beginning of the chain, not of its
    last link. The press in the confirm letter and a tick in the preferences begin a chain: there a person who did not
    get the topic said that they want it. Another cadence does not, and neither does "undo": it takes a leaving back
    as if it had not been pressed, up to the cursor. Its own moment is in the consents; what a reader remembers, and
    what their agreement rests on, is the day on which they chose the topic.

    Topics that somebody has left are there too: they may leave between two of a sender's statements.
    """
    began = (
        select(Subscription.subscriber_id, Topic.slug, func.max(Subscription.began_at))
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(Subscription.subscriber_id.in_(subscriber_ids), Subscription.source.not_in(GOES_ON))
        .group_by(Subscription.subscriber_id, Topic.slug)
    )
    found: dict[int, dict[str, datetime]] = defaultdict(dict)
    for subscriber_id, slug, moment in session.execute(began):
        found[subscriber_id][slug] = moment
    return found
