"""Periodic work, one idempotent step after another: any number of processes may call it as often as they like."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from coalition.db import Database, insert_into
from coalition.models import (
    Ended,
    Issue,
    Item,
    JobRun,
    Phase,
    Subscription,
    Topic,
)
from coalition.services import cancelling, consents, grievances, purposes, retention, subscriptions
from coalition.services.consents import Event
from coalition.services.erasure import Eraser
from coalition.services.outbox import breakers
from coalition.services.unsubscribe import Channel

# A mark has to outlive its slot; the longest is a month's issue.
_KEEP_RUNS = timedelta(days=70)
_A_TIME = 1_000
OVERDUE = "grievances overdue"  # told once a day, nothing is done to them


@dataclass(frozen=True)
class Job:
    """One piece of periodic work and how often it is due."""

    name: str
    every: timedelta
    do: Callable[[Session, Eraser, datetime], int]


def tick(database: Database, eraser: Eraser, now: datetime) -> dict[str, int]:
    """Do every job that nobody has done in its slot. Returns how many rows each one touched."""
    done = {}
    for job in JOBS:
        with database.transaction() as session:
            if _take(session, job, now):
                done[job.name] = job.do(session, eraser, now)
    cancelling.finish_all(database, now)
    database.scrub()
    return done


def end_closed_topics(session: Session, now: datetime) -> int:
    """End the subscriptions of closed topics that have served all they had, while no issue is under way."""
    under_way = select(Issue.id).where(Issue.state.not_in([Phase.SENT, Phase.CANCELLED])).limit(1)
    if session.scalar(under_way) is not None:
        return 0
    last = (
        select(func.coalesce(func.max(Item.position), 0))
        .where(Item.topic_id == Subscription.topic_id, Item.withdrawn_at.is_(None))
        .scalar_subquery()
    )
    closed = select(Topic.id).where(Topic.open.is_(False))
    served = select(Subscription.id, Subscription.subscriber_id).where(
        Subscription.topic_id.in_(closed), Subscription.ended_at.is_(None), Subscription.cursor >= last
    )
    found = session.execute(served.order_by(Subscription.subscriber_id).limit(_A_TIME)).all()
    for subscription_id, subscriber_id in found:
        person = subscriptions.lock(session, subscriber_id)
        subscription = session.get_one(Subscription, subscription_id)
        subscriptions.end(session, person, [subscription], Ended.CLOSED, now)
        facts = {"topics": [subscription.topic_id], "names": consents.names(session, [subscription.topic_id])}
        consents.record(session, person.code, Event.WITHDRAWN, now, channel=Channel.CLOSED, **facts)
    return len(found)


def last_runs(session: Session) -> dict[str, datetime]:
    """When each periodic job was last done, by its name."""
    return dict(session.execute(select(JobRun.name, func.max(JobRun.at)).group_by(JobRun.name)).all())


def forget_runs(session: Session, now: datetime) -> int:
    """Delete the marks of jobs done long ago."""
    old = session.execute(delete(JobRun).where(JobRun.at < now - _KEEP_RUNS).returning(JobRun.name))
    return len(old.all())


JOBS = (
    *(Job(each.name, timedelta(minutes=10), each.forget) for each in retention.PERIODS),
    Job("end closed topics", timedelta(hours=1), lambda session, _, now: end_closed_topics(session, now)),
    Job("ask again", timedelta(minutes=1), lambda session, _, now: purposes.ask_again(session, now)),
    Job(OVERDUE, timedelta(days=1), lambda session, _, now: grievances.overdue(session, now)),
    Job("forget refusals", timedelta(hours=1), lambda session, _, now: breakers.forget_old(session, now)),
    Job("forget runs", timedelta(days=1), lambda session, _, now: forget_runs(session, now)),
)


def _take(session: Session, job: Job, now: datetime) -> bool:
    """Whether this slot of a job is ours: the row can be written once."""
    slot = str(int(now.timestamp() / job.every.total_seconds()))
    insert = insert_into(session, JobRun).values(name=job.name, slot=slot, at=now)
    taken = insert.on_conflict_do_nothing(index_elements=["name", "slot"]).returning(JobRun.slot)
    return session.execute(taken).first() is not None
