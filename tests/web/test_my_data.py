"""My data: everything that is held, for the eyes of whoever has the mailbox, as a page, a document and a table."""

import csv
import io
import json
from typing import Any

import pytest

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import Base, Cadence
from coalition.services import audit, breaches, preferences, takeout, test_letters
from tests.cli.shell import Shell
from tests.house import House, a_subscriber, link, parse
from tests.services.returning import bounced, collect, deal
from tests.services.scenes import leave
from tests.web.doors import digest_link, fresh_link
from tests.web.rows import nothing_changes

ADA = "ada@example.org"


def _busy_life(house: House) -> None:
    house.join(ADA, ("housing", "events"))
    house.publish("events", "The street party")
    house.send(house.plan(Cadence.WEEKLY))
    house.drain()
    leave(house, house.person(ADA), "events")
    with house.database.transaction() as session:
        audit.record(session, "subscriber show", house.person(ADA).code)


def _json(house: House) -> dict[str, Any]:
    answer = house.browser.get(f"{fresh_link(house)}/data.json")
    assert answer.status_code == 200
    found = json.loads(answer.data)
    assert isinstance(found, dict)
    return found


def test_the_document_holds_everything_and_why_each_letter_went(house: House) -> None:
    _busy_life(house)

    found = _json(house)

    assert found["person"]["address"] == ADA
    assert {row["topic"]: row["ended_by"] for row in found["subscriptions"]} == {
        "Housing": None,
        "Events": "left_topic",
    }
    assert [row["event"] for row in found["consents"]] == ["requested", "mailed", "confirmed", "withdrawn"]
    assert {row["number"] for row in found["wordings"]} == {
        found["consents"][0]["wording"],
        found["consents"][0]["notice"],
        found["consents"][1]["letter"],
    }
    [request] = found["requests"]
    assert (request["topics"], request["answer"]) == (["Housing", "Events"], "yes")
    digest, welcome, confirm = found["letters"]
    assert (digest["letter"], digest["cadence"], digest["topics"]) == ("digest", "weekly", ["Events"])
    assert digest["why"] == "Because you chose Events, weekly."
    assert (welcome["why"], confirm["why"]) == (
        "Because you confirmed.",
        "Because somebody signed up with your address.",
    )
    ids = [letter["Message-ID"] for letter in house.letters_to(ADA)]
    assert [f"<{each['message_id']}>" for each in reversed(found["letters"])] == ids
    assert [row["what"] for row in found["looks_by_staff"]] == ["subscriber show"]


def test_the_document_tells_what_came_back(house: House) -> None:
    collect(house)
    house.join(ADA)
    house.publish()
    house.send(house.plan(Cadence.WEEKLY))
    [letter] = house.drain()
    deal(house, bounced(letter, "delayed"), bounced(letter, "human"))

    found = _json(house)

    assert [row["what"] for row in found["came_back"]] == ["delayed"]
    assert [row["why"] for row in found["set_aside"]] == ["no bounce or report that we know"]
    assert found["not_written_to"] == {}


def test_the_document_tells_of_test_letters_too(house: House) -> None:
    _busy_life(house)
    with house.database.transaction() as session:
        for address in (ADA.upper(), "bob@example.org"):
            test_letters.queue(session, house.resources.vault, Address.parse(address), 1, utcnow())
    house.drain()

    found = _json(house)

    [row] = found["test_letters"]
    assert row["state"] == "sent"
    assert f"<{row['message_id']}>" == next(
        parse(each)["Message-ID"] for each in house.relay.received if each.recipient != ADA
    )


def test_the_page_tells_the_same(house: House) -> None:
    _busy_life(house)

    page = house.browser.get(f"{fresh_link(house)}/data").text

    for said in (
        "Because you chose Events, weekly.",
        "Looked at how you stand",
        "You left",
        ADA,
        "data.csv",
        "data.json",
    ):
        assert said in page


