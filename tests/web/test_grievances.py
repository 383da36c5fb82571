"""Complaining about how data is handled: a form for everybody, a letter at once, the same answer for every address."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import Grievance, Scope, Suppression
from coalition.services import grievances
from coalition.tokens import Purpose
from tests.cli.shell import Shell
from tests.house import House, a_subscriber, heading, hidden, html_of, text_of
from tests.web.doors import fresh_link, with_community
from tests.web.rows import nothing_changes

ADA = "ada@example.org"
FORM = "/privacy/grievance"
WORDS = "You wrote to me twice.\n\nPlease find out why."


def complain(house: House, address: str = ADA, text: str = WORDS, **fields: str) -> TestResponse:
    """Fill in the form as a person would."""
    return house.press(FORM, email=address, text=text, **fields)


def kept(house: House) -> list[Grievance]:
    with house.database.reading() as session:
        return list(session.scalars(select(Grievance).order_by(Grievance.id)))


def test_l12_somebody_unknown_complains_and_gets_a_letter_at_once_with_number_and_day(house: House) -> None:
    answer = complain(house)
    assert (answer.status_code, answer.location) == (303, f"{FORM}?done=sent")
    assert heading(house.browser.get(answer.location)) == "We have your complaint"

    house.drain()

    [letter] = house.letters_to(ADA)
    [grievance] = kept(house)
    due = house.resources.letters.day(grievance.received_at + timedelta(days=30), "en")
    assert letter["Subject"] == f"Your complaint to {house.config.community.name}, number {grievance.id}"
    for body in (text_of(letter), html_of(letter)):
        assert due in body
        assert house.config.community.postal_address in body
        assert "twice" not in body  # anybody could have typed it, with anybody's address
    with house.database.reading() as session:
        [standing] = grievances.all_of(session)
    assert standing.acknowledged_at is not None


def test_a_complaint_is_kept_sealed(house: House) -> None:
    complain(house)

    [grievance] = kept(house)
    for value in (grievance.address_sealed, grievance.text_sealed):
        assert value
        assert b"ada" not in value
        assert b"twice" not in value
    assert grievances.text_of(house.resources.vault, grievance) == WORDS


def test_the_letter_speaks_the_language_of_the_page(house: House) -> None:
    complain(house, lang="fr")
    house.drain()

    assert house.letters_to(ADA)[0]["Subject"].startswith("Votre réclamation")


def test_looking_keeps_nothing_and_sets_no_cookie(house: House) -> None:
    with nothing_changes(house):
        for path in (FORM, f"{FORM}?done=sent", "/privacy"):
            assert house.browser.get(path).headers.get_all("Set-Cookie") == []


@pytest.mark.parametrize(("email", "text"), [("x", WORDS), (ADA, ""), (ADA, " \r\n\x07 "), (ADA, "a" * 2001)])
def test_what_can_not_be_answered_is_refused_and_what_was_typed_stays(house: House, email: str, text: str) -> None:
    with nothing_changes(house):
        answer = complain(house, email, text)

    assert answer.status_code == 422
    assert f'value="{email}"' in answer.text
    assert ">There is a problem<" in answer.text


def test_two_thousand_arabic_characters_fit(house: House) -> None:
    assert complain(house, text="ش" * 2000).status_code == 303


def test_what_would_steer_a_terminal_is_left_out(house: House) -> None:
    complain(house, text="Look:\x1b[2J\x9b31m\r\nhere")

    assert grievances.text_of(house.resources.vault, kept(house)[0]) == "Look:[2J31m\nhere"


@pytest.mark.parametrize("stamp", ["", "old"])
def test_a_page_that_was_open_for_long_asks_for_one_more_press(house: House, stamp: str) -> None:
    if stamp:
        stamp = house.resources.tokens.make(Purpose.FORM, "page_grievance", utcnow() - timedelta(hours=25))

    with nothing_changes(house):
        again = house.browser.post(FORM, data={"email": ADA, "text": WORDS, "stamp": stamp})

    assert again.status_code == 200
    assert "twice" in again.text
    data = {"email": ADA, "text": WORDS, "stamp": hidden(again.text, "stamp")}
    assert house.browser.post(FORM, data=data).status_code == 303


def test_a_machine_sees_the_same_page_and_gets_no_letter_and_what_it_wrote_is_kept_in_doubt(house: House) -> None:
    in_a_hurry = with_community(house, form_seconds=60)
    stamp = hidden(in_a_hurry.get(FORM).text, "stamp")
    data = {"email": ADA, "text": WORDS, "stamp": stamp}
    forged = house.resources.tokens.make(Purpose.FORM, "main_0123456789abcdef")

    answers = [
        complain(house, homepage="https://spam.example"),
        in_a_hurry.post(FORM, data=data),
        house.browser.post(FORM, data=data | {"stamp": forged}),
    ]

    assert {(each.status_code, each.location) for each in answers} == {(303, f"{FORM}?done=sent")}
    assert [each.doubtful for each in kept(house)] == [True, True, True]
    assert house.drain() == []


def test_one_mailbox_gets_one_letter_in_a_quarter_of_an_hour_and_no_complaint_is_lost(house: House) -> None:
    assert [complain(house).status_code for _ in range(3)] == [303, 303, 303]
    house.drain()

    assert len(house.letters_to(ADA)) == 1
    assert [each.doubtful for each in kept(house)] == [False, True, True]


def test_over_the_limit_of_a_network_the_answer_is_429_and_nothing_is_kept(house: House) -> None:
    narrow = with_community(house, network_10_minutes=0)
    data = {"email": ADA, "text": WORDS, "stamp": hidden(narrow.get(FORM).text, "stamp")}

    with nothing_changes(house):
        assert narrow.post(FORM, data=data).status_code == 429


def test_whoever_wants_no_list_mail_still_reads_that_their_complaint_has_come(house: House) -> None:
    scopes = {"spam@example.org": Scope.LIST, "dead@example.org": Scope.ALL}
    with house.database.transaction() as session:
        for address, scope in scopes.items():
            key = house.resources.vault.key(Address.parse(address))
            session.add(Suppression(address_key=key, code=None, scope=scope, reason="a test", since=utcnow()))
    for address in scopes:
        complain(house, address)

    assert [each.recipient for each in house.drain()] == ["spam@example.org"]
    with house.database.reading() as session:
        assert [each.acknowledged_at is None for each in grievances.all_of(session)] == [False, True]


def test_readers_see_their_complaint_the_answer_and_who_read_it(house: House) -> None:
    a_subscriber(house, ADA)
    complain(house)
    house.drain()
    [grievance] = kept(house)
    shell = Shell(house)
    shell.run("privacy", "grievance", "show", str(grievance.id))
    noted = ("--noted", "We called each other.", "--yes")
    shell.run("privacy", "grievance", "answer", str(grievance.id), *noted)

    page = house.browser.get(f"{fresh_link(house)}/data").text
    document = house.browser.get(f"{fresh_link(house)}/data.json").get_json()

    for words in ("You wrote to me twice.", "We called each other.", "Read your complaint", "Answered your complaint"):
        assert words in page
    [row] = document["grievances"]
    assert (row["number"], row["text"], row["answer"]) == (grievance.id, WORDS, "We called each other.")
    assert row["acknowledged_at"] is not None


def test_l11_the_notice_leads_to_the_form(house: House) -> None:
    assert f'href="{FORM}"' in house.browser.get("/privacy").text
