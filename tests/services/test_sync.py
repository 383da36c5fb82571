"""A folder of files as the source of news: again changes nothing, a changed file edits, a lost one is told."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.errors import BadContent, NotFound
from coalition.models import Item
from coalition.services import drafts, items, topics
from coalition.services.items import Synced
from tests.house import House, a_subscriber, parse, text_of
from tests.services.scenes import cursors

FILES = {"2026/rents.md": "Rents fall", "2026/tools.md": "A saw", "fair.md": "The fair"}


def draft(title: str, topic: str = "housing", text: str = "Some news.", extra: str = "") -> drafts.Draft:
    return drafts.read(f"---\ntitle: {title}\ntopic: {topic}\n{extra}---\n{text}\n")


def sync(house: House, files: dict[str, drafts.Draft], folder: str = "news") -> Synced:
    with house.database.transaction() as session:
        return items.sync(session, folder, files, utcnow())


def edit(house: House, position: int, to: drafts.Draft) -> Item:
    with house.database.transaction() as session:
        return items.edit(session, position, to)


def a_folder() -> dict[str, drafts.Draft]:
    return {path: draft(title) for path, title in FILES.items()}


def shelf(house: House) -> list[tuple[int, str, str]]:
    """Every item in order: its place, title and text."""
    with house.database.reading() as session:
        found = session.scalars(select(Item).order_by(Item.position))
        return [(item.position, item.title, item.summary_md) for item in found]


def count(done: Synced) -> tuple[int, int, int, int]:
    return len(done.new), len(done.changed), len(done.same), len(done.gone)


def test_a_folder_becomes_items_in_the_order_of_its_paths(house: House) -> None:
    assert count(sync(house, a_folder())) == (3, 0, 0, 0)
    assert [title for _, title, _ in shelf(house)] == ["Rents fall", "A saw", "The fair"]


def test_again_changes_nothing(house: House) -> None:
    sync(house, a_folder())
    before = shelf(house)

    for _ in range(2):
        assert count(sync(house, a_folder())) == (0, 0, 3, 0)

    assert shelf(house) == before


@pytest.mark.parametrize(
    "changed",
    [
        draft("Rents fall at last"),
        draft("Rents fall", text="Other news."),
        draft("Rents fall", extra="url: https://www.example.org/rents\n"),
    ],
)
def test_a_changed_file_edits_its_item_in_place(house: House, changed: drafts.Draft) -> None:
    sync(house, a_folder())

    done = sync(house, a_folder() | {"2026/rents.md": changed})

    assert count(done) == (0, 1, 2, 0)
    assert [(item.position, item.title, item.summary_md, item.url) for item in done.changed] == [
        (1, changed.title, changed.text, changed.url)
    ]
    assert shelf(house)[0] == (1, changed.title, changed.text)
    assert count(sync(house, a_folder() | {"2026/rents.md": changed})) == (0, 0, 3, 0)


def test_who_has_had_an_item_does_not_get_it_again_when_its_file_changes(house: House) -> None:
    ada = a_subscriber(house, cursor=0)
    sync(house, a_folder())
    house.send(house.plan())
    house.drain()

    sync(house, a_folder() | {"fair.md": draft("The fair is off")})

    assert cursors(house, ada) == {"housing": 3}


def test_an_unsent_plan_made_after_a_change_says_what_the_file_says(house: House) -> None:
    a_subscriber(house, cursor=0)
    sync(house, a_folder())
    sync(house, a_folder() | {"fair.md": draft("The fair is off")})
    house.send(house.plan())

    [letter] = house.drain()

    assert "The fair is off" in text_of(parse(letter))


def test_a_vanished_file_is_told_and_its_item_stays(house: House) -> None:
    sync(house, a_folder())
    rest = {path: each for path, each in a_folder().items() if path != "fair.md"}

    for _ in range(2):
        done = sync(house, rest)
        assert (count(done), [item.title for item in done.gone]) == ((0, 0, 2, 1), ["The fair"])

    assert len(shelf(house)) == 3


def test_a_moved_file_is_told_as_new_and_as_gone(house: House) -> None:
    sync(house, a_folder())
    moved = a_folder()
    moved["2027/fair.md"] = moved.pop("fair.md")

    done = sync(house, moved)

    assert count(done) == (1, 0, 2, 1)
    assert [item.source for item in (*done.new, *done.gone)] == ["file:news/2027/fair.md", "file:news/fair.md"]


def test_what_was_withdrawn_is_not_told_again_and_does_not_come_back(house: House) -> None:
    sync(house, a_folder())
    with house.database.transaction() as session:
        items.withdraw(session, 1, utcnow())
    rest = {path: each for path, each in a_folder().items() if path != "2026/rents.md"}

    assert count(sync(house, rest)) == (0, 0, 2, 0)
    assert count(sync(house, a_folder())) == (0, 0, 3, 0)
    with house.database.reading() as session:
        assert items.get(session, 1).withdrawn_at is not None


def test_items_of_other_sources_are_left_alone(house: House) -> None:
    house.publish(title="By hand")

    assert count(sync(house, a_folder())) == (3, 0, 0, 0)
    assert count(sync(house, {})) == (0, 0, 0, 3)


def test_files_of_equal_names_in_two_folders_are_two_items(house: House) -> None:
    sync(house, {"a.md": draft("Of the first")}, "first_100%")

    for other in ("second", "first_100%25", "First_100%", "firstX100%"):
        done = sync(house, {"a.md": draft(f"Of {other}")}, other)
        assert count(done) == (1, 0, 0, 0)

    assert shelf(house)[0] == (1, "Of the first", "Some news.")
    assert count(sync(house, {}, "first_100%")) == (0, 0, 0, 1)


def test_a_closed_topic_takes_no_more_news_and_what_it_has_can_be_mended(house: House) -> None:
    sync(house, a_folder())
    with house.database.transaction() as session:
        topics.close(session, "housing")

    with pytest.raises(BadContent, match=r"late\.md: The topic housing is closed"):
        sync(house, a_folder() | {"late.md": draft("Late")})
    assert count(sync(house, a_folder() | {"fair.md": draft("The fair is off")})) == (0, 1, 2, 0)

    assert len(shelf(house)) == 3


def test_a_file_that_changes_its_topic_takes_the_whole_back(house: House) -> None:
    sync(house, a_folder())
    before = shelf(house)
    files = {"a.md": draft("New"), "2026/rents.md": draft("Rents", "events"), "fair.md": draft("Off")}

    with pytest.raises(BadContent, match="stays in its topic"):
        sync(house, files)

    assert shelf(house) == before


def test_one_bad_file_is_named_and_none_is_published(house: House) -> None:
    tomorrow = f"published: {utcnow() + timedelta(days=1):%Y-%m-%d}\n"

    for bad in (draft("Bad", "nowhere"), draft("Bad", extra=tomorrow)):
        with pytest.raises(BadContent, match=r"^z\.md: "):
            sync(house, a_folder() | {"z.md": bad})

    assert shelf(house) == []


def test_an_edited_item_keeps_its_place_and_its_date(house: House) -> None:
    before = house.publish(title="Typo")

    after = edit(house, 1, draft("No typo", text="Better."))

    assert (after.title, after.summary_md) == ("No typo", "Better.")
    assert (after.position, after.published_at, after.added_at) == (1, before.published_at, before.added_at)


def test_an_item_stays_in_its_topic(house: House) -> None:
    house.publish(title="Housing")

    with pytest.raises(BadContent, match="withdraw it and add it to the other one"):
        edit(house, 1, draft("Housing", "events"))
    with pytest.raises(NotFound):
        edit(house, 2, draft("Nothing"))

    assert shelf(house) == [(1, "Housing", "Some news.")]
