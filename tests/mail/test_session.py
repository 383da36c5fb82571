"""Who the mail server is, and who we are to it: TLS and signing in."""

import ssl
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from coalition.config import Relay, Security
from coalition.errors import Misconfigured, RelayLost
from coalition.mail.replies import Outcome
from coalition.mail.session import tls_context
from coalition.mail.smtp import SmtpClient
from tests.mail.offering import offer
from tests.relay import Action, CatchAll, CertFiles, Scripted, make_ca

SAFE = [Security.STARTTLS, Security.TLS]
LOGIN = ("ada", "pässword with spaces")


@pytest.fixture
def certificates(tmp_path: Path) -> CertFiles:
    return make_ca(tmp_path)


@pytest.mark.parametrize("security", SAFE)
def test_a_letter_travels_by_tls(security: Security, certificates: CertFiles) -> None:
    with CatchAll(security, certificates=certificates) as server:
        outcome, _ = offer(server.relay)

    assert outcome is Outcome.ACCEPTED
    assert [letter.tls for letter in server.received] == [True]


def test_a_letter_travels_in_clear_only_where_that_was_chosen() -> None:
    with CatchAll() as server:
        offer(server.relay)

    assert [letter.tls for letter in server.received] == [False]


@pytest.mark.parametrize("security", SAFE)
def test_a_certificate_nobody_vouches_for_is_refused(security: Security, certificates: CertFiles) -> None:
    with (
        CatchAll(security, certificates=certificates) as server,
        pytest.raises(RelayLost, match="certificate can't be trusted"),
    ):
        offer(replace(server.relay, ca_file=None))

    assert server.received == []


@pytest.mark.parametrize("security", SAFE)
def test_a_certificate_for_another_name_is_refused(security: Security, tmp_path: Path) -> None:
    certificates = make_ca(tmp_path, ["mail.example.org"])

    with (
        CatchAll(security, certificates=certificates) as server,
        pytest.raises(RelayLost, match="certificate can't be trusted"),
    ):
        offer(server.relay)

    assert server.received == []


@pytest.mark.parametrize("security", SAFE)
def test_an_expired_certificate_is_refused(security: Security, tmp_path: Path) -> None:
    with (
        CatchAll(security, certificates=make_ca(tmp_path, expired=True)) as server,
        pytest.raises(RelayLost, match="expired"),
    ):
        offer(server.relay)

    assert server.received == []


def test_a_server_that_hides_starttls_is_given_nothing() -> None:
    with Scripted(offers=["AUTH PLAIN"]) as server:
        relay = replace(server.relay, security=Security.STARTTLS, user="ada", password="secret")
        with pytest.raises(RelayLost, match="does not offer STARTTLS"):
            offer(relay)

    assert server.heard == ["EHLO lists.example.org"]


@pytest.mark.parametrize("answer", ["454 4.7.0 not now", Action.CLOSE, "220 go on, in clear"])
def test_a_server_that_fails_at_starttls_is_given_nothing(answer: Action | str) -> None:
    with Scripted({"STARTTLS": answer}, offers=["STARTTLS"]) as server, pytest.raises(RelayLost):
        offer(replace(server.relay, security=Security.STARTTLS))

    assert server.heard[:2] == ["EHLO lists.example.org", "STARTTLS"]
    assert server.messages == []


def test_a_server_that_speaks_no_tls_is_given_nothing() -> None:
    with Scripted() as server, pytest.raises(RelayLost, match="no safe connection"):
        offer(replace(server.relay, security=Security.TLS))

    assert server.messages == []


def test_no_tls_below_1_2_is_spoken() -> None:
    context = tls_context(Relay(Security.TLS, "mail.example.org", 465))

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_an_authority_that_can_t_be_read_is_told_at_start(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()

    for ca_file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(Misconfigured):
            SmtpClient(Relay(Security.TLS, "mail.example.org", 465, ca_file=ca_file))


@pytest.mark.parametrize("security", SAFE)
def test_a_user_signs_in_over_tls(security: Security, certificates: CertFiles) -> None:
    with CatchAll(security, certificates=certificates, login=LOGIN) as server:
        outcome, _ = offer(server.relay)

    assert outcome is Outcome.ACCEPTED
    assert len(server.received) == 1


def test_a_wrong_password_is_no_attempt(certificates: CertFiles) -> None:
    with (
        CatchAll(Security.TLS, certificates=certificates, login=LOGIN) as server,
        pytest.raises(RelayLost, match="user name and password") as caught,
    ):
        offer(replace(server.relay, password="another"))

    assert server.received == []
    assert "another" not in str(caught.value)


def test_a_password_may_travel_in_clear_on_this_machine_only() -> None:
    with CatchAll(login=LOGIN) as server:
        outcome, _ = offer(server.relay)

    assert outcome is Outcome.ACCEPTED
    with pytest.raises(Misconfigured):
        SmtpClient(Relay(Security.PLAIN, "mail.example.org", 25, user="ada", password="secret"))


def test_a_server_that_knows_only_login_is_signed_in_to() -> None:
    answers = {
        "AUTH LOGIN": "334 VXNlcm5hbWU6",
        b64encode(b"ada").decode(): "334 UGFzc3dvcmQ6",
        b64encode("pässword".encode()).decode(): "235 2.7.0 welcome",
    }
    with Scripted(answers.get, offers=["AUTH CRAM-MD5 LOGIN"]) as server:
        outcome, _ = offer(replace(server.relay, user="ada", password="pässword"))

    assert outcome is Outcome.ACCEPTED
    assert server.heard[1:4] == list(answers)


def test_a_server_without_a_sign_in_that_we_know_is_lost() -> None:
    with Scripted(offers=["AUTH CRAM-MD5"]) as server, pytest.raises(RelayLost, match="no sign-in"):
        offer(replace(server.relay, user="ada", password="secret"))


def test_the_reason_of_a_refused_session_is_told() -> None:
    with (
        Scripted({"GREETING": "554 5.7.1 <ada@example.org> may not come in"}) as server,
        pytest.raises(RelayLost, match=r"it said 554 \[address\] may not come in"),
    ):
        offer(server.relay)
