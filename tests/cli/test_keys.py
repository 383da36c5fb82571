"""`coalition keys`: rotating while everything runs. Old links go on, leaving goes on for ever, nobody is doubled."""

from itertools import islice

import pytest
from sqlalchemy import func, select, update

from coalition.cli.keys import sealing_anew
from coalition.errors import Misconfigured
from coalition.models import Base, Delivery, Request, Subscriber
from coalition.resources import open_resources
from coalition.services import keys
from coalition.tokens import Purpose
from tests.cli.shell import Shell
from tests.house import House, a_subscriber
from tests.web.doors import digest_link

ADA = "ada@example.org"


def _sealed_with(house: House) -> dict[int, int]:
    with house.database.reading() as session:
        return dict(keys.held(session))


def test_the_list_shows_no_key(shell: Shell) -> None:
    a_subscriber(shell.house)

    rows = shell.run("keys", "list", "--json").json
    said = shell.run("keys", "list").out

    assert [(row["ring"], row["key"], row["seals"]) for row in rows] == [
        ("tokens", 1, None),
        ("sealing", 1, 1),
        ("lookup", 1, None),
    ]
    for name in ("tokens", "sealing", "lookup"):
        secret = (shell.house.config.keys / f"{name}.key").read_text().split()[1]
        assert secret[:8] not in said
        assert secret[:8] not in str(rows)


def test_links_from_before_a_rotation_work_and_new_ones_open_in_what_runs(shell: Shell) -> None:
    house = shell.house
    a_subscriber(house)
    old = digest_link(house)

    shell.run("keys", "rotate", "tokens")

    new = digest_link(house)
    assert [house.browser.get(url).status_code for url in (old, new)] == [200, 200]
    started_later = open_resources(house.config)
    assert started_later.tokens.read(Purpose.PREFERENCES, new.rsplit("/", 1)[1])
    started_later.database.close()
    assert shell.audit() == [("keys", "tokens: 1, 2")]


def test_x14_dropping_a_signing_key_that_leaked_ends_its_links_and_no_leaving(shell: Shell) -> None:
    house = shell.house
    code = a_subscriber(house).code
    old = digest_link(house)
    shell.run("keys", "rotate", "tokens")
    new = digest_link(house)

    assert "newest" in shell.refused("keys", "drop", "tokens", "2", "--yes")
    shell.run("keys", "drop", "tokens", "1", answer="n\n", code=1)
    assert house.browser.get(old).status_code == 200
    shell.run("keys", "drop", "tokens", "1", "--yes")

    assert [house.browser.get(url).status_code for url in (old, new)] == [404, 200]
    assert house.browser.post(f"/unsubscribe/{code}").status_code == 200
    open_resources(house.config).database.close()


def test_x14_a_lost_signing_key_costs_links_and_never_leavings(shell: Shell) -> None:
    house = shell.house
    code = a_subscriber(house).code
    old = digest_link(house)
    assert "is whole" in shell.refused("keys", "rotate", "tokens", "--lost", "--yes")
    (house.config.keys / "tokens.key").unlink()

    assert "--lost" in shell.refused("keys", "list", code=2)
    assert "Back up" in shell.run("keys", "rotate", "tokens", "--lost", "--yes").out

    assert len(shell.run("keys", "list", "--json").json) == 3
    assert house.browser.get(old).status_code == 404
    assert house.browser.get(digest_link(house)).status_code == 200
    assert house.browser.post(f"/unsubscribe/{code}").status_code == 200
    for name in ("sealing", "lookup"):
        assert "only a backup" in shell.refused("keys", "rotate", name, "--lost", "--yes")


