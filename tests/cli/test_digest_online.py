"""`--online` on `coalition digest plan` and `send`: the pages that an issue links to are asked, and only then."""

from collections.abc import Iterator

import pytest

from tests.cli.shell import Shell
from tests.house import a_subscriber
from tests.services.page_server import PageServer


@pytest.fixture
def pages() -> Iterator[PageServer]:
    """A page that is there."""
    with PageServer(there=200) as made:
        yield made


@pytest.fixture
def linked(shell: Shell, pages: PageServer) -> Shell:
    """News with a link that leads somewhere, and one that does not."""
    shell.house.publish(text=f"[The figures]({pages.url('/there')}) and [a map]({pages.url('/gone')}).")
    a_subscriber(shell.house, cursor=0)
    return shell


def test_no_page_is_asked_unless_staff_say_so(linked: Shell, pages: PageServer) -> None:
    linked.run("digest", "plan", "weekly", "--explain")
    linked.run("digest", "send", "weekly", "--yes", "--no-wait")

    assert pages.asked == []


def test_online_a_dead_link_is_told_with_the_plan_and_keeps_it_from_leaving(linked: Shell, pages: PageServer) -> None:
    said = linked.run("digest", "plan", "weekly", "--online").out
    assert "stops it: item 1 “News” line 1: " in said
    assert "It can't be sent like this" in said
    assert f"“{pages.url('/gone')}” answers 404: open it and see. (dead-link)" in said

    refusal = linked.run("digest", "send", "weekly", "--yes", "--online", code=1).err
    assert "(dead-link)" in refusal
    assert linked.house.drain() == []

    allowed = ["--allow", "dead-link", "--because", "it opens on Monday"]
    linked.run("digest", "send", "weekly", "--yes", "--no-wait", "--online", *allowed)
    assert len(linked.house.drain()) == 1
    assert ("digest allow", "1: dead-link") in linked.audit()


def test_online_with_json_stays_json(linked: Shell) -> None:
    [facts] = linked.run("digest", "plan", "weekly", "--online", "--json").json

    assert [(each["name"], each["stops"]) for each in facts["findings"] if "link" in each["name"]] == [
        ("insecure-link", False),
        ("insecure-link", False),
        ("dead-link", True),
    ]
