"""`coalition subscriber evidence` and `privacy verify`: a dossier that stands alone, and a chain that is checked."""

import hashlib
import json
import re
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from coalition.address import Address
from coalition.clock import utcnow
from coalition.models import Scope, State, Subscriber, Suppression
from coalition.services import consents
from tests.cli.shell import Shell
from tests.house import WORDING, House, text_of
from tests.services.scenes import leave
from tests.services.tampering import unguarded
from tests.web.doors import move_link

ADA = "ada@example.org"


def _recomputed(dossier: dict[str, Any]) -> list[bool]:
    """What whoever holds nothing but the printed dossier finds, by its own recipe."""
    found = []
    for row in dossier["rows"]:
        content_hash = row["content_hash"]
        if row["content"] is not None:
            content_hash = hashlib.sha256(bytes.fromhex(row["salt"]) + row["content"].encode()).hexdigest()
        whole = hashlib.sha256(bytes.fromhex(row["previous_hash"]) + bytes.fromhex(content_hash)).hexdigest()
        found.append(content_hash == row["content_hash"] and whole == row["hash"])
    return found


def test_a_dossier_stands_alone(shell: Shell) -> None:
    house = shell.house
    house.join("bea@example.org")
    house.join(ADA, ("housing", "events"))
    leave(house, house.person(ADA), "events")
    leave(house, house.person(ADA))

    found = shell.run("subscriber", "evidence", ADA, "--json").json

    assert [row["event"] for row in found["rows"]] == ["requested", "mailed", "confirmed", "withdrawn", "withdrawn"]
    assert _recomputed(found) == [True] * 5
    requested, mailed, confirmed, *_ = found["rows"]
    assert (requested["facts"]["form"], requested["facts"]["cadence"]) == ("main", "weekly")
    assert requested["facts"]["names"] == {"1": "Housing", "2": "Events"}
    shown = {wording["id"]: wording for wording in found["wordings"]}
    asked, letter = shown[requested["facts"]["wording"]], shown[mailed["facts"]["letter"]]
    assert asked["text"] == WORDING
    for wording in (asked, letter):
        fingerprint = hashlib.sha256(f"{wording['locale']}\0{wording['text']}".encode()).hexdigest()
        assert fingerprint == wording["sha256"]
    assert requested["at"] <= mailed["at"] <= confirmed["at"]
    [confirm, welcome] = house.letters_to(ADA)
    assert [f"<{sent['message_id']}>" for sent in found["letters"]] == [confirm["Message-ID"], welcome["Message-ID"]]
    assert found["letters"][0]["message_id"] == f"{mailed['facts']['message']}@{mailed['facts']['domain']}"
    # Word for word, but for what is about this one person: topics, link, moments.
    said, kept = (" ".join(each.split()) for each in (text_of(confirm), letter["text"]))
    varying = r"https?://\S+/confirm/\S+|- Housing - Events|\d+ \w+ \d{4} at \d\d:\d\d( \w+)?"
    stood_in = r"…|- …|\d+ \w+ \d{4} at \d\d:\d\d( \w+)?"
    assert re.sub(stood_in, "", kept).split() == f"{confirm['Subject']} {re.sub(varying, '', said)}".split()
    assert found["chain_faults"] == []
    assert found["chain_head"].split()[0] == str(found["chain_rows"]) == "8"
    assert shell.audit() == [("subscriber evidence", found["subject"])]


def test_the_dossier_is_readable_too(shell: Shell) -> None:
    shell.house.join(ADA)

    said = shell.run("subscriber", "evidence", " Ada@Example.org").out

    [confirm, _] = shell.house.letters_to(ADA)
    assert WORDING in said
    assert f"Message-ID: {confirm['Message-ID']}" in said
    assert "pressed “Yes, subscribe me”" in said
    assert "form: main" in said
    assert "Every row is as it was written, none is missing." in said


def test_somebody_erased_is_found_by_the_keyed_hash_alone(shell: Shell) -> None:
    house = shell.house
    house.join(ADA)
    person, key = house.person(ADA), house.resources.vault.key(Address.parse(ADA))
    with house.database.transaction() as session:
        consents.empty(session, person.code)
        consents.record(session, person.code, consents.Event.ERASED, utcnow())
        gone = {"address_sealed": None, "address_key": None, "state": State.ERASED}
        session.execute(update(Subscriber).where(Subscriber.id == person.id).values(gone))
        row = {"address_key": key, "code": person.code, "scope": Scope.LIST, "reason": "erased", "since": utcnow()}
        session.execute(insert(Suppression).values(row))

    found = shell.run("subscriber", "evidence", ADA, "--json").json

    assert [row["event"] for row in found["rows"]] == [None, None, None, "erased"]
    assert (found["subject"], found["state"]) == (person.code, "erased")
    assert _recomputed(found) == [True] * 4
    assert found["chain_faults"] == []
    assert "content erased" in shell.run("subscriber", "evidence", ADA).out


def test_an_address_that_somebody_moved_away_from_leads_to_them(shell: Shell) -> None:
    house = shell.house
    house.join(ADA)
    house.press(move_link(house), answer="yes")

    found = shell.run("subscriber", "evidence", ADA, "--json").json

    assert found["subject"] == house.person("new@example.org").code
    assert found["rows"][-1]["event"] == "moved"


def test_a_stranger_has_no_dossier(shell: Shell) -> None:
    assert "eve" not in shell.refused("subscriber", "evidence", "eve@example.org")
    assert shell.audit() == []


def _tamper(house: House, statement: str) -> None:
    with unguarded(house) as session:
        session.execute(text(statement))


def test_a_whole_chain_is_told_and_noted_outside_the_database(shell: Shell) -> None:
    house = shell.house
    assert "Nothing is recorded yet" in shell.run("privacy", "verify").out
    assert not house.config.anchors.exists()
    house.join(ADA)

    said = shell.run("privacy", "verify").out
    found = shell.run("privacy", "verify", "--json").json

    assert f"The last is 3: {found['hash']}" in said
    assert found == {"rows": 3, "seq": 3, "hash": found["hash"], "faults": [], "noted": False}
    [line] = house.config.anchors.read_text().splitlines()
    assert line.split()[1:] == ["3", found["hash"]]
    assert shell.audit() == [("privacy verify", "0 faults")] * 3


@pytest.mark.parametrize("statement", ["DELETE FROM consent WHERE seq > 1", "UPDATE consent SET content = '{}'"])
def test_a_broken_chain_ends_with_1_and_is_not_noted_as_right(shell: Shell, statement: str) -> None:
    shell.house.join(ADA)
    _tamper(shell.house, statement)

    found = json.loads(shell.run("privacy", "verify", "--json", code=1).out)
    said = shell.run("privacy", "verify", code=1).out

    assert found["faults"]
    assert found["faults"][0] in said
    assert "the chain is broken" in said
    assert not shell.house.config.anchors.exists()


def test_the_periodic_work_notes_how_the_chain_stands(shell: Shell) -> None:
    shell.house.join(ADA)

    shell.run("tick")
    shell.house.join("bea@example.org")
    shell.run("tick")  # not an hour later

    [line] = shell.house.config.anchors.read_text().splitlines()
    assert line.split()[1] == "3"
    _tamper(shell.house, "DELETE FROM consent WHERE seq > 2")
    _tamper(shell.house, "UPDATE counter SET value = 2 WHERE name = 'consent'")
    assert "row 3 was noted outside" in shell.run("privacy", "verify", code=1).out
