"""Other ways of readers through the house: one topic, plain text, breaks, other rhythms, second thoughts."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import time_machine

from coalition.models import Cadence, State
from coalition.services import consents, forms, subscriptions
from tests.house import WORDING, House, heading, hidden, html_of, link, text_of


def _narrow_form(house: House, cadence: Cadence = Cadence.DAILY) -> None:
    with house.database.transaction() as session:
        forms.add(
            session,
            "tools",
            topics=["tools"],
            wording=WORDING,
            locale="en",
            cadence=cadence,
            origins=[],
            thanks_url=None,
        )


def _letters(house: House, address: str = "ada@example.org") -> list[str]:
    return [letter["Subject"] for letter in house.letters_to(address)]


def _choose(house: House, url: str, *topics: int, cadence: str = "weekly", format_: str = "html") -> None:
    cadences = {f"cadence-{number}": cadence for number in (1, 2, 3)}
    choices = {"action": "save", "topics": [str(number) for number in topics], "format": format_}
    assert house.press(url, **choices, **cadences).status_code == 303


def _preferences(house: House) -> str:
    return link(house.letters_to("ada@example.org")[-1], "/preferences/")


def test_a_form_with_one_topic_asks_for_no_choice_and_keeps_its_rhythm(house: House) -> None:
    _narrow_form(house)
    page = house.browser.get("/join/tools")
    assert 'type="checkbox"' not in page.text
    assert "Tools" in page.text

    sent = house.browser.post("/join/tools", data={"email": "ada@example.org", "stamp": hidden(page.text, "stamp")})
    assert sent.status_code == 303
    house.drain()
    [letter] = house.letters_to("ada@example.org")
    assert "Tools" in text_of(letter)
    assert "Housing" not in text_of(letter)
    house.confirm("ada@example.org")
    with house.database.reading() as session:
        [subscription] = subscriptions.current(session, house.person("ada@example.org").id)
    assert (subscription.topic_id, subscription.cadence) == (3, Cadence.DAILY)


def test_a_form_on_another_site_goes_through_one_more_press(house: House) -> None:
    _narrow_form(house)
    origin = {"Origin": "https://partner.example.org", "Sec-Fetch-Site": "cross-site"}
    asked = house.browser.post("/join/tools", data={"email": "ada@example.org", "homepage": ""}, headers=origin)
    assert heading(asked) == "One more press"
    data = {name: hidden(asked.text, name) for name in ("email", "topics", "stamp")}
    assert house.browser.post("/join/tools", data=data).status_code == 303
    house.drain()
    assert heading(house.confirm("ada@example.org")) == "You are in. Welcome!"


def test_a_reader_of_plain_text_gets_one_part_of_plain_text(house: House) -> None:
    house.publish("housing", "Rents fall", "They **really** do: [more](https://news.example.org/rents).")
    house.join("ada@example.org")
    _choose(house, _preferences(house), 1, format_="text")
    house.send(house.plan())
    house.drain()
    digest = house.letters_to("ada@example.org")[-1]

    assert digest.get_content_type() == "text/plain"
    assert not digest.is_multipart()
    assert "Rents fall" in text_of(digest)
    assert "https://news.example.org/rents" in text_of(digest)
    house.browser.post("/preferences", data={"email": "ada@example.org"})
    house.drain()
    assert house.letters_to("ada@example.org")[-1].get_content_type() == "text/plain"


def test_a_break_holds_letters_and_the_first_one_after_it_brings_what_was_missed(house: House) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 12, 5, tzinfo=UTC)) as clock:
        house.publish("housing", "First")
        house.join("ada@example.org")
        house.join("bob@example.org")
        url = _preferences(house)
        house.press(url, action="pause", length="30")
        before = _letters(house)
        house.send(house.plan())
        assert [each.recipient for each in house.drain()] == ["bob@example.org"]
        assert _letters(house) == before

        clock.shift(timedelta(days=7))
        house.press(url, action="resume")
        house.publish("housing", "Second")
        house.send(house.plan())
        house.drain()
    hers, his = (text_of(house.letters_to(f"{name}@example.org")[-1]) for name in ("ada", "bob"))
    assert "First" in hers
    assert "Second" in hers
    assert "First" not in his


def test_another_rhythm_goes_on_where_the_old_one_stood(house: House) -> None:
    house.publish("housing", "First")
    house.join("ada@example.org")
    house.send(house.plan())
    house.drain()
    url = _preferences(house)
    house.publish("housing", "Second")
    with house.database.reading() as session:
        [old] = subscriptions.current(session, house.person("ada@example.org").id)
    _choose(house, url, 1, cadence="monthly")
    with house.database.reading() as session:
        [new] = subscriptions.current(session, house.person("ada@example.org").id)

    assert (new.cadence, new.cursor) == (Cadence.MONTHLY, old.cursor)
    assert (old.cursor, new.id != old.id) == (1, True)


def test_signing_up_while_subscribed_adds_nothing_and_says_so_by_mail(house: House) -> None:
    house.join("ada@example.org", ("housing",))
    before = _letters(house)
    answer = house.sign_up("ada@example.org", ("events", "tools"))
    stranger = house.sign_up("bob@example.org", ("events", "tools"))
    assert answer.get_data() == stranger.get_data()
    house.drain()
    assert _letters(house) == before, "the mailbox had a letter a moment ago"

    with house.database.transaction() as session:  # the quarter of an hour is over
        session.connection().exec_driver_sql("DELETE FROM rate")
    house.sign_up("ada@example.org", ("events", "tools"))
    house.drain()
    letter = house.letters_to("ada@example.org")[-1]
    assert letter["Subject"] == "You are already subscribed to Coalition of Collaborators"
    page = house.browser.get(link(letter, "/preferences/"))
    assert 'id="topic-1" name="topics" value="1" checked' in page.text
    assert 'id="topic-2" name="topics" value="2">' in page.text
    with house.database.reading() as session:
        assert len(subscriptions.current(session, house.person("ada@example.org").id)) == 1


def test_a_link_by_mail_opens_the_data_page(house: House) -> None:
    house.join("ada@example.org")
    weak = _preferences(house)
    assert house.browser.get(f"{weak}/data").status_code == 403
    assert house.press(weak, action="fresh").status_code == 303
    house.drain()
    letter = house.letters_to("ada@example.org")[-1]
    assert letter["Subject"] == "Your link to Coalition of Collaborators"
    data = house.browser.get(f"{link(letter, '/preferences/')}/data")
    assert heading(data) == "What we hold about you"
    assert "ada@example.org" in data.text


def test_this_was_not_me_ends_it(house: House) -> None:
    house.sign_up("ada@example.org")
    house.drain()
    url = link(house.letters_to("ada@example.org")[-1], "/confirm/")
    assert heading(house.press(url, answer="no")) == "Nothing will be sent"
    assert heading(house.browser.get(url)) == "Nothing will be sent"
    assert house.drain() == []
    assert house.person("ada@example.org").state is State.PENDING
    house.browser.post("/preferences", data={"email": "ada@example.org"})
    assert house.drain() == []


def test_somebody_who_left_comes_back_by_signing_up(house: House) -> None:
    house.publish("housing", "First")
    house.join("ada@example.org")
    house.press(link(house.letters_to("ada@example.org")[-1], "/unsubscribe/"), action="all")
    with house.database.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM rate")
    house.sign_up("ada@example.org", ("events",))
    house.drain()
    assert heading(house.confirm("ada@example.org")) == "You are in. Welcome!"
    assert house.person("ada@example.org").state is State.ACTIVE
    house.publish("events", "A walk", "On Sunday.")
    house.send(house.plan())
    house.drain()
    digest: EmailMessage = house.letters_to("ada@example.org")[-1]
    assert "A walk" in html_of(digest)
    assert "First" not in html_of(digest)


def test_the_site_of_a_plain_form_stands_in_the_letter_and_in_the_evidence(house: House) -> None:
    sent = {"email": "ada@example.org", "topics": ["housing"]}

    asked = house.browser.post("/join/main", data=sent, headers={"Origin": "https://partner.example.org"})
    pressed = sent | {"stamp": hidden(asked.text, "stamp")}
    house.browser.post("/join/main", data=pressed, headers={"Origin": "http://localhost"})
    house.drain()
    house.confirm("ada@example.org")

    assert "partner.example.org" in text_of(house.letters_to("ada@example.org")[0])
    with house.database.reading() as session:
        history = consents.history(session, house.person("ada@example.org").code)
    assert history[0]["origin"] == "https://partner.example.org"
