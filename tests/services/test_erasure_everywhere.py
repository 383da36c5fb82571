"""No table is left out when somebody is forgotten: the schema is asked where something about them may stand (L4)."""

from collections.abc import Iterable, Iterator

import pytest
from sqlalchemy import Table

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import Base, State
from coalition.services import people
from coalition.services.bounces import Done
from tests.house import House
from tests.services.returning import bounced, collect, deal
from tests.services.test_complaints import reported
from tests.web.doors import ask_to_move, put_back_link
from tests.web.rows import Row, every_row
from tests.web.test_grievances import complain


class Crash(Exception):
    """What no program can prepare for."""


ADA, NEW, THIRD = "ada@example.org", "new@example.org", "third@example.org"

# Where rows about somebody stay, and why that may be.
STAY = {
    "subscriber",  # empty, with the code in old letters
    "subscription",  # ended, with its cursors, so that nothing comes twice
    "delivery",  # that a letter went; without what was answered
    "consent",  # hashes, and the one row that says that they were erased
    "suppression",  # the keyed hash that keeps them from being written to again
}
# Columns of tables that point to nobody and yet could hold something about somebody, by their names.
KNOWN = {
    "audit.subject",  # a code, for three years
    "consent.subject",
    "delivery.recipient_sealed",  # of a test letter, to staff
    "grievance.address_key",
    "grievance.address_sealed",
    "grievance.answer_sealed",
    "grievance.code",  # of the complaint
    "grievance.text_sealed",
    "issue.subject",  # of a letter
    "rate.key",  # keyed hashes; test_l4_counters_of_the_mailbox_are_forgotten_too
    "set_aside.sealed",
    "spent_nonce.nonce",  # of a link that opens nothing any more
    "suppression.address_key",
    "suppression.code",
}
TELLING = ("sealed", "address", "email", "mailbox", "recipient", "subject", "code", "nonce", "said")
POINTED_AT = {"subscriber", "request"}


def tables_about_somebody() -> set[str]:
    """Every table with a column that points to a person or a request of theirs."""
    return {table.name for table in Base.metadata.sorted_tables if set(_pointing(table))}


def _pointing(table: Table) -> Iterator[str]:
    for key in table.foreign_keys:
        if key.column.table.name in POINTED_AT:
            yield key.parent.name


def speaking(house: House, number: int, words: Iterable[object]) -> dict[str, list[Row]]:
    """The rows of each table that point to this person, or hold any of these words."""
    needles = {each for each in words if each}
    found: dict[str, list[Row]] = {}
    rows = every_row(house)
    for table in Base.metadata.sorted_tables:
        places = [each.name for each in table.columns]
        pointing = [
            places.index(key.parent.name) for key in table.foreign_keys if key.column.table.name == "subscriber"
        ]
        about = [
            row
            for row in rows[table.name]
            if any(row[place] == number for place in pointing) or any(_holds(value, needles) for value in row)
        ]
        if about:
            found[table.name] = about
    return found


def _holds(value: object, needles: set[object]) -> bool:
    if isinstance(value, str):
        return any(isinstance(each, str) and each in value for each in needles)
    return isinstance(value, bytes) and value in needles


def a_whole_life(house: House) -> None:
    """Somebody about whom there is something in every table that can hold it."""
    collect(house)
    house.join(ADA, ("housing", "events"))
    house.publish()
    house.send(house.plan())
    [letter] = house.drain()
    nobody_answers_for_it = reported(letter).replace(b"dkim=pass", b"dkim=none")
    assert deal(house, bounced(letter, "full"), nobody_answers_for_it) == [Done.NOTED, Done.SET_ASIDE]
    put_back_link(house)  # they have moved, and their old address is kept
    complain(house, NEW)
    ask_to_move(house, THIRD, NEW)


def test_l4_of_every_table_that_can_hold_something_about_somebody_nothing_but_this_stays(house: House) -> None:
    a_whole_life(house)
    ada, vault = house.person(NEW), house.resources.vault
    keys = [key for address in (ADA, NEW, THIRD) for key in vault.keys(Address.parse(address))]
    words = [ada.code, ada.address_sealed, *keys]
    before = speaking(house, ada.id, words)
    # Who adds a table that points to people lets them have a row in it above, and says here what stays of it.
    assert tables_about_somebody() <= set(before)
    assert "suppression" not in before

    with house.database.transaction() as session:
        house.resources.eraser.forget(session, ada, utcnow())

    after = speaking(house, ada.id, words)
    assert set(after) == STAY
    with house.database.reading() as session:
        empty = people.by_code(session, ada.code)
        assert empty is not None
        kept = {name for name, value in vars(empty).items() if value is not None and not name.startswith("_")}
        assert empty.state is State.ERASED
    assert kept == {"id", "code", "locale", "format", "pause_mode", "epoch", "state", "created_at"}
    names = [each.name for each in Base.metadata.tables["delivery"].columns]
    for row in after["delivery"]:
        facts = dict(zip(names, row, strict=True))
        assert (facts["reply"], facts["request_id"], facts["recipient_sealed"]) == (None, None, None)
    grievances = Base.metadata.tables["grievance"]
    [complaint] = every_row(house)["grievance"]
    for column, value in zip(grievances.columns, complaint, strict=True):
        assert value is None or "sealed" not in column.name


def test_every_column_that_sounds_like_a_person_is_accounted_for() -> None:
    about = tables_about_somebody() | {"subscriber"}
    telling = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(word in column.name for word in TELLING)
    }

    unknown = {each for each in telling if each.split(".")[0] not in about} - KNOWN

    assert unknown == set(), "say above what erasing does to these"


@pytest.mark.parametrize("after_the_line", [True, False])
def test_x12_killed_in_the_middle_all_of_it_is_there_or_all_of_it_goes(house: House, after_the_line: bool) -> None:
    a_whole_life(house)
    ada = house.person(NEW)
    words = [ada.code, ada.address_sealed]
    before = speaking(house, ada.id, words)
    written = house.database.before_commit

    def die(session: object) -> None:
        if after_the_line:
            written(session)  # type: ignore[arg-type]  # it is one
        raise Crash

    house.database.before_commit = die
    with pytest.raises(Crash), house.database.transaction() as session:
        house.resources.eraser.forget(session, ada, utcnow())
    house.database.before_commit = written
    assert speaking(house, ada.id, words) == before

    again = house.on(house.config.database_url)
    again.database.close()

    if after_the_line:
        assert set(speaking(house, ada.id, words)) == STAY
    else:
        assert speaking(house, ada.id, words) == before
