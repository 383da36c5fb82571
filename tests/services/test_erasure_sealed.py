"""What is sealed and points to nobody tells of people too: whoever has the keys reads nothing of the forgotten (L4)."""

from collections.abc import Callable, Iterator

from sqlalchemy import select

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import Outbound
from coalition.services import consents, keys, mailboxes, retention, test_letters
from tests.cli.shell import Shell
from tests.house import House, a_subscriber, link
from tests.services.returning import collect, deal
from tests.services.scenes import deliveries
from tests.web.doors import fresh_link, move_link, put_back_link
from tests.web.test_grievances import complain

ADA, NEW, BOB = "ada@example.org", "new@example.org", "bob@example.org"


def opened(house: House) -> Iterator[tuple[str, str]]:
    """Everything that is sealed, by its place, as whoever has the keys can read it."""
    with house.database.reading() as session:
        for column in keys.SEALED:
            rows = session.execute(select(column.sealed, column.bound_to).where(column.sealed.is_not(None)))
            for sealed, bound_to in rows.all():
                bound = bound_to.encode() if isinstance(bound_to, str) else bound_to
                yield str(column.sealed), house.resources.vault.open_text(sealed, bound)


def places(house: House, *words: str) -> set[str]:
    """Where any of these words is sealed."""
    return {place for place, text in opened(house) if any(word in text for word in words)}


def forget(house: House, address: str) -> None:
    with house.database.transaction() as session:
        house.resources.eraser.forget(session, house.person(address), utcnow())


def send_a_test(house: House, *addresses: str) -> None:
    house.publish()
    a_subscriber(house, BOB, cursor=0)
    house.plan()
    with house.database.transaction() as session:
        for each in addresses:
            test_letters.queue(session, house.resources.vault, Address.parse(each), 1, utcnow())


def unclear(address: str) -> bytes:
    """Mail that nobody understands, about some address."""
    return f"Subject: Hello\n\nThe mailbox <{address}> is strange.\n".encode()


def test_l4_nothing_that_is_sealed_anywhere_opens_to_somebody_who_was_forgotten(house: House) -> None:
    collect(house)
    house.join(ADA)
    complain(house, ADA, "From the old mailbox")
    put_back_link(house, NEW, ADA)
    complain(house, NEW, "From the new mailbox")
    send_a_test(house, ADA, NEW, BOB)
    deal(house, *map(unclear, (ADA, NEW.upper(), BOB, f"x.{NEW}", f"{NEW}.uk")))
    house.drain()
    assert len(places(house, ADA, NEW, "mailbox")) >= 6

    forget(house, NEW)

    left = [text for _, text in opened(house)]
    assert not any(word in text for text in left for word in (ADA, "From the "))
    assert [text for text in left if NEW in text.lower()] == [
        unclear(f"x.{NEW}").decode(),
        unclear(f"{NEW}.uk").decode(),
    ]
    assert places(house, BOB) == {"Subscriber.address_sealed", "Delivery.recipient_sealed", "SetAside.sealed"}


def test_l4_a_test_letter_that_waits_does_not_go_to_somebody_who_was_forgotten(house: House) -> None:
    house.join(ADA)
    send_a_test(house, ADA, BOB)

    forget(house, ADA)

    assert [each.recipient for each in house.drain()] == [BOB]
    first, _ = deliveries(house)[-2:]
    assert (first.state, first.reason, first.recipient_sealed) == (Outbound.SKIPPED, "forgotten", None)


def test_l4_the_way_back_of_whoever_moved_away_from_that_mailbox_is_forgotten_with_it(house: House) -> None:
    a_subscriber(house, ADA)
    back = put_back_link(house, NEW, ADA)
    house.join(ADA)  # somebody has that mailbox now, and wants to be forgotten

    forget(house, ADA)

    assert places(house, ADA) == set()
    house.press(back)
    assert house.person(NEW).state == "active"


