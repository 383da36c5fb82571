"""What the two kinds of preference links may do: a digest's may be forwarded, a fresh one is the mailbox's own."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from coalition.models import Format, State, Subscriber
from coalition.services import subscriptions
from tests.house import House, a_subscriber, heading, hidden, link
from tests.web.doors import digest_link, fresh_link
from tests.web.gallery import open_confirm_link
from tests.web.reading import parse, words
from tests.web.rows import nothing_changes

_NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
_SKEW = timedelta(minutes=5)  # clocks of two machines may differ by this
_WISH = {"action": "save", "topics": ["1", "2"], "cadence-1": "daily", "cadence-2": "monthly", "format": "text"}


def _cadences(house: House, address: str = "ada@example.org") -> dict[int, str]:
    with house.database.reading() as session:
        current = subscriptions.current(session, house.person(address).id)
        return {subscription.topic_id: subscription.cadence.value for subscription in current}


def test_a_digest_link_shows_a_masked_address_and_never_the_data(house: House) -> None:
    a_subscriber(house)
    url = digest_link(house)
    page, data = house.browser.get(url), house.browser.get(f"{url}/data")

    assert "a•••@e•••.org" in page.text
    assert (data.status_code, heading(data)) == (403, "This needs a fresh link")
    for answer in (page, data):
        assert "ada@" not in answer.text
        assert "example.org" not in answer.text
    for name in ("address", "forget"):
        assert house.browser.get(f"{url}/{name}").status_code == 403


def test_a_fresh_link_shows_what_is_held(house: House) -> None:
    house.join("ada@example.org", ("housing", "events"))
    house.browser.post("/preferences", data={"email": "ada@example.org"})
    house.drain()
    url = link(house.letters_to("ada@example.org")[-1], "/preferences/")
    data = words(parse(house.browser.get(f"{url}/data")))

    for fact in ("ada@example.org", "Housing", "Events", "Confirmed", "on the form “main”", "Letters"):
        assert fact in data
    assert "welcome" in data.lower()


def test_either_link_changes_topics_rhythm_and_format(house: House) -> None:
    a_subscriber(house, topics_=("housing", "tools"))
    for make in (digest_link, fresh_link):
        saved = house.press(make(house), **_WISH)
        assert saved.status_code == 303
        assert "Your choices are saved." in house.browser.get(saved.headers["Location"]).text
        assert _cadences(house) == {1: "daily", 2: "monthly"}
        assert house.person("ada@example.org").format is Format.TEXT


def test_after_leaving_all_a_digest_link_adds_nothing(house: House) -> None:
    a_subscriber(house)
    url = digest_link(house)
    stamp = hidden(house.browser.get(url).text, "stamp")
    house.press(url, action="leave")
    with nothing_changes(house):
        answer = house.browser.post(url, data={**_WISH, "stamp": stamp})
    assert answer.status_code == 422
    assert "You have left the list: ask for a fresh link to return." in answer.text
    assert house.person("ada@example.org").state is State.LEFT


def test_after_leaving_all_a_fresh_link_may_return(house: House) -> None:
    a_subscriber(house)
    house.press(digest_link(house), action="leave")
    assert house.press(fresh_link(house), **_WISH).status_code == 303
    assert house.person("ada@example.org").state is State.ACTIVE
    assert _cadences(house) == {1: "daily", 2: "monthly"}


def test_a_fresh_link_dies_after_an_hour_and_its_page_offers_a_new_one(house: House) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        a_subscriber(house)
        url = fresh_link(house)
        stamp = hidden(house.browser.get(url).text, "stamp")
        clock.shift(timedelta(minutes=59))
        assert house.browser.get(f"{url}/data").status_code == 200
        clock.shift(timedelta(minutes=1, seconds=1) + _SKEW)
        with nothing_changes(house):
            answers = [house.browser.get(url), house.browser.get(f"{url}/data"),
                       house.browser.post(url, data={"action": "leave", "stamp": stamp})]  # fmt: skip
        for answer in answers:
            assert (answer.status_code, heading(answer)) == (410, "This link is too old")
            assert 'action="/preferences"' in answer.text
            assert "e•••" not in answer.text


def test_a_digest_link_lives_a_hundred_days(house: House) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        a_subscriber(house)
        url = digest_link(house)
        clock.shift(timedelta(days=100))
        assert house.browser.get(url).status_code == 200
        clock.shift(_SKEW + timedelta(seconds=1))
        assert house.browser.get(url).status_code == 410


def test_a_link_from_the_future_is_none(house: House) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        a_subscriber(house)
        url = digest_link(house)
        clock.shift(-_SKEW)
        assert house.browser.get(url).status_code == 200
        clock.shift(timedelta(seconds=-1))
        assert house.browser.get(url).status_code == 404


@pytest.mark.parametrize("change", [{"epoch": 2}, {"state": State.ERASED, "address_sealed": None, "address_key": None}])
def test_revoking_and_erasing_kill_both_links(house: House, change: dict[str, object]) -> None:
    person = a_subscriber(house)
    urls = [digest_link(house), fresh_link(house)]
    stamps = [hidden(house.browser.get(url).text, "stamp") for url in urls]
    with house.database.transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == person.id).values(change))
    with nothing_changes(house):
        for url, stamp in zip(urls, stamps, strict=True):
            assert house.browser.get(url).status_code == 404
            assert house.browser.post(url, data={"action": "leave", "stamp": stamp}).status_code == 404
        assert house.browser.get(f"{urls[1]}/data").status_code == 404
    assert house.browser.get(f"/unsubscribe/{person.code}").status_code == 200


def test_an_old_confirm_letter_opens_nobodys_choices(house: House) -> None:
    with time_machine.travel(_NOW) as clock:
        url = open_confirm_link(house)
        assert house.press(url, answer="yes").status_code == 200
        assert "/preferences/" in house.browser.get(url).text
        clock.shift(timedelta(hours=72) + _SKEW * 2)
        late = house.browser.get(url)
    assert (late.status_code, heading(late)) == (410, "This link is too old")
    assert "/preferences/" not in late.text


_UNOFFERED: list[dict[str, str | list[str]]] = [
        {"topics": ["99"]}, {"topics": ["1", "x"]}, {"topics": [""]}, {"topics": ["housing"]}, {"topics": ["1 OR 1=1"]},
        {"cadence-1": "hourly"}, {"cadence-1": ""}, {"cadence-1": ["daily", "weekly"]}, {"cadence-1": "Daily"},
        {"format": "pdf"}, {"format": ""}, {"format": ["html", "text"]}, {"action": "explode"}, {"action": ""},
        {"action": ["save", "leave"]}, {"action": "_save"}, {"action": "data"}, {"topics": ["\uff11"]},
    ]  # fmt: skip


def test_a_choice_that_no_page_offers_is_refused(house: House) -> None:
    a_subscriber(house)
    url = digest_link(house)
    stamp = hidden(house.browser.get(url).text, "stamp")
    for wrong in _UNOFFERED:
        with nothing_changes(house):
            answer = house.browser.post(url, data={**_WISH, **wrong, "stamp": stamp})
        assert answer.status_code == 400, wrong


def test_fields_that_no_page_has_change_nothing_more(house: House) -> None:
    a_subscriber(house)
    house.press(digest_link(house), **_WISH, state="erased", epoch="9", email="evil@example.net", id="2", code="a" * 26)
    person = house.person("ada@example.org")
    assert (person.state, person.epoch) == (State.ACTIVE, 1)


def test_nothing_ticked_is_leaving(house: House) -> None:
    a_subscriber(house)
    house.press(digest_link(house), action="save", format="html")
    assert house.person("ada@example.org").state is State.LEFT


def test_an_address_in_a_url_is_never_ours(house: House) -> None:
    a_subscriber(house)
    for path in (digest_link(house), fresh_link(house), "/preferences", "/join/main"):
        page = house.browser.get(path)
        assert "%40" not in page.text
        assert "?email" not in page.text
