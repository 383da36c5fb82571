"""Our way out against mail servers that the world runs. Each passes on what it takes, so that we see what arrives."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from coalition.address import Address
from coalition.config import Security
from coalition.errors import RelayLost
from coalition.mail.replies import Outcome
from coalition.mail.signing import Signing
from coalition.mail.smtp import Answered, Envelope, Outgoing, SmtpClient
from tests.certificates import make_ca
from tests.cli.shell import free_ports
from tests.conftest import skip
from tests.mail.desk import Desk, a_digest
from tests.mail.offering import an_envelope, offer, send
from tests.mail.servers.kinds import KINDS, SIZE, Setup
from tests.mail.servers.private import Private, wait_for_greeting, why_not
from tests.mail.signatures import a_key, verifies
from tests.mail.words import Words
from tests.relay import CatchAll, Received

_STUCK = 60  # seconds
READERS = 200

# A server writes these above what it was given.
TRACE = re.compile(rb"(?:(?:Received|Return-Path|Delivered-To):.*\r\n(?:[ \t].*\r\n)*)*", re.IGNORECASE)

DOTS = (
    b"Subject: dots\r\nFrom: a@list.example.org\r\nTo: b@example.org\r\nDate: Thu, 12 Mar 2026 08:05:00 +0000\r\n"
    + (b"Message-ID: <dots@list.example.org>\r\n\r\n.\r\n..\r\n.first\r\n\r\n.\r\nMAIL FROM:<x@example.org>\r\n...\r\n")
)


@dataclass
class Running:
    """A server that runs, and where its letters arrive."""

    setup: Setup
    arrivals: CatchAll
    speaks_tls: bool
    signs_in: bool

    def arrived(self, count: int) -> list[Received]:
        """All that has come, without what the server wrote above it; waits for so many since the last time."""
        came = self.arrivals.wait_for(count)
        self.arrivals.received.clear()
        return [replace(each, data=each.data[len(found[0]) :]) for each in came if (found := TRACE.match(each.data))]


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One of each kind, for all tests of this file."""
    kind = KINDS[request.param]()
    if reason := why_not(kind.program):
        skip(reason)
    folder = tmp_path_factory.mktemp("server")
    (folder / "certificates").mkdir()
    port, tls_port = free_ports(2)
    with CatchAll() as arrivals:
        setup = Setup(port, tls_port, arrivals.port, make_ca(folder / "certificates", of_rsa=True))
        private = Private(folder)
        kind.start(private, setup)
        try:
            yield Running(setup, arrivals, kind.speaks_tls, kind.signs_in)
        finally:
            private.stop()


def digests(desk: Desk) -> list[Envelope]:
    """One for each reader, as the sender composes them."""
    composer, ready = a_digest(desk, Words(), topics=3)
    return [
        composer.compose(
            ready._replace(nonce=f"reader{number}of{READERS}", recipient=Address.parse(f"reader{number}@example.org"))
        )
        for number in range(READERS)
    ]


def give(out: Outgoing, envelopes: list[Envelope]) -> dict[int, Outcome]:
    """Offer all, as fast as they are taken; the outcome of each by its place."""
    came: list[Answered] = []
    waiting = list(enumerate(envelopes))
    while len(came) < len(envelopes):
        while waiting and out.room:
            out.offer(*waiting.pop(0))
        came += out.answers(_STUCK)
    assert len({each.ticket for each in came}) == len(came)
    return {each.ticket: each.outcome for each in came}


def assert_given_nothing(server: Running, security: Security) -> None:
    """A server whose TLS does not work gets no letter, and above all none in clear."""
    with pytest.raises(RelayLost, match="no safe connection"):
        offer(server.setup.relay(security))
    assert server.arrivals.received == []


@pytest.mark.parametrize("security", list(Security))
def test_digests_arrive_once_each_as_they_were_written(server: Running, desk: Desk, security: Security) -> None:
    envelopes = digests(desk)
    if not server.speaks_tls and security is not Security.PLAIN:
        assert_given_nothing(server, security)
        return
    with closing(SmtpClient(server.setup.relay(security), connections=4)) as client:
        outcomes = give(client, envelopes)

    assert set(outcomes.values()) == {Outcome.ACCEPTED}
    arrived = server.arrived(READERS)
    assert {each.recipient: each.data for each in arrived} == {each.recipient: each.message for each in envelopes}
    assert len(arrived) == READERS
    assert {each.sender for each in arrived} == {envelopes[0].sender}


def test_a_signature_of_ours_holds_behind_the_server(server: Running, desk: Desk) -> None:
    with closing(Signing(SmtpClient(server.setup.relay()), a_key(), 1)) as out:
        outcomes = give(out, digests(desk)[:10])

    assert set(outcomes.values()) == {Outcome.ACCEPTED}
    assert all(verifies(each.data) for each in server.arrived(10))


