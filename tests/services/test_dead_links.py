"""Asking the pages that an issue links to: each once, a few at a time, and nothing about anybody."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import current_thread

import pytest

from coalition.config import read_config
from coalition.mail.lint import Finding, ItemSource
from coalition.mail.lint.reading import Link, Written
from coalition.services import dead_links, networks
from coalition.services.fetching import Policy
from tests.services.fetching_policies import LOCAL, answering, never
from tests.services.page_server import PageServer

OWN = "list.example.org"


@pytest.fixture
def server() -> Iterator[PageServer]:
    """Pages on loopback: `there` is, `gone` is not."""
    with PageServer(there=200, gone=410) as made:
        yield made


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """What an installation on this machine asks under."""
    return replace(dead_links.policy_of(read_config({"COALITION_HOME": str(tmp_path)})), patience=30, deadline=30)


def links(*urls: str) -> Sequence[Link]:
    """An item that links to these, a line each."""
    text = "\n".join(f"[link {number}](<{url}>)" for number, url in enumerate(urls))
    return Written.read("", "", [ItemSource(7, "News", text)], "", 0).links()


def ask(policy: Policy, *urls: str) -> list[Finding]:
    return dead_links.findings(links(*urls), OWN, policy)


def test_a_page_that_is_there_is_not_told_of(server: PageServer, policy: Policy) -> None:
    assert ask(policy, server.url("/there")) == []
    assert server.lines == ["HEAD /there"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 500, 503])
def test_a_page_that_is_not_there_is_told_with_its_place_and_number(
    server: PageServer, policy: Policy, status: int
) -> None:
    server.statuses["/page"] = status

    [finding] = ask(policy, server.url("/there"), server.url("/page"))

    assert (finding.name, finding.where) == ("dead-link", "item 7 “News” line 2")
    assert server.url("/page") in finding.text
    assert f"answers {status}" in finding.text


@pytest.mark.parametrize("status", [200, 204, 206, 300, 304, 399])
def test_every_other_answer_is_a_page(server: PageServer, policy: Policy, status: int) -> None:
    server.statuses["/page"] = status

    assert ask(policy, server.url("/page")) == []


@pytest.mark.parametrize("status", [405, 501, 404, 403])
def test_a_server_that_misreads_head_is_asked_again_with_get(server: PageServer, policy: Policy, status: int) -> None:
    server.statuses |= {"HEAD /page": status, "GET /page": 200}

    assert ask(policy, server.url("/page")) == []
    assert server.lines == ["HEAD /page", "GET /page"]


def test_the_end_of_a_redirect_counts(server: PageServer, policy: Policy) -> None:
    server.statuses |= {"/moved?to=/there": 301, "/moved?to=/gone": 302, "/moved?to=": 302}

    found = ask(policy, *(server.url(f"/moved?to={to}") for to in ("/there", "/gone", "")))

    assert [each.where[-6:] for each in found] == ["line 2", "line 3"]
    assert "answers 410" in found[0].text
    assert "too often" in found[1].text


def test_a_server_that_says_nothing_is_left(server: PageServer, policy: Policy) -> None:
    server.statuses["/silent"] = 999

    [finding] = ask(replace(policy, patience=0.05), server.url("/silent"))

    assert finding.name == "dead-link"
    assert "takes too long" in finding.text


def test_a_server_that_is_not_there_gives_no_page(policy: Policy) -> None:
    with PageServer() as gone:
        url = gone.url("/")

    [finding] = ask(policy, url)

    assert "gives no page" in finding.text


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"])
def test_in_public_no_link_makes_us_knock_at_the_doors_at_home(
    server: PageServer, tmp_path: Path, address: str
) -> None:
    settings = {"COALITION_HOME": str(tmp_path), "COALITION_BASE_URL": "http://localhost:8000"}
    config = replace(read_config(settings), base_url="https://list.example.org")
    policy = replace(dead_links.policy_of(config), lookup=answering(address))

    [finding] = ask(policy, server.url("/there").replace("127.0.0.1", "pages.example.org"))

    assert policy.allows is networks.is_public
    assert "not on the public Internet" in finding.text
    assert address not in finding.text
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        f"https://{OWN}/archive",
        f"https://{OWN.upper()}/unsubscribe/abc",
        "https://example.org/?who=ada@example.org",
        "https://example.org/?who=ada%40example.org",
        "https://example.org/?ada@example.org",
        "https://example.org/letters/ada@example.org/7",
        "https://ada:secret@example.org/",
        "mailto:ada@example.org",
        "javascript:alert(1)",
        "/relative",
        "https://[::1/",
    ],
)
def test_nothing_about_a_person_is_asked_and_no_page_of_ours(url: str) -> None:
    assert ask(replace(LOCAL, lookup=never), url) == []


@pytest.mark.parametrize("path", ["/@handle", "/npm/name@1.2.3/", "/?at=@noon"])
def test_an_at_sign_alone_is_nobody(server: PageServer, policy: Policy, path: str) -> None:
    ask(policy, server.url(path))

    assert server.lines == [f"HEAD {path}", f"GET {path}"]


def test_a_request_says_who_asks_and_nothing_else(server: PageServer, policy: Policy) -> None:
    server.statuses["/there?a=1"] = 200

    ask(policy, server.url("/there?a=1#ada@example.org"))

    [(method, path, headers)] = server.asked
    assert (method, path) == ("HEAD", "/there?a=1")
    assert headers == {
        "Host": server.host,
        "User-Agent": policy.agent,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def test_each_page_is_asked_once_and_told_where_it_stands_first(server: PageServer, policy: Policy) -> None:
    found = ask(policy, *[server.url("/there"), server.url("/gone")] * 3)

    assert [each.where for each in found] == ["item 7 “News” line 2"]
    assert sorted(server.lines) == ["GET /gone", "HEAD /gone", "HEAD /there"]


def test_at_most_four_are_asked_at_once(server: PageServer, policy: Policy) -> None:
    urls = [server.url(f"/{number}") for number in range(40)]
    askers: set[str] = set()

    def look_up(host: str, _port: int) -> Sequence[str]:
        askers.add(current_thread().name)
        return [host]

    found = ask(replace(policy, lookup=look_up), *urls)

    assert [each.where.rpartition(" ")[2] for each in found] == [str(line) for line in range(1, 41)]
    assert 1 <= len(askers) <= 4


def test_what_is_not_asked_before_the_time_is_over_is_told_as_that(server: PageServer, policy: Policy) -> None:
    looks = count(step=20)  # a clock on which every look at it takes twenty seconds
    slow = replace(policy, clock=lambda: next(looks))

    found = ask(slow, *(server.url(f"/{number}") for number in range(20)))

    assert len(found) == 20
    assert {each.name for each in found} == {"dead-link", "unasked-link"}
    assert [each.name for each in found].count("unasked-link") >= 16