def test_what_belongs_to_whoever_has_the_former_mailbox_now_stays_theirs(house: House) -> None:
    a_subscriber(house, ADA)
    put_back_link(house, NEW, ADA)
    house.join(ADA)
    complain(house, ADA, "As its new owner")
    send_a_test(house, ADA)
    house.drain()

    forget(house, NEW)

    assert places(house, "As its new owner") == {"Grievance.text_sealed"}
    assert "Delivery.recipient_sealed" in places(house, ADA)
    with house.database.reading() as session:
        [ada] = mailboxes.of_person(session, house.resources.vault, house.person(ADA))
    assert ada.written == ADA


def test_a_complaint_goes_along_with_whoever_moves_and_comes_back_with_them(house: House) -> None:
    a_subscriber(house, ADA)
    complain(house, ADA, "Why?")
    house.drain()

    back = put_back_link(house, NEW, ADA)

    document = house.browser.get(f"{fresh_link(house, NEW)}/data.json").get_json()
    assert [row["text"] for row in document["grievances"]] == ["Why?"]
    assert places(house, NEW) == {"Subscriber.address_sealed", "Request.address_sealed", "Grievance.address_sealed"}
    house.press(back)
    document = house.browser.get(f"{fresh_link(house, ADA)}/data.json").get_json()
    assert [row["text"] for row in document["grievances"]] == ["Why?"]


def test_that_a_stranger_pressed_no_is_forgotten_with_them(house: House) -> None:
    house.sign_up(ADA)
    house.drain()
    code = house.person(ADA).code
    house.press(link(house.letters_to(ADA)[-1], "/confirm/"), answer="no")
    with house.database.reading() as session:
        assert [event["event"] for event in consents.history(session, code)] == ["denied"]

    retention.prune(house.database, house.resources.eraser, utcnow() + retention.PERIODS[0].keep * 1.01)

    with house.database.reading() as session:
        assert consents.history(session, code) == []


def test_that_a_stranger_pressed_no_is_forgotten_when_somebody_moves_to_that_mailbox(house: House) -> None:
    house.sign_up(NEW)
    house.drain()
    code = house.person(NEW).code
    house.press(link(house.letters_to(NEW)[-1], "/confirm/"), answer="no")
    a_subscriber(house, ADA)

    house.press(move_link(house, NEW, ADA), answer="yes")

    with house.database.reading() as session:
        assert consents.history(session, code) == []


def know_a_stranger(house: House) -> None:
    """Somebody complained, was sent a test, and is named in mail; nobody here has the address, least of all Ada."""
    collect(house)
    house.join(ADA)
    complain(house, NEW, "Who are you?")
    send_a_test(house, NEW)
    deal(house, unclear(NEW))
    house.drain()


def test_l4_staff_forget_also_whoever_never_subscribed(house: House) -> None:
    know_a_stranger(house)
    shell = Shell(house)

    said = shell.run("subscriber", "forget", NEW, "--yes").out

    assert said == "No subscriber has this address. What was known of it is erased.\n"
    assert places(house, NEW, "Who are you?") == set()
    assert shell.audit()[-1] == ("subscriber forget", None)
    assert house.person(ADA).state == "active"
    assert "Nothing is known" in shell.refused("subscriber", "forget", NEW, "--yes")
    house.join(NEW)  # they may still change their mind


def test_l6_a_stranger_who_was_forgotten_stays_so_in_every_older_database(
    house: House, back_up: Callable[[], str]
) -> None:
    know_a_stranger(house)
    backup = back_up()
    Shell(house).run("subscriber", "forget", NEW, "--yes")

    restored = house.on(backup)

    assert places(restored, NEW, "Who are you?") <= {"SetAside.sealed"}  # which names nobody's hash, and ends by itself
    assert "Delivery.recipient_sealed" not in places(restored, NEW)
    restored.database.close()


def test_l6_who_had_that_address_in_an_older_database_is_not_erased_for_it(
    house: House, back_up: Callable[[], str]
) -> None:
    a_subscriber(house, ADA)
    backup = back_up()
    put_back_link(house, NEW, ADA)
    complain(house, ADA, "By whoever has it now")

    Shell(house).run("subscriber", "forget", ADA, "--yes")

    assert house.person(NEW).state == "active"
    restored = house.on(backup)
    assert restored.person(ADA).state == "active"
    restored.database.close()