def test_a_refused_recipient_in_the_middle_costs_nobody_else_anything(server: Running) -> None:
    people = [f"reader{number}@example.org" for number in range(30)]
    people[7] = people[8] = people[20] = "nobody@example.org"
    envelopes = [an_envelope(each, DOTS.replace(b"b@", f"r{n}@".encode())) for n, each in enumerate(people)]
    with closing(SmtpClient(server.setup.relay(), connections=2)) as client:
        outcomes = give(client, envelopes)

    refused = {ticket for ticket, outcome in outcomes.items() if outcome is not Outcome.ACCEPTED}
    assert refused == {7, 8, 20}
    assert {outcomes[each] for each in refused} <= {Outcome.DEAD_ADDRESS, Outcome.REFUSED}
    arrived = server.arrived(27)
    assert {each.data for each in arrived} == {envelopes[n].message for n in range(30) if n not in refused}


def test_a_letter_beyond_the_servers_size_is_refused_and_the_next_one_goes(server: Running) -> None:
    large = an_envelope(message=DOTS + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (SIZE // 72))
    with closing(SmtpClient(server.setup.relay())) as client:
        refused, reply = send(client, large)
        taken, _ = send(client, an_envelope(message=DOTS))

    assert (refused, reply.code) == (Outcome.REFUSED, 552)
    assert taken is Outcome.ACCEPTED
    assert [each.data for each in server.arrived(1)] == [DOTS]


def test_lines_of_dots_arrive_as_they_were(server: Running) -> None:
    outcome, _ = offer(server.setup.relay(), an_envelope(message=DOTS))

    assert outcome is Outcome.ACCEPTED
    assert [each.data for each in server.arrived(1)] == [DOTS]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_that_we_do_not_trust_gets_nothing(server: Running, security: Security) -> None:
    with pytest.raises(RelayLost, match="certificate can't be trusted"):
        offer(replace(server.setup.relay(security), ca_file=None))

    assert server.arrivals.received == []


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_user_signs_in_over_tls(server: Running, security: Security) -> None:
    relay = server.setup.relay(security, signed_in=True)
    if not server.speaks_tls:
        assert_given_nothing(server, security)
        return
    if not server.signs_in:
        with pytest.raises(RelayLost, match="no sign-in"):
            offer(relay)
        return
    outcome, _ = offer(relay, an_envelope(message=DOTS))
    with pytest.raises(RelayLost, match="did not accept our user name and password"):
        offer(replace(relay, password="another"))

    assert outcome is Outcome.ACCEPTED
    assert len(server.arrived(1)) == 1


def test_nobody_signs_in_without_tls(server: Running) -> None:
    with pytest.raises(RelayLost, match="no sign-in"):
        offer(server.setup.relay(signed_in=True))


def test_a_connection_is_used_again_up_to_its_cap(server: Running) -> None:
    with closing(SmtpClient(server.setup.relay(), connections=1, most=4)) as client:
        outcomes = give(client, [an_envelope(message=DOTS)] * 10)

    assert set(outcomes.values()) == {Outcome.ACCEPTED}
    assert len(server.arrived(10)) == 10


def test_a_server_that_knows_only_login_is_signed_in_to(tmp_path: Path) -> None:
    kind = KINDS["Exim"]()
    if reason := why_not(kind.program):
        skip(reason)
    port, tls_port = free_ports(2)
    (tmp_path / "certificates").mkdir()
    with CatchAll() as arrivals:
        setup = Setup(port, tls_port, arrivals.port, make_ca(tmp_path / "certificates"), auth="LOGIN")
        private = Private(tmp_path)
        kind.start(private, setup)
        try:
            outcome, _ = offer(setup.relay(Security.STARTTLS, signed_in=True), an_envelope(message=DOTS))
            arrivals.wait_for(1)
        finally:
            private.stop()

    assert outcome is Outcome.ACCEPTED


def test_smtp_sink_takes_each_digest_once(tmp_path: Path, desk: Desk) -> None:
    sink = Path("/usr/sbin/smtp-sink")
    if not sink.exists():
        skip("smtp-sink is not there: see .ci/run")
    (port,) = free_ports(1)
    envelopes = digests(desk)
    tmp_path.chmod(0o777)  # it gives up being root
    process = subprocess.Popen(
        [sink, "-u", "nobody", "-R", str(tmp_path), "-d", "%M.", f"127.0.0.1:{port}", "100"], stderr=subprocess.PIPE
    )
    try:
        wait_for_greeting(port, process)
        with closing(SmtpClient(Setup(port, 0, 0, make_ca(tmp_path)).relay(), connections=4)) as client:
            outcomes = give(client, envelopes)
    finally:
        process.kill()
        process.communicate()

    assert set(outcomes.values()) == {Outcome.ACCEPTED}
    dumped = [each.read_bytes().replace(b"\r\n", b"\n") for each in tmp_path.iterdir() if each.suffix not in {".pem"}]
    assert len(dumped) == READERS
    for envelope in envelopes:
        text = envelope.message.replace(b"\r\n", b"\n")
        assert sum(each.rstrip(b"\n").endswith(text.rstrip(b"\n")) for each in dumped) == 1
