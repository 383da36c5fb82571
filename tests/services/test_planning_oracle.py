"""Every delivery of a plan against a slow oracle in plain Python, over random readers, items and choices."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from coalition.address import Address
from coalition.clock import utcnow
from coalition.errors import Refused
from coalition.models import (
    Cadence,
    Delivery,
    Format,
    Item,
    Source,
    State,
    Subscriber,
    Subscription,
    Suppression,
    Topic,
    Variant,
)
from coalition.models.people import Scope
from coalition.services import dealing, drafts, items, planning, topics
from coalition.tokens import random_code
from tests.house import House
from tests.services.scenes import at_once, cursors

READERS, ITEMS = 200, 40
SLUGS = ("housing", "events", "tools", "food", "work")


@dataclass
class Reader:
    """One reader as the oracle knows them: who they are, and where each topic stands."""

    person: Subscriber
    cadences: dict[int, Cadence] = field(default_factory=dict)
    served: dict[int, int] = field(default_factory=dict)
    gets_mail: bool = True


@dataclass
class Town:
    """All readers and items, in plain lists."""

    readers: list[Reader]
    items: list[Item]
    now: datetime
    cap: int  # a letter holds no more of one topic

    def due(self, reader: Reader, cadence: Cadence) -> list[int]:
        """The items of a reader's copy: of each topic the newest after what was served, and not withdrawn."""
        if not reader.gets_mail:
            return []
        mine = [topic for topic, each in reader.cadences.items() if each is cadence]
        found = []
        for topic in sorted(mine):
            news = [item for item in self.items if item.topic_id == topic and item.position > reader.served[topic]]
            found += sorted(news, key=lambda item: item.position)[-self.cap :]
        return [item.id for item in found]


@pytest.fixture(params=[11, 22])
def town(house: House, request: pytest.FixtureRequest) -> Town:
    chance, now = random.Random(request.param), utcnow()
    with house.database.transaction() as session:
        for slug in SLUGS[3:]:
            topics.add(session, slug, slug.capitalize(), f"All about {slug}.")
        topic_ids = list(session.scalars(select(Topic.id).order_by(Topic.order)))
        published = []
        for number in range(ITEMS):
            draft = drafts.read(f"---\ntitle: {number}\ntopic: {chance.choice(SLUGS)}\n---\nText {number}\n")
            published.append(items.publish(session, draft, now).item)
        for item in chance.sample(published, 4):
            items.withdraw(session, item.position, now)
        readers = [_a_reader(house, chance, number, now) for number in range(READERS)]
        session.add_all([reader.person for reader in readers])
        session.flush()
        for reader in readers:
            for topic_id in chance.sample(topic_ids, chance.randint(0, len(topic_ids))):
                reader.cadences[topic_id] = chance.choice(list(Cadence))
                reader.served[topic_id] = chance.choice([0, 0, 7, 20, ITEMS])
                session.add(_a_subscription(reader, topic_id, now))
            if not reader.gets_mail and reader.person.pause_until is None and reader.person.state is State.ACTIVE:
                row = {"code": None, "scope": Scope.ALL, "reason": "staff", "since": now}
                session.add(Suppression(address_key=reader.person.address_key, **row))
    kept = [item for item in published if item.withdrawn_at is None]
    return Town(readers, kept, now, house.config.community.items_per_topic)


def _a_reader(house: House, chance: random.Random, number: int, now: datetime) -> Reader:
    vault, address = house.resources.vault, Address.parse(f"reader{number}@example.org")
    kind = chance.choices(["reads", "pauses", "has paused", "suppressed", "pending"], [16, 2, 1, 1, 1])[0]
    pauses = {"pauses": now + timedelta(days=3), "has paused": now - timedelta(days=3)}
    person = Subscriber(
        code=random_code(),
        address_sealed=vault.seal(address),
        address_key=vault.key(address),
        locale=chance.choice(["en", "en", "de"]),
        format=chance.choice(list(Format)),
        pause_until=pauses.get(kind),
        epoch=1,
        state=State.PENDING if kind == "pending" else State.ACTIVE,
        created_at=now,
        confirmed_at=now,
    )
    return Reader(person, gets_mail=kind in {"reads", "has paused"})