def test_readers_see_that_they_stood_on_lists_of_staff(house: House) -> None:
    shell = Shell(house)
    collect(house)
    house.join(ADA)
    before = utcnow()
    house.join("bob@example.org")
    house.publish()
    house.send(house.plan(Cadence.WEEKLY))
    letters = {each.recipient: each for each in house.drain()}
    shell.run("bounce", "list")  # nothing has come back yet
    deal(house, bounced(letters[ADA], "delayed"), bounced(letters[ADA], "human"))
    shell.run("bounce", "list")
    shell.run("bounce", "show", "1")
    shell.run("privacy", "breach", "--from", "2026-01-01", "--to", "2026-01-02")
    with house.database.transaction() as session:
        audit.record(session, "privacy breach", f"{breaches.range_in_words(before, before)}, masked")
    shell.run("subscriber", "suppress", "bob@example.org", "--yes")

    hers, his = (
        [row["what"] for row in house.browser.get(f"{fresh_link(house, each)}/data.json").get_json()["looks_by_staff"]]
        for each in (ADA, "bob@example.org")
    )

    assert hers == ["privacy breach", "bounce show", "bounce list"]
    assert his == ["subscriber suppress"]
    page = house.browser.get(f"{fresh_link(house)}/data").text
    for said in ("Listed whose data we hold", "Read mail that came back", "Listed letters that came back"):
        assert said in page


def test_the_table_tells_the_same_and_is_meant_to_be_saved(house: House) -> None:
    _busy_life(house)

    answer = house.browser.get(f"{fresh_link(house)}/data.csv")

    assert answer.data.startswith("\ufeff".encode())
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    assert {row["part"] for row in rows} == {part for part, content in _json(house).items() if content}
    facts = {(row["part"], row["number"], row["fact"]): row["value"] for row in rows}
    assert facts["person", "", "address"] == ADA
    assert facts["letters", "1", "why"] == "Because you chose Events, weekly."


def test_no_table_of_ours_that_is_about_a_person_is_left_out() -> None:
    """Whoever adds a table about people decides here whether its people see it."""
    shown = {"subscriber", "subscription", "request", "delivery", "consent", "address_change", "bounce", "set_aside"}
    about_people = {
        table.name
        for table in Base.metadata.sorted_tables
        if table.name == "subscriber" or any("subscriber_id" in key.parent.name for key in table.foreign_keys)
    }

    assert about_people <= shown


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_i9_no_cell_is_taken_for_a_formula(mark: str) -> None:
    evil = f"{mark}cmd|' /C calc'!A0"

    table = takeout.as_csv(
        {"letters": [{evil: evil}], "person": {"address": evil, "topics": [evil, "x"]}, "made": evil}
    )

    cells = [cell for row in csv.reader(io.StringIO(table, newline="")) for cell in row]
    assert len([cell for cell in cells if evil in cell]) == 5
    assert all(cell.startswith("'") for cell in cells if evil in cell)


@pytest.mark.parametrize("address", ["=1+1@example.org", "+ada@example.org", "-ada@example.org"])
def test_i9_an_address_that_looks_like_a_formula_is_kept_and_defused(house: House, address: str) -> None:
    a_subscriber(house, address)

    table = house.browser.get(f"{fresh_link(house, address)}/data.csv").data.decode("utf-8-sig")
    document = json.loads(house.browser.get(f"{fresh_link(house, address)}/data.json").data)

    assert document["person"]["address"] == Address.parse(address).written
    [row] = [row for row in csv.reader(io.StringIO(table, newline="")) if row[2] == "address"]
    assert row[3] == f"'{address}"


def test_looking_and_taking_change_nothing(house: House) -> None:
    _busy_life(house)
    url = fresh_link(house)
    with nothing_changes(house):
        for path in ("data", "data.json", "data.csv"):
            assert [house.browser.get(f"{url}/{path}").status_code for _ in range(2)] == [200, 200]
            assert house.browser.post(f"{url}/{path}").status_code == 405


def test_a_forwarded_digest_shows_its_new_reader_nothing_of_it(house: House) -> None:
    _busy_life(house)
    forwarded = link(house.letters_to(ADA)[-1], "/preferences/")

    for path in ("data", "data.json", "data.csv"):
        answer = house.browser.get(f"{forwarded}/{path}")
        assert answer.status_code == 403
        assert "ada" not in answer.text.lower().replace("data", "")
        assert house.browser.get(f"{digest_link(house)}/{path}").status_code == 403


def test_it_is_told_in_the_readers_language(house: House) -> None:
    _busy_life(house)
    with house.database.transaction() as session:
        preferences.choose_language(session, house.person(ADA), "de")

    assert _json(house)["letters"][1]["why"] == "Weil Sie bestätigt haben."
    assert utcnow().isoformat()[:10] in _json(house)["made_at"]
