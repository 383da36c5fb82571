"""The last look before an issue goes: at the bytes themselves, and at what nobody can let pass."""

from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import update

from coalition.errors import BadContent, Refused
from coalition.languages import OWN_NAMES
from coalition.mail.digest import Copy
from coalition.mail.letters import Letters
from coalition.mail.lint import Finding
from coalition.mail.smtp import Envelope
from coalition.models import Format, Fragment, Issue, Subscriber
from coalition.services import issues, preflight
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.ready import Ready
from tests.house import House, a_subscriber


@pytest.mark.parametrize("name", sorted(preflight.NEVER))
def test_nobody_can_let_a_tracker_pass(name: str) -> None:
    issue = Issue(allowed={})

    with pytest.raises(BadContent, match=f"Nobody can let {name} pass"):
        preflight.allow(issue, ["long-line", name], "It looks nice.")

    assert issue.allowed == {}


@pytest.mark.parametrize("name", sorted(preflight.NEVER))
def test_a_tracker_that_was_let_pass_before_that_was_forbidden_stops_an_issue(name: str) -> None:
    issue = Issue(id=1, allowed={name: "It looks nice.", "image": "It is a map."})

    with pytest.raises(Refused, match=name):
        preflight.require_clean(issue, [Finding(name, "HTML part", "Something."), Finding("image", "intro", "It.")])
    preflight.require_clean(issue, [Finding("image", "intro", "It.")])


class Spoilt(Composer):
    """Asks for a receipt in every letter."""

    def compose(self, ready: Ready, copy: Copy | None = None) -> Envelope:
        """The letter with one more header."""
        envelope = super().compose(ready, copy)
        return Envelope(
            envelope.sender, envelope.recipient, b"Disposition-Notification-To: <us@example.org>\r\n" + envelope.message
        )


def test_what_is_looked_at_are_the_bytes_that_would_go(house: House) -> None:
    a_subscriber(house, cursor=0)
    house.publish()
    issue_id, held = house.plan(), house.resources
    spoilt = Spoilt(held.config, held.database, held.links, held.letters)

    names = {}
    with house.database.reading() as session:
        issue = issues.get(session, issue_id)
        for composer in (held.composer(), spoilt):
            found = preflight.findings(session, held.letters, composer, issue, issue.created_at)
            names[type(composer)] = {each.name for each in preflight.stopping(issue, found)}

    assert names == {Composer: set(), Spoilt: {"read-receipt"}}


@pytest.mark.parametrize("form", list(Format))
def test_an_item_that_only_one_reader_gets_is_read_too(house: House, form: Format) -> None:
    house.publish("housing")
    house.publish("events")
    for topics in (("housing",), ("housing", "events")):
        for locale, each in product(OWN_NAMES, Format):
            for number in range(2):
                reads(house, f"{len(topics)}-{locale}-{each}-{number}@example.org", topics, locale, each)
    rare = house.publish("tools")
    reads(house, "ada@example.org", ("tools",), "cy", form)
    issue_id, held = house.plan(), house.resources
    tracker = {
        Format.HTML: '<img src="https://elsewhere.example/1.png" alt="">',
        Format.TEXT: "https://elsewhere.example/1",
    }
    with house.database.transaction() as session:
        theirs = (Fragment.item_id == rare.id, Fragment.format == form)
        session.execute(update(Fragment).where(*theirs).values(body=tracker[form].encode()))

    with house.database.reading() as session:
        issue = issues.get(session, issue_id)
        assert len(issues.largest_variants(session, issue_id)) == 25
        found = preflight.findings(session, held.letters, held.composer(), issue, issue.created_at)

    wanted = {Format.HTML: "remote-load", Format.TEXT: "foreign-link"}
    assert wanted[form] in {each.name for each in preflight.stopping(issue, found)}


def reads(house: House, address: str, topics: tuple[str, ...], locale: str, form: Format) -> None:
    """Somebody who gets these topics in a language and form."""
    person = a_subscriber(house, address, topics, cursor=0)
    with house.database.transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == person.id).values(locale=locale, format=form))


def test_an_address_that_staff_wrote_in_prose_or_code_passes_in_a_plain_letter(house: House) -> None:
    a_subscriber(house, cursor=0, form=Format.TEXT)
    code, link = "    https://two.example/?x=1&y=2", "[the figures of May](https://four.example/)"
    house.publish(text=f"See https://one.example/a\\_b or\n\n{code}\n\n`https://three.example/` and {link}.")
    issue_id, held = house.plan(intro="https://five.example/."), house.resources
    words = {("en", "footer"): "https://six.example/"}
    community = replace(held.config.community, controller=f"{'Us ' * 20}https://seven.example/", wordings=words)
    letters = Letters(community, held.links)
    composer = Composer(replace(held.config, community=community), held.database, held.links, letters)

    with house.database.reading() as session:
        issue = issues.get(session, issue_id)
        found = preflight.findings(session, letters, composer, issue, issue.created_at)

    assert preflight.stopping(issue, found) == []
