"""What a plan means: who gets what, how large it is, and what is new since the last time. Numbers; nobody is named."""

from collections import Counter as Counts
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from coalition.links import Links
from coalition.mail.letters import Letters
from coalition.models import Batch, Delivery, Issue, Item, Outbound, Phase, Topic, Variant
from coalition.services import editions, issues

# Composing thousands of variants would take minutes, and the most read ones tell what matters.
MEASURED = 50

# A letter that somebody has, or is still to have.
_REACHES = (Outbound.QUEUED, Outbound.SENT, Outbound.UNCERTAIN)


@dataclass(frozen=True)
class VariantFacts:
    """One variant, numbered from the most read one as `digest preview --variant` counts."""

    variant: int
    readers: int
    items: int
    topics: int
    language: str
    format: str


@dataclass(frozen=True)
class Share:
    """The letters that have one thing in common."""

    language: str
    format: str
    letters: int


@dataclass(frozen=True)
class TopicFacts:
    """One topic: how many letters bring something of it, and how many of its items are in the issue."""

    topic: str
    letters: int
    items: int


@dataclass(frozen=True)
class HourFacts:
    """The readers who chose one hour; without one, those who get it at once. Monday is 0."""

    zone: str | None
    weekday: int | None
    hour: int | None
    letters: int


@dataclass(frozen=True)
class Sizes:
    """Bytes of text and HTML together, of the variants that were measured."""

    smallest: int
    median: int
    largest: int
    measured: int


@dataclass(frozen=True)
class Change:
    """One number, the last time and now."""

    last: int
    now: int


@dataclass(frozen=True)
class Difference:
    """What is new since the last issue of the same cadence that was not cancelled."""

    issue: int
    period: str
    state: str
    letters: Change
    items: Change
    largest: Change
    topics_new: list[str]
    topics_gone: list[str]
    readers_new: int
    readers_gone: int


@dataclass(frozen=True)
class Explanation:
    """Everything about one plan that its staff may want to know before anybody gets it."""

    variants: list[VariantFacts]
    languages: list[Share]
    topics: list[TopicFacts]
    hours: list[HourFacts]
    not_mailed: list[tuple[str, str, int]]  # topic, reason, items: each counted once for every reader
    sizes: Sizes
    difference: Difference | None


def explain(session: Session, letters: Letters, links: Links, issue: Issue) -> Explanation:
    """Explain an issue that was planned."""
    this = _Contents.read(session, issue)
    last = _last(session, issue)
    sizes = _sizes(session, letters, links, this)
    return Explanation(
        variants=variant_facts(this.variants),
        languages=this.languages(),
        topics=this.topic_facts(),
        hours=_hours(session, issue),
        not_mailed=[(topic, reason, n) for topic, reason, n in issues.progress(session, issue.id).not_mailed],
        sizes=sizes,
        difference=_difference(session, letters, links, this, sizes, last) if last else None,
    )


def variant_facts(variants: Sequence[tuple[Variant, int]]) -> list[VariantFacts]:
    """Variants as people speak of them; they come with their readers, the most read first."""
    return [
        VariantFacts(number, readers, len(each.items), len(each.topics), each.locale, each.format.value)
        for number, (each, readers) in enumerate(variants, 1)
    ]


@dataclass(frozen=True)
class _Contents:
    """An issue's variants with their readers, the most read first, and the topics of its items."""

    issue: Issue
    variants: Sequence[tuple[Variant, int]]
    topic_of: dict[int, Topic]  # by the number of an item; topics in their order

    @classmethod
    def read(cls, session: Session, issue: Issue) -> "_Contents":
        variants = [(variant, readers) for variant, readers in issues.largest_variants(session, issue.id) if readers]
        ids = {item for variant, _ in variants for item in variant.items}
        rows = session.execute(
            select(Item.id, Topic)
            .join(Topic, Topic.id == Item.topic_id)
            .where(Item.id.in_(ids))
            .order_by(Topic.order, Topic.id, Item.position)
        )
        return cls(issue, variants, dict(rows.all()))

    @property
    def topics(self) -> list[Topic]:
        """The topics it brings something of, in order."""
        return list(dict.fromkeys(self.topic_of.values()))

    def languages(self) -> list[Share]:
        counted: Counts[tuple[str, str]] = Counts()
        for variant, readers in self.variants:
            counted[variant.locale, variant.format.value] += readers
        return [Share(language, form, n) for (language, form), n in counted.most_common()]

    def topic_facts(self) -> list[TopicFacts]:
        letters: Counts[Topic] = Counts()
        for variant, readers in self.variants:
            for topic in {self.topic_of[item] for item in variant.items}:
                letters[topic] += readers
        items = Counts(self.topic_of.values())
        return [TopicFacts(topic.name, letters[topic], items[topic]) for topic in self.topics]


def _hours(session: Session, issue: Issue) -> list[HourFacts]:
    hour = (Batch.zone, Batch.weekday, Batch.hour)
    letters = func.count(Delivery.id)
    rows = session.execute(
        select(*hour, letters)
        .join(Delivery, Delivery.batch_id == Batch.id)
        .where(Batch.issue_id == issue.id)
        .group_by(*hour)
        .order_by(letters.desc(), *hour)
    )
    return [HourFacts(*row) for row in rows]


def _sizes(session: Session, letters: Letters, links: Links, contents: _Contents) -> Sizes:
    measured, shelves = [], editions.Shelves(session, letters)
    for variant, _ in contents.variants[:MEASURED]:
        slots = editions.sample_slots(letters, links, variant.locale)
        letter = shelves.copy(variant).fill(slots)
        measured.append(len(letter.text.encode()) + len((letter.html or "").encode()))
    return Sizes(min(measured), median_low(measured), max(measured), len(measured))


def _last(session: Session, issue: Issue) -> _Contents | None:
    """The issue before, if it brought anybody anything."""
    before = session.scalar(
        select(Issue)
        .where(Issue.cadence == issue.cadence, Issue.id < issue.id, Issue.state != Phase.CANCELLED)
        .order_by(Issue.id.desc())
        .limit(1)
    )
    contents = _Contents.read(session, before) if before else None
    return contents if contents and contents.variants else None


def _difference(
    session: Session, letters: Letters, links: Links, this: _Contents, sizes: Sizes, last: _Contents
) -> Difference:
    return Difference(
        issue=last.issue.id,
        period=last.issue.period_key,
        state=last.issue.state.value,
        letters=Change(_reached(session, last.issue), _reached(session, this.issue)),
        items=Change(len(last.topic_of), len(this.topic_of)),
        largest=Change(_sizes(session, letters, links, last).largest, sizes.largest),
        topics_new=[topic.name for topic in this.topics if topic not in last.topics],
        topics_gone=[topic.name for topic in last.topics if topic not in this.topics],
        readers_new=_reached(session, this.issue, but_not=last.issue),
        readers_gone=_reached(session, last.issue, but_not=this.issue),
    )


def _reached(session: Session, issue: Issue, *, but_not: Issue | None = None) -> int:
    """How many readers an issue reaches, or those of them whom another one does not."""
    query = select(func.count()).where(Delivery.issue_id == issue.id, Delivery.state.in_(_REACHES))
    if but_not is not None:
        other = aliased(Delivery)
        same_reader = select(other.id).where(
            other.issue_id == but_not.id,
            other.subscriber_id == Delivery.subscriber_id,
            other.state.in_(_REACHES),
        )
        query = query.where(~same_reader.exists())
    return session.scalar(query) or 0
