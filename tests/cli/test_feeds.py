"""`coalition feed`, as staff type it."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from coalition.cli.feeds import feed
from coalition.models import Audit
from tests.house import House
from tests.services.feed_server import Answer, FeedServer, entry


@pytest.fixture
def server() -> Iterator[FeedServer]:
    """A server on loopback."""
    with FeedServer() as made:
        yield made


@pytest.fixture
def run(house: House) -> "Run":
    """The command, in this house."""
    return Run(house)


class Run:
    def __init__(self, house: House) -> None:
        self._environment = {
            "COALITION_HOME": str(house.config.home),
            "COALITION_DATABASE_URL": house.config.database_url,
            "COALITION_BASE_URL": house.config.base_url,
        }

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(feed, arguments, env=self._environment)


def test_a_feed_is_added_fetched_listed_and_removed(house: House, server: FeedServer, run: Run) -> None:
    url = server.serve(entry("1", "Rents"))

    added = run("add", url, "--topic", "housing")
    fetched = run("fetch", "1")
    listed = run("list")
    removed = run("remove", "1")

    assert "Feed 1 is added" in added.stdout
    assert fetched.stdout == "Feed 1: 1 new, 0 known\n"
    heads, _, line = listed.stdout.splitlines()
    assert heads.split() == ["id", "topic", "state", "fetched", "next", "failures", "url", "last", "error"]
    assert line.split()[:3] == ["1", "housing", "fine"]
    assert url in line
    assert removed.stdout == f"Feed 1, {url}, is removed. Its items stay: coalition item list\n"
    with house.database.reading() as session:
        done = [(row.action, row.subject) for row in session.scalars(select(Audit).order_by(Audit.id))]
    assert done == [("feed add", "1"), ("feed fetch", "1"), ("feed remove", "1")]


def test_a_feed_that_has_not_changed_is_told_as_one(server: FeedServer, run: Run) -> None:
    run("add", server.serve(entry("1"), headers={"ETag": '"1"'}), "--topic", "housing")
    run("fetch", "1")
    server.answers["/feed"] = Answer(status=304)

    assert run("fetch", "1").stdout == "Feed 1: nothing has changed since the last time\n"


def test_no_feeds_yet_is_said_with_what_to_do(run: Run) -> None:
    assert run("list").stdout == "There are no feeds yet: coalition feed add URL --topic SLUG\n"
    assert run("list", "--json").stdout == "[]\n"
    assert run("fetch").stdout == "No feed is due. To ask one now: coalition feed fetch ID\n"


def test_all_that_are_due_are_fetched_and_those_that_fail_are_told_apart(server: FeedServer, run: Run) -> None:
    run("add", server.url("/missing"), "--topic", "housing")
    run("add", server.serve(entry("1"), entry("2", "", "")), "--topic", "events")

    fetched = run("fetch")

    assert fetched.exit_code == 0
    assert fetched.stdout == "Feed 2: 1 new, 0 known, 1 without title or identity\n"
    assert fetched.stderr == "Feed 1: The server answered 404 instead of a feed.\n"


def test_the_one_feed_asked_for_that_fails_fails_the_command(server: FeedServer, run: Run) -> None:
    server.answers["/feed"] = Answer(status=410)
    run("add", server.url(), "--topic", "housing")

    fetched = run("fetch", "1")

    assert fetched.exit_code == 1
    assert fetched.stderr == "Feed 1: The feed is over: its server says that it is gone for good.\n"
    (row,) = json.loads(run("list", "--json").stdout)
    assert (row["state"], row["next"], row["failures"]) == ("over", None, 0)


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (["add", "ftp://feeds.example.org/", "--topic", "housing"], "begins with https:// or http://"),
        (["add", "https://feeds.example.org/", "--topic", "gardens"], "no such topic"),
        (["fetch", "7"], "There is no feed 7"),
        (["remove", "7"], "There is no feed 7"),
    ],
)
def test_what_can_t_be_done_is_one_sentence(run: Run, arguments: list[str], because: str) -> None:
    answer = run(*arguments)

    assert answer.exit_code == 1
    assert because in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["add", "list", "fetch", "remove"])
def test_every_command_shows_an_example(command: str) -> None:
    assert f"Example: coalition feed {command}" in CliRunner().invoke(feed, [command, "--help"]).stdout
