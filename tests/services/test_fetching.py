"""Fetching: what is allowed works, and everything else ends in a sentence before anything is sent."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from coalition.config import read_config
from coalition.services import networks
from coalition.services.fetching import FetchFailed, Policy, policy_of
from tests.certificates import make_ca
from tests.services.feed_server import Answer, FeedServer
from tests.services.fetching_policies import LOCAL, PRODUCTION, answering, get, never

FORBIDDEN = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1
192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255
:: ::1 ::7f00:1 ::808:808 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe ::ffff:0:127.0.0.1 100::1 64:ff9b::7f00:1
64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::808:808 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::
2002:a00:1:: 2002:a9fe:a9fe::1 2002:c0a8:1::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd20:ce::254 fe80::1
fe80::1%1 fec0::1 ff02::1 ff0e::1
"""
PUBLIC = """
1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.167.255.255 223.255.255.255
2606:4700::1 2a00:1450::1 2001:4860::8888 ::ffff:1.1.1.1 64:ff9b::101:101 2002:101:101::1
"""
NUMERIC = """
127.0.0.1 127.1 2130706433 0x7f000001 0x7F.1 0177.0.0.1 017700000001 127.0.0.1. 0x7f.0x0.0x0.0x1 1.1.1.1 [::1]
[::ffff:127.0.0.1] [fe80::1%25eth0] 0 0x 127.0.0.0x1 feeds.example.1 \uff11\uff12\uff17.\uff10.\uff10.\uff11
\u2460\u2461\u2466.\u24ea.\u24ea.\u2460
"""


@pytest.fixture
def server() -> Iterator[FeedServer]:
    """A server on loopback."""
    with FeedServer() as made:
        yield made


@pytest.mark.parametrize("address", FORBIDDEN.split())
def test_an_address_outside_of_the_public_internet_is_never_connected_to(address: str) -> None:
    policy = replace(PRODUCTION, lookup=answering(address))

    with pytest.raises(FetchFailed, match="not on the public Internet") as failed:
        get("https://feeds.example.org/", policy)

    assert address not in str(failed.value)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_one_whatever_stands_next_to_it(address: str) -> None:
    assert networks.is_public(ip_address(address))


@pytest.mark.parametrize("host", NUMERIC.split())
def test_a_host_that_is_a_number_in_any_spelling_is_refused_before_it_is_looked_up(host: str) -> None:
    with pytest.raises(FetchFailed, match="by its number"):
        get(f"https://{host}/", replace(PRODUCTION, lookup=never))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "017700000001", "[::1]", "localhost"])
def test_a_spelling_of_loopback_is_refused_by_what_it_leads_to_as_well(server: FeedServer, host: str) -> None:
    with pytest.raises(FetchFailed, match="not on the public Internet"):
        get(server.url(host=host), replace(LOCAL, allows=networks.is_public))

    assert server.asked == []


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("http://feeds.example.org/", "begins with https://"),
        ("ftp://feeds.example.org/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("/etc/passwd", "begins with https://"),
        ("javascript:alert(1)", "begins with https://"),
        ("https://ada:secret@feeds.example.org/", "name or password"),
        ("https://feeds.example.org\\@127.0.0.1/", "name or password"),
        ("https://@feeds.example.org/", "name or password"),
        ("https://feeds.example.org:8443/", "a port of its own"),
        ("https://feeds.example.org:22/", "a port of its own"),
        ("https://feeds.example.org:99999/", "not the address"),
        ("https://", "not the address"),
        ("https://feeds..example.org/", "not the address"),
        ("https://feeds.example.org%2f@/", "name or password"),
        ("https://fee ds.example.org/", "not the address"),
        ("https://[::1/", "not the address"),
        ("https://feeds.example.org/" + "a" * 2_000, "not the address"),
    ],
)
def test_an_address_that_could_mean_something_else_is_refused(url: str, because: str) -> None:
    with pytest.raises(FetchFailed, match=because):
        get(url, replace(PRODUCTION, lookup=never))


def test_one_forbidden_address_among_several_refuses_them_all(server: FeedServer) -> None:
    policy = replace(LOCAL, lookup=answering("127.0.0.1", "10.0.0.1"))

    with pytest.raises(FetchFailed, match="not on the public Internet"):
        get(server.url(host="feeds.example.org"), policy)

    assert server.asked == []


def test_a_name_is_looked_up_once_so_that_a_second_answer_changes_nothing(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(b"news")
    answers = iter([["127.0.0.1"]])

    fetched = get(server.url(host="feeds.example.org"), replace(LOCAL, lookup=lambda _host, _port: next(answers)))

    assert fetched.body == b"news"
    assert server.asked[0][1]["Host"] == f"feeds.example.org:{server.port}"


def test_a_name_that_means_another_machine_after_a_redirect_is_checked_anew(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(status=302, headers={"Location": "/other"})
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])

    with pytest.raises(FetchFailed, match="not on the public Internet"):
        get(server.url(host="feeds.example.org"), replace(LOCAL, lookup=lambda _host, _port: next(answers)))

    assert [path for path, _ in server.asked] == ["/feed"]


def test_the_next_address_is_tried_where_one_is_out_of_order(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(b"news")
    policy = replace(LOCAL, lookup=answering("::1", "127.0.0.1"))

    assert get(server.url(host="feeds.example.org"), policy).body == b"news"


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[FeedServer, Policy]]:
    """A server that has a certificate for feeds.example.org, and a policy that trusts who signed it."""
    certificate = make_ca(tmp_path, ["feeds.example.org"])
    with FeedServer(certificate.server_context()) as made:
        yield (
            made,
            replace(
                LOCAL,
                schemes=frozenset({"https"}),
                lookup=answering("127.0.0.1"),
                tls=lambda: ssl.create_default_context(cafile=certificate.ca),
            ),
        )


def test_a_certificate_for_the_name_is_accepted_at_the_address_that_was_checked(
    secure: tuple[FeedServer, Policy],
) -> None:
    server, policy = secure
    server.answers["/feed"] = Answer(b"news")

    assert get(f"https://FEEDS.example.org.:{server.port}/feed", policy).body == b"news"


def test_a_certificate_for_another_name_is_not(secure: tuple[FeedServer, Policy]) -> None:
    server, policy = secure

    with pytest.raises(FetchFailed, match="no valid certificate"):
        get(f"https://other.example.org:{server.port}/feed", policy)


def test_a_certificate_signed_by_nobody_known_is_not(secure: tuple[FeedServer, Policy]) -> None:
    server, policy = secure

    with pytest.raises(FetchFailed, match="no valid certificate"):
        get(f"https://feeds.example.org:{server.port}/feed", replace(policy, tls=ssl.create_default_context))


def test_https_never_leads_on_to_http_even_where_http_is_allowed(secure: tuple[FeedServer, Policy]) -> None:
    server, policy = secure
    server.answers["/feed"] = Answer(status=302, headers={"Location": "http://feeds.example.org/"})

    with pytest.raises(FetchFailed, match="from https to http"):
        get(f"https://feeds.example.org:{server.port}/feed", replace(policy, schemes=LOCAL.schemes))


def test_only_an_installation_for_this_machine_may_fetch_from_it(tmp_path: Path) -> None:
    local = read_config({"COALITION_HOME": str(tmp_path), "COALITION_BASE_URL": "http://localhost:8000"})
    public = replace(local, base_url="https://list.example.org")

    assert policy_of(public) == PRODUCTION
    assert policy_of(local).allows(ip_address("127.0.0.1"))
    assert not policy_of(local).allows(ip_address("169.254.169.254"))
