"""What nobody can let pass: `/privacy/proof` says so."""

import pytest

from coalition.errors import BadContent, Refused
from coalition.mail.lint import Finding
from coalition.models import Issue
from coalition.services import preflight


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
