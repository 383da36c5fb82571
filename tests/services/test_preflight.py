"""The last look before an issue goes: at the bytes themselves, and at what nobody can let pass."""

import pytest

from coalition.errors import BadContent, Refused
from coalition.mail.digest import Copy
from coalition.mail.lint import Finding
from coalition.mail.smtp import Envelope
from coalition.models import Issue
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