def test_a_rotation_seals_every_address_anew_and_letters_go_on(shell: Shell) -> None:
    house = shell.house
    house.sign_up("waiting@example.org")
    for name in ("ada", "bea", "cyd"):
        a_subscriber(house, f"{name}@example.org")
    assert set(_sealed_with(house)) == {1}

    shell.run("keys", "rotate", "sealing")

    assert _sealed_with(house) == {2: 4}
    with house.database.reading() as session:
        for sealed, key in session.execute(select(Subscriber.address_sealed, Subscriber.address_key)):
            assert sealed is not None
            assert key is not None
            assert house.resources.vault.open(sealed, key).written.endswith("@example.org")
    house.publish()
    house.send(house.plan())
    assert {each.recipient for each in house.drain()} == {
        f"{name}@example.org" for name in ("ada", "bea", "cyd", "waiting")
    }
    [line] = [row for row in shell.run("keys", "list", "--json").json if row["ring"] == "sealing" and row["key"] == 1]
    assert (line["seals"], line["makes new ones"]) == (0, False)
    shell.run("keys", "drop", "sealing", "1", "--yes")
    assert house.confirm("waiting@example.org").status_code == 200


def test_a_key_that_seals_anything_is_not_dropped(shell: Shell) -> None:
    a_subscriber(shell.house)
    shell.run("keys", "rotate", "sealing", "--later")
    shell.run("keys", "rotate", "lookup")

    assert "still seals 1 values" in shell.refused("keys", "drop", "sealing", "1", "--yes")
    assert "Look-up keys stay" in shell.refused("keys", "drop", "lookup", "1", "--yes")
    assert "no key 9" in shell.refused("keys", "drop", "sealing", "9", "--yes")


def test_sealing_anew_goes_on_where_it_was_interrupted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    house = shell.house
    for number in range(5):
        a_subscriber(house, f"reader{number}@example.org")
    shell.run("keys", "rotate", "sealing", "--later")
    monkeypatch.setattr(keys, "_A_TIME", 2)

    assert list(islice(sealing_anew(house.resources), 1)) == [2]
    assert _sealed_with(house) == {1: 3, 2: 2}
    said = shell.run("tick").out
    assert "addresses sealed anew: 3" in said

    assert _sealed_with(house) == {2: 5}
    assert "sealed anew" not in shell.run("tick").out
    with house.database.reading() as session:
        assert keys.is_settled(session, house.resources.vault)


def test_what_cannot_be_opened_stays_and_stops_nothing(shell: Shell) -> None:
    house = shell.house
    broken, _ = a_subscriber(house, "broken@example.org"), a_subscriber(house)
    with house.database.transaction() as session:
        altered = (broken.address_sealed or b"")[:-1] + b"!"
        session.execute(update(Subscriber).where(Subscriber.id == broken.id).values(address_sealed=altered))

    shell.run("keys", "rotate", "sealing")

    assert _sealed_with(house) == {1: 1, 2: 1}


def test_everything_that_is_sealed_is_sealed_anew() -> None:
    sealed = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if "sealed" in column.name
    }

    assert {str(column.sealed.property.columns[0]) for column in keys.SEALED} == sealed


def test_a_new_look_up_key_finds_everybody_and_doubles_nobody(shell: Shell) -> None:
    house = shell.house
    house.join(ADA)
    house.join("dead@example.org")
    shell.run("subscriber", "leave", "dead@example.org", "--yes")
    before = house.person(ADA)
    house.sign_up("between@example.org")

    shell.run("keys", "rotate", "lookup")
    house.sign_up(ADA)
    house.sign_up("between@example.org")
    house.sign_up("new@example.org")
    house.drain()

    assert [letter["Subject"] for letter in house.letters_to(ADA)][-1].startswith("You are already subscribed")
    assert house.person(ADA).id == before.id
    house.confirm("between@example.org")
    house.confirm("new@example.org")
    with house.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 4
        assert session.scalar(select(func.count()).where(Request.address_key == before.address_key)) == 1
        assert session.scalar(select(func.count()).where(Delivery.reason == "address unreadable")) == 0
    assert shell.run("subscriber", "show", ADA, "--json").json[0]["code"] == before.code


@pytest.mark.parametrize("name", ["tokens", "sealing", "lookup"])
def test_a_ring_from_before_a_rotation_refuses_to_start(shell: Shell, name: str) -> None:
    path = shell.house.config.keys / f"{name}.key"
    old = path.read_bytes()
    shell.run("keys", "rotate", name)
    path.write_bytes(old)

    with pytest.raises(Misconfigured, match=f"The key ring {name} lacks a key"):
        open_resources(shell.house.config)
