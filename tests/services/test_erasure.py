"""Being forgotten: at once, wholly, for good; and only their own press brings somebody back (L4, X12)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from coalition.clock import utcnow
from coalition.models import Delivery, Grievance, Rate, Request, State, Subscriber, Suppression
from coalition.services import chain, consents, people, retention
from tests.house import House, a_subscriber, heading, link
from tests.services.scenes import an_audience, cursors, deliveries, leave
from tests.web.rows import every_row, nothing_changes

ADA = "ada.lovelace@sundial.example.org"


class Crash(Exception):
    """What no program can prepare for."""


def fresh_link(house: House, address: str = ADA) -> str:
    """The link that comes by mail to whoever asks for it."""
    house.browser.post("/preferences", data={"email": address})
    house.drain()
    return link(house.letters_to(address)[-1], "/preferences/")


def forget(house: House, address: str = ADA) -> None:
    """The whole way: ask for a link, open the page, press the button."""
    answer = house.press(f"{fresh_link(house, address)}/forget")
    assert (answer.status_code, heading(answer)) == (200, "You are forgotten")


def erase(house: House, person: Subscriber) -> None:
    with house.database.transaction() as session:
        house.resources.eraser.forget(session, person, utcnow())


def row(house: House, code: str) -> Subscriber:
    with house.database.reading() as session:
        found = people.by_code(session, code)
        assert found is not None
        return found


def traces(house: House) -> list[bytes]:
    """What must be nowhere once they are forgotten: the address, as text and sealed, and what they asked for."""
    person = house.person(ADA)
    with house.database.reading() as session:
        requests = session.scalars(select(Request).where(Request.subscriber_id == person.id)).all()
        facts = [row["request"] for row in consents.history(session, person.code) if "request" in row]
        [complaint] = session.scalars(select(Grievance)).all()
    sealed = [
        person.address_sealed or b"",
        complaint.address_sealed or b"",
        complaint.text_sealed or b"",
        *(each.address_sealed for each in requests),
    ]
    words = [ADA, "ada.lovelace", "sundial", *(each.nonce for each in requests), *facts]
    return [*sealed, *(word.encode() for word in words)]


def files(house: House) -> Iterator[Path]:
    """Every file that a thief of the disk would find: home, journal, spool, and the tables of PostgreSQL."""
    folders = [house.config.home, house.config.journal, house.config.spool]
    if not house.database.is_sqlite:
        with house.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM FULL"))
            connection.execute(text("CHECKPOINT"))
            data = connection.execute(text("SHOW data_directory")).scalar_one()
            number = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
            folders.append(Path(data) / "base" / str(number.scalar_one()))
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


def test_l4_nothing_of_the_person_is_in_any_byte_of_any_file(house: House) -> None:
    an_audience(house, 300)  # enough that pages are split and merged
    house.join(ADA, ("housing", "events"))
    house.publish()
    house.send(house.plan())
    house.drain()
    house.press("/privacy/grievance", email=ADA, text="sundial-clockwork")
    needles = traces(house)
    assert len(needles) >= 6
    kept = {path: path.read_bytes() for path in files(house)}
    for needle in needles:
        if needle not in (b"ada.lovelace", b"sundial", ADA.encode()):
            assert any(needle in content for content in kept.values())  # the search would find it

    forget(house)

    found = {path.name for path in files(house) for needle in needles if needle in path.read_bytes()}
    assert found == set()


def test_l4_what_stays_is_a_code_a_hash_and_a_chain_that_holds(house: House) -> None:
    house.join(ADA)
    ada = house.person(ADA)

    forget(house)

    empty = row(house, ada.code)
    assert (empty.state, empty.address_sealed, empty.address_key) == (State.ERASED, None, None)
    assert empty.id == ada.id
    with house.database.reading() as session:
        [suppression] = session.scalars(select(Suppression)).all()
        assert (suppression.address_key, suppression.code) == (ada.address_key, ada.code)
        assert [each["event"] for each in consents.history(session, ada.code)] == ["erased"]
        assert chain.verify(session, []).faults == []
        assert session.scalars(select(Request)).all() == []
        assert not any(each.reply for each in session.scalars(select(Delivery)))


def test_l4_counters_of_the_mailbox_are_forgotten_too(house: House) -> None:
    house.sign_up(ADA)
    house.drain()
    house.confirm(ADA)
    with house.database.reading() as session:
        before = len(session.scalars(select(Rate)).all())

    with house.database.transaction() as session:
        house.resources.eraser.forget(session, house.person(ADA), utcnow())

    with house.database.reading() as session:
        assert before - len(session.scalars(select(Rate)).all()) == 3


def test_what_waits_for_the_person_does_not_go(house: House) -> None:
    house.publish()
    house.join(ADA)
    house.sign_up("bob@example.org")
    a_subscriber(house, "cyd@example.org", cursor=0)
    url = fresh_link(house)
    house.send(house.plan())

    house.press(f"{url}/forget")

    assert ADA not in [each.recipient for each in house.drain()]


def test_old_ways_out_go_on_and_old_links_are_dead(house: House) -> None:
    house.join(ADA)
    ada = house.person(ADA)
    old = house.resources.links.preferences(ada.code, ada.epoch, utcnow())
    url = fresh_link(house)
    house.press(f"{url}/forget")

    with nothing_changes(house):
        assert house.browser.post(f"/unsubscribe/{ada.code}").status_code == 200
        for gone in (old, url, f"{url}/forget", f"{url}/data"):
            assert house.browser.get(gone).status_code == 404


def test_only_their_own_press_brings_them_back_and_it_is_the_same_row(house: House) -> None:
    house.join(ADA)
    ada = house.person(ADA)
    forget(house)

    house.sign_up(ADA)
    before = len(house.letters_to(ADA))
    house.drain()
    assert len(house.letters_to(ADA)) == before + 1
    assert row(house, ada.code).state is State.PENDING
    house.confirm(ADA)

    returned = house.person(ADA)
    assert (returned.id, returned.code, returned.state) == (ada.id, ada.code, State.ACTIVE)
    assert returned.epoch > ada.epoch
    house.browser.post(f"/unsubscribe/{ada.code}")
    assert house.person(ADA).state is State.LEFT


def test_a_return_brings_nothing_twice(house: House) -> None:
    house.join(ADA)
    house.publish()
    house.send(house.plan())
    house.drain()
    ada = house.person(ADA)
    forget(house)
    house.sign_up(ADA)
    house.drain()

    house.confirm(ADA)

    assert cursors(house, ada) == {"housing": 1}


def test_who_was_erased_gets_no_link_and_the_page_is_the_same(house: House) -> None:
    house.join(ADA)
    forget(house)
    before = len(house.letters_to(ADA))

    house.browser.post("/preferences", data={"email": ADA})
    house.drain()

    assert len(house.letters_to(ADA)) == before
    assert deliveries(house)[-1].reason == "unknown"


def test_an_address_that_comes_back_in_a_list_is_not_written_to(house: House) -> None:
    house.join(ADA)
    forget(house)
    a_subscriber(house, ADA, cursor=0)  # as by a careless import
    house.publish()
    a_subscriber(house, "bob@example.org", cursor=0)

    house.send(house.plan())

    assert [each.recipient for each in house.drain()] == ["bob@example.org"]


def test_a_request_to_return_that_nobody_confirms_leaves_the_row_empty_again(house: House) -> None:
    house.join(ADA)
    ada = house.person(ADA)
    forget(house)
    house.sign_up(ADA)
    house.drain()

    retention.prune(house.database, house.resources.eraser, utcnow() + retention.PERIODS[0].keep * 1.01)

    assert (row(house, ada.code).state, row(house, ada.code).address_key) == (State.ERASED, None)


def test_forgetting_twice_is_as_good_as_once(house: House) -> None:
    house.join(ADA)
    ada = house.person(ADA)
    forget(house)
    before = every_row(house)

    with house.database.transaction() as session:
        house.resources.eraser.forget(session, ada, utcnow())

    after = every_row(house)
    assert {name for name in after if after[name] != before[name]} <= {"consent"}


def test_looking_at_the_page_erases_nobody_and_a_digests_link_may_not_even_look(house: House) -> None:
    house.join(ADA)
    ada = house.person(ADA)
    url = fresh_link(house)
    weak = house.resources.links.preferences(ada.code, ada.epoch, utcnow())

    with nothing_changes(house):
        assert house.browser.get(f"{url}/forget").text.count("<button") == 1
        assert house.browser.get(f"{weak}/forget").status_code == 403
        assert house.browser.post(f"{weak}/forget", data={"stamp": "x"}).status_code == 403
        assert house.browser.post(f"{url}/forget", data={"stamp": "x"}).status_code == 200


@pytest.mark.parametrize("after_the_line", [True, False])
def test_x12_killed_in_the_middle_either_nothing_happened_or_the_next_start_finishes(
    house: House, after_the_line: bool
) -> None:
    house.join(ADA)
    ada = house.person(ADA)
    written = house.database.before_commit

    def die(session: object) -> None:
        if after_the_line:
            written(session)  # type: ignore[arg-type]  # it is one
        raise Crash

    house.database.before_commit = die
    with pytest.raises(Crash):
        erase(house, ada)
    house.database.before_commit = written
    assert row(house, ada.code).state is State.ACTIVE

    again = house.on(house.config.database_url)
    again.database.close()

    assert row(house, ada.code).state is (State.ERASED if after_the_line else State.ACTIVE)


def test_l6_who_was_erased_is_erased_in_every_older_database(house: House, back_up: Callable[[], str]) -> None:
    house.join(ADA)
    ada = house.person(ADA)
    backup = back_up()
    forget(house)

    restored = house.on(backup)

    empty = row(restored, ada.code)
    assert (empty.state, empty.address_sealed) == (State.ERASED, None)
    with restored.database.reading() as session:
        assert [each["event"] for each in consents.history(session, ada.code)] == ["erased"]
        assert session.scalars(select(Request)).all() == []
        assert [each.reason for each in session.scalars(select(Suppression))] == ["erased"]
    restored.database.close()


def test_who_left_long_ago_is_erased_and_the_evidence_stays(house: House) -> None:
    house.join(ADA)
    ada = house.person(ADA)
    leave(house, ada)
    long_after = utcnow() + retention.PERIODS[3].keep * 1.01

    retention.prune(house.database, house.resources.eraser, long_after)

    assert row(house, ada.code).state is State.ERASED
    with house.database.reading() as session:
        events = [each["event"] for each in consents.history(session, ada.code)]
    assert events == ["requested", "mailed", "confirmed", "withdrawn", "erased"]
