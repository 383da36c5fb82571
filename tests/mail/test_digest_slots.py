"""A copy of a digest and its slots: filled once for each reader, escaped for where they stand, never damaged."""

from datetime import UTC, datetime
from html import escape

import pytest

from coalition.languages import OWN_NAMES, language
from coalition.mail.digest import (
    WIDEST_DATE,
    Copy,
    Edition,
    Section,
    Slots,
    has_marker,
)
from coalition.mail.typesetting import Typesetter
from coalition.services import editions
from tests.mail.desk import WRITTEN, Desk
from tests.mail.words import Words

EDITION = Edition("Subject", "Hello.", "weekly", WRITTEN)
SLOTS = Slots("https://e.org/?a=1&b='\"<>", "https://e.org/u?x&y", {"housing": "1 <March> & 2026"})


def _copy(desk: Desk) -> Copy:
    with desk.resources.database.reading() as session:
        return editions.compose(session, desk.resources.letters, desk.variant(Words(), [Words()]))


def test_slots_are_escaped_in_html_and_plain_in_text(desk: Desk) -> None:
    letter = _copy(desk).fill(SLOTS)

    assert letter.html is not None
    for value in (SLOTS.preferences, SLOTS.since["housing"]):
        assert value in letter.text.replace("\n", " ")
        assert escape(value) in letter.html
        assert value not in letter.html
    assert escape(f"{SLOTS.unsubscribe}?topic=housing") in letter.html


def test_a_filled_copy_keeps_nothing_of_its_slots(desk: Desk) -> None:
    copy = _copy(desk)

    one, other = copy.fill(SLOTS), copy.fill(Slots("https://e.org/p", "https://e.org/u", {"housing": "2 March 2026"}))

    assert not has_marker(one.text + str(one.html))
    assert SLOTS.preferences not in other.text
    assert copy.fill(SLOTS) == one


def test_a_value_that_looks_like_a_slot_stays_a_value(desk: Desk) -> None:
    letter = _copy(desk).fill(Slots("\ue000unsubscribe\ue001", "https://e.org/u", {"housing": "today"}))

    assert "\ue000unsubscribe\ue001" in letter.text


@pytest.mark.parametrize(
    "damage",
    [
        *("\ue000", "\ue001", "\ue000\ue001", "\ue000secrets\ue001", "\ue000contents", "\ue000 x\ue001"),
        *("\ue000since-tools\ue001", "\ue000since-\ue001", "\ue000.\ue001"),
    ],
)
def test_a_damaged_slot_refuses_the_whole_digest(damage: str, desk: Desk) -> None:
    section = [Section("Housing", "housing", (f"<p>a{damage}b</p>",))]

    with pytest.raises(ValueError, match="damaged"):
        Typesetter(desk.resources.letters, "en", EDITION, "txt").set(section)
    with pytest.raises(ValueError, match="damaged"):
        Typesetter(desk.resources.letters, "en", EDITION, "html").set(section)


def test_an_item_that_names_a_slot_in_braces_is_only_text(desk: Desk) -> None:
    typesetter = Typesetter(desk.resources.letters, "en", EDITION, "txt")

    runs = typesetter.set([Section("Housing", "housing", ("{{ slots.preferences }}",))])

    assert ("{{ slots.preferences }}\n",) in [block for run in runs for block in run]


def test_sections_and_their_items_keep_their_order(desk: Desk) -> None:
    sections = [Section("Housing", "housing", ("item 1", "item 2")), Section("Events", "events", ("item 3",))]

    runs = Typesetter(desk.resources.letters, "en", EDITION, "txt").set(sections)

    text = "".join("".join(block) for run in runs for block in run)

    places = [text.index(each) for each in ("HOUSING", "item 1", "item 2", "Leave Housing only", "EVENTS", "item 3")]
    assert places == sorted(places)


def test_a_fragment_is_rendered_once_for_all_readers(desk: Desk) -> None:
    variant = desk.variant(Words(), [Words()])

    copies = editions.Copies(desk.resources.database, desk.resources.letters)

    assert copies.of(variant) is copies.of(variant)


def test_each_topic_has_the_date_of_this_reader(desk: Desk) -> None:
    sections = [Section(slug.title(), slug, ("item",)) for slug in ("housing", "events", "since", "a-long-name-1")]
    dates = {section.slug: f"{number} May 2026" for number, section in enumerate(sections, 1)}

    text = Typesetter(desk.resources.letters, "en", EDITION, "txt").set(sections)
    filled = Copy("Subject", text, None).fill(Slots("https://e.org/p", "https://e.org/u", dates)).text

    for section in sections:
        assert f"- {section.name}, weekly, confirmed on {dates[section.slug]}\n" in filled


@pytest.mark.parametrize("code", OWN_NAMES)
def test_a_slot_leaves_room_for_the_widest_date(code: str) -> None:
    dates = [language(code).day(datetime(2026, month, 28, tzinfo=UTC)) for month in range(1, 13)]

    assert max(len(date) for date in dates) <= WIDEST_DATE