def _a_subscription(reader: Reader, topic_id: int, now: datetime) -> Subscription:
    return Subscription(
        subscriber_id=reader.person.id,
        topic_id=topic_id,
        cadence=reader.cadences[topic_id],
        cursor=reader.served[topic_id],
        began_at=now,
        source=Source.SIGNUP,
        ended_at=None,
        ended_reason=None,
    )


def plan_and_read(house: House, cadence: Cadence) -> dict[int, list[int]]:
    """Plan an issue. Returns each reader's items, in the order of their copy."""
    issue = house.plan(cadence)
    with house.database.reading() as session:
        rows = session.execute(
            select(Delivery.subscriber_id, Variant.items, Variant.locale, Variant.format)
            .join(Variant, Variant.id == Delivery.variant_id)
            .where(Delivery.issue_id == issue)
        ).all()
        for reader, _, locale, form in rows:
            person = session.get_one(Subscriber, reader)
            assert (person.locale, person.format) == (locale, form)
    found: dict[int, list[list[int]]] = defaultdict(list)
    for reader, copy, _, _ in rows:
        found[reader or 0].append(copy)
    assert all(len(copies) == 1 for copies in found.values())
    return {reader: copies[0] for reader, copies in found.items()}


@pytest.mark.parametrize("page", [dealing.READERS_A_PAGE, 17], ids=["one page", "many pages"])
def test_every_reader_gets_what_the_oracle_says(
    house: House, town: Town, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dealing, "READERS_A_PAGE", page)
    monkeypatch.setattr(dealing, "LETTERS_A_BATCH", 10)

    for cadence in Cadence:
        expected = {reader.person.id: copy for reader in town.readers if (copy := town.due(reader, cadence))}
        assert expected
        assert plan_and_read(house, cadence) == expected

    for reader in town.readers[:40]:
        assert set(cursors(house, reader.person).values()) <= set(reader.served.values()) | {ITEMS}


def test_a_plan_that_is_made_again_is_the_same(house: House, town: Town) -> None:
    first = plan_and_read(house, Cadence.WEEKLY)

    assert plan_and_read(house, Cadence.WEEKLY) == first


def crash_at(page: int) -> Callable[[int], None]:
    """Something that dies when so many pages are planned."""
    pages = iter(range(1, 1000))

    def progress(_: int) -> None:
        if next(pages) == page:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("page", [1, 3])
def test_a_plan_that_died_in_the_middle_is_made_anew(
    house: House, town: Town, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dealing, "READERS_A_PAGE", 20)
    community, letters = house.config.community, house.resources.letters
    with pytest.raises(KeyboardInterrupt):
        planning.plan(
            house.database,
            letters,
            community,
            Cadence.WEEKLY,
            subject=None,
            intro_md="",
            now=utcnow(),
            progress=crash_at(page),
        )

    expected = {reader.person.id: copy for reader in town.readers if (copy := town.due(reader, Cadence.WEEKLY))}
    assert plan_and_read(house, Cadence.WEEKLY) == expected


def test_nothing_is_lost_or_repeated_over_several_issues(house: House, town: Town) -> None:
    first = plan_and_read(house, Cadence.DAILY)
    with house.database.transaction() as session:
        draft = drafts.read("---\ntitle: Late\ntopic: housing\n---\nText\n")
        late = items.publish(session, draft, utcnow()).item

    second = plan_and_read(house, Cadence.DAILY)

    for reader in town.readers:
        wants = reader.gets_mail and reader.cadences.get(late.topic_id) is Cadence.DAILY
        before, after = set(first.get(reader.person.id, [])), set(second.get(reader.person.id, []))
        assert after == before | ({late.id} if wants else set())


def test_plans_made_at_once_end_with_one_that_is_whole(house: House, town: Town) -> None:
    def try_to_plan(_: int) -> int | None:
        try:
            return house.plan(Cadence.WEEKLY)
        except Refused:
            return None

    at_once(4, try_to_plan)

    expected = {reader.person.id: copy for reader in town.readers if (copy := town.due(reader, Cadence.WEEKLY))}
    assert plan_and_read(house, Cadence.WEEKLY) == expected
