"""The privacy notice in its versions: kept with date and text, shown, and named where somebody agrees (L11)."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from markupsafe import Markup
from sqlalchemy import func, select

from coalition.address import Address
from coalition.clock import utcnow
from coalition.languages import OWN_NAMES
from coalition.models import Cadence, Format, Notice
from coalition.resources import open_resources
from coalition.services import chain, consents, evidence, notices, preferences
from tests.cli.shell import Shell
from tests.house import House, heading
from tests.services.scenes import at_once
from tests.web.doors import community_with
from tests.web.rows import nothing_changes

ADA = "ada@example.org"
MOVED = "2 New Street, Newton NE1 1EW"


def start_again(house: House, **facts: object) -> House:
    """The same database, with other facts in `community.toml`."""
    community = community_with(house, **facts)
    return House(open_resources(replace(house.config, community=community)), house.relay)


def versions(house: House, code: str = "en") -> list[notices.Version]:
    with house.database.reading() as session:
        return notices.versions(session, code)


def test_a_start_keeps_the_notice_in_every_language_and_the_next_one_nothing(house: House) -> None:
    for code in OWN_NAMES:
        [version] = versions(house, code)
        assert (version.number, version.until) == (1, None)
        assert version.sha256 == hashlib.sha256(f"{code}\0{version.text}".encode()).hexdigest()

    with nothing_changes(house):
        open_resources(house.config).database.close()


def test_a_new_postal_address_is_a_new_version_and_the_former_one_stays(house: House) -> None:
    [first] = versions(house)

    later = start_again(house, postal_address=MOVED)

    new, old = versions(later)
    assert (new.number, old.number, old.until) == (2, 1, new.since)
    assert MOVED in new.text
    assert old.text == first.text
    later.database.close()


def test_going_back_to_what_was_said_before_is_a_third_version(house: House) -> None:
    before = house.config.community.postal_address
    start_again(house, postal_address=MOVED).database.close()

    later = start_again(house, postal_address=before)

    assert [each.number for each in versions(later)] == [3, 2, 1]
    assert versions(later)[0].wording_id == versions(later)[2].wording_id
    later.database.close()


def test_processes_that_start_at_once_keep_one_version(house: House) -> None:
    config = replace(house.config, community=community_with(house, postal_address=MOVED))

    at_once(4, lambda _: open_resources(config).database.close())

    with house.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Notice)) == 2 * len(OWN_NAMES)


def test_the_text_that_is_kept_is_what_the_page_shows(house: House) -> None:
    page = house.browser.get("/privacy?lang=fr")
    kept = versions(house, "fr")[0]

    shown = house.browser.get("/privacy?version=1&lang=fr")

    assert "Ceci est la version 1" in page.text
    assert kept.sha256 in shown.text
    told = [line.lstrip("#- ") for line in kept.text.split("\n") if line]
    assert len(told) > 25
    for line in told:
        assert _plain(line) in _plain(page.text), line
        assert _plain(line) in _plain(shown.text), line


def _plain(html: str) -> str:
    return Markup(html).striptags()


def test_an_earlier_version_is_a_page_of_its_own_and_no_other_number_is(house: House) -> None:
    later = start_again(house, postal_address=MOVED)

    assert 'href="/privacy?version=1"' in later.browser.get("/privacy").text
    assert heading(later.browser.get("/privacy?version=1")) == "Privacy, as it was"
    assert heading(later.browser.get("/privacy?version=2")) == "Privacy"
    for wrong in ("0", "3", "x", "1 OR 1=1", "９"):  # noqa: RUF001
        assert later.browser.get("/privacy", query_string={"version": wrong}).status_code == 404
    later.database.close()


def test_whoever_signs_up_agrees_under_the_version_of_that_moment(house: House) -> None:
    house.sign_up(ADA)
    house.drain()
    later = start_again(house, postal_address=MOVED)

    later.confirm(ADA)

    with later.database.reading() as session:
        asked = consents.history(session, later.person(ADA).code)[0]
        verdict = chain.verify(session, [])
        dossier = evidence.dossier(
            session, later.config.community, Address.parse(ADA), later.person(ADA).code, verdict, utcnow()
        )
    first = versions(later)[1]
    assert (asked["notice_version"], asked["notice_sha256"]) == (1, first.sha256)
    assert first.text in {each.text for each in dossier.wordings}
    later.database.close()


def test_a_topic_that_is_added_later_is_agreed_to_under_the_version_of_then(house: House) -> None:
    house.join(ADA)
    later = start_again(house, postal_address=MOVED)
    with later.database.transaction() as session:
        person = later.person(ADA)
        both = {1: Cadence.WEEKLY, 2: Cadence.WEEKLY}
        now = utcnow() + timedelta(seconds=1)
        preferences.save(session, later.config.community, person, both, Format.HTML, now, may_return=False)

    with later.database.reading() as session:
        assert consents.history(session, person.code)[-1]["notice_version"] == 2
    later.database.close()


def test_staff_list_the_versions_and_print_one(house: House) -> None:
    shell = Shell(house)

    [row] = shell.run("privacy", "notice", "--json").json
    text = shell.run("privacy", "notice", "--lang", "cy", "--version", "1").out

    assert (row["version"], row["until"]) == (1, None)
    assert text.strip() == versions(house, "cy")[0].text
    assert shell.refused("privacy", "notice", "--version", "9").startswith("There is no such version")


@pytest.mark.parametrize("code", OWN_NAMES)
def test_no_language_leaves_a_sentence_of_the_notice_out(house: House, code: str) -> None:
    assert versions(house, code)[0].text.count("\n") == versions(house, "en")[0].text.count("\n")
