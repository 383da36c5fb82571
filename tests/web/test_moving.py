"""Moving to another address: nothing is lost, nothing doubled, nobody learns who else is subscribed."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import AddressChange, Delivery, Request, Scope, State, Subscriber, Suppression
from coalition.services import chain, consents, unsubscribe, upkeep
from coalition.services.unsubscribe import Channel
from tests.house import House, a_subscriber, heading, hidden, link, text_of
from tests.services.scenes import at_once
from tests.web.doors import ask_to_move, digest_link, fresh_link, move_link, put_back_link
from tests.web.gallery import open_confirm_link
from tests.web.rows import growth, how_many, nothing_changes, statements

ADA, NEW = "ada@example.org", "new@example.org"
_THEN, _NOW = datetime(2026, 9, 1, 12, 5, tzinfo=UTC), datetime(2026, 11, 23, 12, 5, tzinfo=UTC)


def _events(house: House, code: str) -> list[str]:
    with house.database.reading() as session:
        assert chain.verify(session, []).faults == []
        return [event["event"] for event in consents.history(session, code)]


def test_letters_go_to_the_new_mailbox_after_its_press_and_the_consent_goes_along(house: House) -> None:
    house.join(ADA, ("housing", "events"))
    before = house.person(ADA)
    url = move_link(house)
    assert house.person(ADA).address_key == before.address_key  # asking alone changes nothing

    page = house.press(url, answer="yes")
    house.publish()
    house.send(house.plan())
    house.drain()

    assert "Letters come to this address from now on." in page.text
    after = house.person(NEW)
    assert (after.id, after.code, after.state, after.epoch) == (before.id, before.code, State.ACTIVE, before.epoch + 1)
    assert [letter["Subject"] for letter in house.letters_to(NEW)][-1] == "The digest"
    assert house.letters_to(ADA)[-1]["Subject"].endswith("go to another address")
    assert _events(house, before.code) == ["requested", "mailed", "confirmed", "moved"]
    with house.database.reading() as session:
        moved = consents.history(session, before.code)[-1]
    assert f"<{moved['message']}@{moved['domain']}>" == house.letters_to(NEW)[0]["Message-ID"]
    assert moved["asked"] <= moved["mailed"] <= moved["at"].isoformat()


def test_a_digest_that_waits_goes_once_and_to_the_new_mailbox(house: House) -> None:
    a_subscriber(house)
    house.publish()
    issue = house.plan()
    house.press(move_link(house), answer="yes")

    house.send(issue)
    house.drain()

    digests = [(each.recipient, b"The digest" in each.data) for each in house.relay.received]
    assert digests.count((NEW, True)) == 1
    assert (ADA, True) not in digests


def test_links_from_before_end_but_the_one_for_leaving(house: House) -> None:
    code = a_subscriber(house).code
    weak, fresh = digest_link(house), fresh_link(house)

    house.press(move_link(house), answer="yes")

    assert [house.browser.get(url).status_code for url in (weak, fresh, digest_link(house, NEW))] == [404, 404, 200]
    assert house.browser.post(f"/unsubscribe/{code}").status_code == 200
    assert house.person(NEW).state is State.LEFT


def test_a_confirm_link_in_the_old_mailbox_opens_nothing_of_whoever_moved_away(house: House) -> None:
    url = open_confirm_link(house, ADA)
    house.press(url, answer="yes")
    assert house.browser.get(url).status_code == 200

    house.press(move_link(house), answer="yes")

    assert house.browser.get(url).status_code == 404


def test_asking_uses_the_fresh_link_up(house: House) -> None:
    a_subscriber(house)
    url = fresh_link(house)
    stamp = hidden(house.browser.get(f"{url}/address").text, "stamp")

    first = house.browser.post(f"{url}/address", data={"email": NEW, "stamp": stamp})
    with nothing_changes(house):
        second = house.browser.post(f"{url}/address", data={"email": "other@example.org", "stamp": stamp})
        looks = [house.browser.get(f"{url}{end}").status_code for end in ("", "/address", "/data", "/data.json")]

    assert (first.status_code, second.status_code) == (200, 410)
    assert looks == [410] * 4


def test_t6_of_many_presses_at_once_one_asks(house: House) -> None:
    a_subscriber(house)
    url = fresh_link(house)
    stamp = hidden(house.browser.get(f"{url}/address").text, "stamp")

    def post(number: int) -> int:
        with house.app.test_client() as browser:
            data = {"email": f"new{number}@example.org", "stamp": stamp}
            return browser.post(f"{url}/address", data=data).status_code

    assert sorted(at_once(8, post)) == [200] + [410] * 7
    assert how_many(house)["request"] == 1


def test_what_is_no_address_or_the_present_one_uses_nothing_up(house: House) -> None:
    a_subscriber(house)
    url = f"{fresh_link(house)}/address"

    with nothing_changes(house):
        for typed in ("", "x", "a@b", "two@example.org, three@example.org", ADA):
            answer = house.press(url, email=typed)
            assert answer.status_code == 422
            assert heading(answer) == "Move to another address"
        assert house.browser.post(url, data={"email": NEW}).status_code == 200  # no stamp: asked to press once more
    assert ask_to_move(house, NEW).status_code == 200


def _live_through(house: House) -> None:
    """One person in each state, beside somebody who wants to move."""
    a_subscriber(house)
    house.sign_up("pending@example.org")
    house.drain()
    for name in ("confirmed", "left", "suppressed"):
        a_subscriber(house, f"{name}@example.org")
    vault = house.resources.vault
    with house.database.transaction() as session:
        unsubscribe.leave_all(session, house.person("left@example.org"), Channel.STAFF, utcnow())
        for name, scope in (("suppressed", Scope.ALL), ("erased", Scope.LIST)):
            key = vault.key(Address.parse(f"{name}@example.org"))
            session.add(Suppression(address_key=key, code=None, scope=scope, reason="a test", since=utcnow()))


_STATES = ("new", "pending", "confirmed", "left", "suppressed", "erased")


@pytest.mark.parametrize("times", [1, 2])
def test_a_new_address_in_any_state_gets_the_same_answer(house: House, times: int) -> None:
    with time_machine.travel(_THEN):
        _live_through(house)
    with time_machine.travel(_NOW, tick=False):
        ask_to_move(house, "somebody@example.org")  # the first of all makes the rows that count network, form and world
        for _ in range(times):
            seen = {}
            for state in _STATES:
                url = f"{fresh_link(house)}/address"
                stamp = hidden(house.browser.get(url).text, "stamp")
                before = how_many(house)
                with statements(house) as ran:
                    answer = house.browser.post(url, data={"email": f"{state}@example.org", "stamp": stamp})
                grown = growth(before, how_many(house))
                seen[state] = (answer.status, list(answer.headers), answer.get_data(), list(ran), grown)
    for state in _STATES:
        assert seen[state] == seen["new"], state


def test_nothing_the_mover_can_look_at_tells_whose_the_address_is(house: House) -> None:
    _live_through(house)
    pages = {}
    for state in _STATES:
        with house.database.transaction() as session:
            for table in (Delivery, Request):
                session.execute(delete(table))
        with time_machine.travel(_NOW, tick=False):
            ask_to_move(house, f"{state}@example.org")
            house.drain()
            data = house.browser.get(f"{fresh_link(house)}/data").text.rpartition('<h2 id="take"')[0]
            pages[state] = data, house.browser.get(f"{fresh_link(house)}/data.json").json
    for state in _STATES:
        assert pages[state] == pages["new"], state


def test_who_gets_which_letter_is_decided_by_the_sender(house: House) -> None:
    _live_through(house)
    subjects: dict[str, str] = {}
    for state in _STATES:
        ask_to_move(house, f"{state}@example.org")
        subjects |= {each.recipient: str(house.letters_to(each.recipient)[-1]["Subject"]) for each in house.drain()}

    assert {address.partition("@")[0]: subject.split()[0] for address, subject in subjects.items()} == {
        "new": "Please",
        "pending": "Please",
        "confirmed": "Your",
        "left": "Your",
    }


def test_an_address_that_is_somebodys_already_is_told_and_nobody_is_merged(house: House) -> None:
    a_subscriber(house)
    other = a_subscriber(house, NEW, ("tools",))
    ask_to_move(house, NEW)

    house.drain()

    told = house.letters_to(NEW)[-1]
    assert "This address has choices of its own here" in text_of(told).replace("\n", " ")
    assert "/move/" not in text_of(told)
    assert "ada" not in text_of(told).lower()
    assert house.person(ADA).id != house.person(NEW).id == other.id
    assert _events(house, other.code) == []


def test_an_address_that_became_somebodys_meanwhile_stays_theirs(house: House) -> None:
    a_subscriber(house)
    url = move_link(house)
    other = a_subscriber(house, NEW)

    answer = house.press(url, answer="yes")

    assert heading(answer) == "This address is known here already"
    assert (house.person(NEW).id, house.person(ADA).epoch) == (other.id, 1)


def test_a_sign_up_that_nobody_confirmed_in_the_new_mailbox_is_taken_over(house: House) -> None:
    ada = a_subscriber(house)
    confirm = open_confirm_link(house, NEW)

    house.press(move_link(house), answer="yes")
    house.press(confirm, answer="yes")  # the same mailbox asked for it, and confirms

    assert house.person(NEW).id == ada.id
    assert how_many(house)["subscriber"] == 1
    assert how_many(house)["subscription"] == 2


def test_the_same_mailbox_written_otherwise_is_a_move_too(house: House) -> None:
    ada = a_subscriber(house)

    house.press(move_link(house, "Ada@example.org"), answer="yes")

    sealed = house.person(ADA)
    assert sealed.id == ada.id
    vault = house.resources.vault
    assert vault.open(sealed.address_sealed or b"", sealed.address_key or b"").written == "Ada@example.org"


def test_pressing_yes_many_times_at_once_moves_once(house: House) -> None:
    code = a_subscriber(house).code
    url = move_link(house)
    stamp = hidden(house.browser.get(url).text, "stamp")

    def press(_: int) -> int:
        with house.app.test_client() as browser:
            return browser.post(url, data={"answer": "yes", "stamp": stamp}).status_code

    assert at_once(6, press) == [200] * 6
    assert _events(house, code) == ["moved"]
    assert how_many(house)["address_change"] == 1


def test_two_people_who_move_to_one_address_at_once_do_not_become_one(house: House) -> None:
    people = [a_subscriber(house, f"reader{number}@example.org").id for number in range(2)]
    urls = []
    for number in range(2):
        urls.append(move_link(house, NEW, f"reader{number}@example.org"))
        with house.database.transaction() as session:  # the mailbox has had a letter just now
            session.connection().exec_driver_sql("DELETE FROM rate")
    stamps = [hidden(house.browser.get(url).text, "stamp") for url in urls]

    def press(number: int) -> int:
        with house.app.test_client() as browser:
            return browser.post(urls[number], data={"answer": "yes", "stamp": stamps[number]}).status_code

    assert at_once(2, press) == [200, 200]
    assert house.person(NEW).id in people
    assert how_many(house)["subscriber"] == 2
    assert how_many(house)["address_change"] == 1


def test_this_was_not_me_in_the_new_mailbox_moves_nothing(house: House) -> None:
    a_subscriber(house)
    url = move_link(house)

    answer = house.press(url, answer="no")

    assert heading(answer) == "Nothing comes here"
    assert house.person(ADA).epoch == 1


def test_a_scanner_that_presses_both_buttons_moves_nothing(house: House) -> None:
    for first, second in (("yes", "no"), ("no", "yes")):
        address, new = f"{first}@example.org", f"{first}.new@example.org"
        a_subscriber(house, address)
        url = move_link(house, new, address)
        stamp = hidden(house.browser.get(url).text, "stamp")
        for answer in (first, second):
            house.browser.post(url, data={"answer": answer, "stamp": stamp})
        assert heading(house.browser.get(url)) == "Please press once more"
        assert house.person(address).state is State.ACTIVE

        with time_machine.travel(utcnow() + timedelta(minutes=2)):
            house.press(url, answer="yes")
        assert house.person(new).state is State.ACTIVE


def test_one_press_in_the_old_mailbox_puts_it_back(house: House) -> None:
    house.join(ADA)
    before = house.person(ADA)
    back = put_back_link(house)
    moved = link(house.letters_to(NEW)[0], "/move/")

    answer = house.press(back)

    assert heading(answer) == "It is put back"
    after = house.person(ADA)
    assert (after.id, after.code, after.state) == (before.id, before.code, State.ACTIVE)
    assert house.browser.get(moved).status_code == 404  # the new mailbox can't take it again
    assert heading(house.browser.get(back)) == "There is nothing to put back"
    assert _events(house, before.code)[3:] == ["moved", "moved_back"]
    assert how_many(house)["address_change"] == 0


def test_the_mailbox_that_was_there_first_has_the_say_over_later_ones(house: House) -> None:
    ada = a_subscriber(house)
    first = put_back_link(house, "second@example.org", ADA)
    second = put_back_link(house, "third@example.org", "second@example.org")

    assert heading(house.press(first)) == "It is put back"

    assert house.person(ADA).id == ada.id
    assert heading(house.browser.get(second)) == "There is nothing to put back"


def test_putting_back_goes_for_a_week_and_the_old_address_is_gone_then(house: House) -> None:
    a_subscriber(house)
    back = put_back_link(house)

    with time_machine.travel(utcnow() + timedelta(days=6, hours=23)):
        upkeep.tick(house.database, house.resources.eraser, utcnow())
        assert heading(house.browser.get(back)) == "Put your address back?"
    with time_machine.travel(utcnow() + timedelta(days=7, minutes=4)):
        assert heading(house.browser.get(back)) == "There is nothing to put back"
        upkeep.tick(house.database, house.resources.eraser, utcnow())

    assert how_many(house)["address_change"] == how_many(house)["spent_nonce"] == 0


def test_an_old_address_that_somebody_signed_up_with_anew_is_not_taken_from_them(house: House) -> None:
    a_subscriber(house)
    back = put_back_link(house)
    other = a_subscriber(house, ADA)

    assert heading(house.press(back)) == "This address is known here already"
    assert house.person(ADA).id == other.id
    assert house.person(NEW).state is State.ACTIVE


def test_no_letter_to_the_old_address_where_none_may_go(house: House) -> None:
    ada = a_subscriber(house)
    url = move_link(house)
    with house.database.transaction() as session:
        row = Suppression(address_key=ada.address_key, code=None, scope=Scope.ALL, reason="x", since=utcnow())
        session.add(row)

    house.press(url, answer="yes")
    house.drain()

    assert house.letters_to(ADA) == []
    assert house.person(NEW).state is State.ACTIVE


def test_a_new_address_that_does_not_exist_costs_the_mover_nothing(house: House) -> None:
    ada = a_subscriber(house)
    ask_to_move(house, NEW)
    with house.database.reading() as session:
        [delivery] = session.scalars(select(Delivery))
    house.drain()

    assert delivery.subscriber_id is None  # whoever counts bounces finds nobody
    with house.database.reading() as session:
        assert session.scalars(select(Delivery.subscriber_id)).all() == [None]
    assert house.person(ADA).state is ada.state is State.ACTIVE


def test_what_a_friend_can_do_to_whom_a_digest_was_forwarded(house: House) -> None:
    """Change topics, rhythm, form, break, language and hour, and leave; see a masked address. No more."""
    a_subscriber(house)
    house.publish()
    house.send(house.plan())
    house.drain()
    forwarded = link(house.letters_to(ADA)[-1], "/preferences/")
    stamp = hidden(house.browser.get(forwarded).text, "stamp")

    with nothing_changes(house):
        for end in ("/data", "/data.json", "/data.csv", "/address"):
            answer = house.browser.get(f"{forwarded}{end}")
            assert answer.status_code == 403
            assert "ada@" not in answer.text
        for fields in ({"email": "friend@example.org", "stamp": stamp}, {"email": "friend@example.org"}):
            assert house.browser.post(f"{forwarded}/address", data=fields).status_code == 403
        token = forwarded.rsplit("/", 1)[1]
        for door in ("move", "moved", "confirm"):
            assert house.browser.get(f"/{door}/{token}").status_code == 404
            assert house.browser.post(f"/{door}/{token}", data={"stamp": stamp, "answer": "yes"}).status_code == 404
    assert "ada@" not in house.browser.get(forwarded).text


def test_an_erased_person_can_neither_move_nor_be_put_back(house: House) -> None:
    ada = a_subscriber(house)
    url, back = move_link(house), put_back_link(house, "third@example.org")
    gone = {"state": State.ERASED, "address_sealed": None, "address_key": None}
    with house.database.transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == ada.id).values(gone))
        for change in session.scalars(select(AddressChange)):
            session.delete(change)

    assert house.browser.get(url).status_code == 404
    assert heading(house.browser.get(back)) == "There is nothing to put back"
