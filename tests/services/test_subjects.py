"""What an issue is called: as staff say, or in each reader's language what it is and of when."""

from datetime import UTC, datetime

import pytest
import time_machine

from coalition.models import Cadence, Issue, Subscriber
from coalition.services import editions, issues, preflight
from tests.cli.shell import Shell
from tests.house import House, a_subscriber, parse
from tests.services.staffroom import plan_as, settle_in

_NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
_LOCALES = ("en", "cy", "fr", "de", "es", "ar")


@pytest.fixture
def town(house: House) -> House:
    """A reader of each language, and news."""
    for locale in _LOCALES:
        person = a_subscriber(house, f"{locale}@example.org", cursor=0)
        with house.database.transaction() as session:
            session.get_one(Subscriber, person.id).locale = locale
    house.publish()
    return house


def subjects(house: House) -> dict[str, str]:
    """The subject of each letter that goes now, by the language of its reader."""
    return {letter.recipient.partition("@")[0]: str(parse(letter)["Subject"]).strip() for letter in house.drain()}


def subject_of(house: House, issue_id: int, locale: str) -> str:
    with house.database.reading() as session:
        return editions.subject_of(house.resources.letters, issues.get(session, issue_id), locale)


def test_an_issue_without_a_subject_has_one_in_each_readers_language(town: House) -> None:
    with time_machine.travel(_NOW):
        issue = plan_as(town, "ann", _NOW)
        town.send(issue)
        found = subjects(town)

    assert found == {locale: subject_of(town, issue, locale) for locale in _LOCALES}
    assert len(set(found.values())) == len(_LOCALES)
    assert "23 November 2026" in found["en"]
    assert "23 novembre 2026" in found["fr"]
    with town.database.reading() as session:
        assert session.get_one(Issue, issue).subject == ""


def test_a_subject_that_staff_gave_is_everybodys(town: House) -> None:
    town.send(town.plan(subject="The week"))

    assert subjects(town) == dict.fromkeys(_LOCALES, "The week")


@pytest.mark.parametrize("cadence", list(Cadence))
def test_every_rhythm_has_a_subject_that_may_leave(house: House, cadence: Cadence) -> None:
    a_subscriber(house, cadence=cadence, cursor=0)
    house.publish()
    issue = plan_as(house, "ann", datetime.now(UTC), cadence)

    letters, composer = house.resources.letters, house.resources.composer()
    with house.database.reading() as session:
        planned = issues.get(session, issue)
        found = preflight.findings(session, letters, composer, planned, datetime.now(UTC))

    assert [each for each in found if each.where == "subject"] == []


def test_the_date_in_a_subject_is_that_of_the_plan_however_late_it_is_sent(town: House) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        issue = plan_as(town, "ann", _NOW)
        clock.shift(3 * 86_400)
        town.send(issue)

        assert "23 November 2026" in subjects(town)["en"]


def test_wherever_staff_meet_an_issue_its_subject_is_in_the_communitys_language(town: House) -> None:
    french = settle_in(town, locale="fr")
    shell = Shell(french)
    shell.run("digest", "plan", "weekly")
    subject = subject_of(french, 1, "fr")

    assert shell.run("digest", "list", "--json").json[0]["subject"] == subject
    assert shell.run("digest", "status", "1", "--json").json[0]["subject"] == subject
    assert f"“{subject}”" in shell.run("digest", "send", "1", answer="n\n", code=1).out
    assert f"“{subject}”" in shell.run("digest", "cancel", "1", answer="n\n", code=1).out
    shell.who = "bea"
    assert f"“{subject}”" in shell.run("digest", "approve", "1").out
    assert "digest" not in subject


def test_the_archive_calls_an_issue_by_the_same_name(town: House) -> None:
    town.send(plan_as(town, "ann", datetime.now(UTC)))
    name = subject_of(town, 1, "en")

    listed = town.browser.get("/archive").text
    assert f">{name}</a>" in listed
    assert f"<h1>{name}</h1>" in town.browser.get(listed.partition('class="name" href="')[2].partition('"')[0]).text
