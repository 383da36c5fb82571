"""The running mailbox: real SMTP in, a real page out, and a clean end."""

import gc
import http.client
import json
import smtplib
import socket
import threading
import urllib.request
import warnings
from collections.abc import Iterator

import pytest

from coalition.errors import Misconfigured
from coalition.mailbox.server import LARGEST_LETTER, Mailbox
from tests.mailbox.letters import a_letter


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox(page_port=0) as running:
        yield running


def test_a_letter_sent_over_smtp_is_on_the_page_at_once(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
        smtp.send_message(a_letter(subject="Grüße"))

    with urllib.request.urlopen(mailbox.page_url) as page:
        assert "Grüße" in page.read().decode()
    with urllib.request.urlopen(mailbox.page_url + "letters.json") as answer:
        assert json.load(answer)["letters"][0]["to"] == "ada@example.org"


def test_every_recipient_gets_a_letter_of_their_own(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
        smtp.sendmail("list@example.org", ["ada@example.org", "grace@example.net"], b"Subject: x\r\n\r\nx")

    assert {letter.recipient for letter in mailbox.store.letters()} == {
        "ada@example.org",
        "grace@example.net",
    }


def test_what_modern_mail_needs_is_announced(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
        smtp.ehlo()

        assert smtp.esmtp_features["size"] == str(LARGEST_LETTER)
        assert smtp.has_extn("8bitmime")
        assert smtp.has_extn("smtputf8")


def test_an_address_beyond_ascii_arrives_as_written(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
        smtp.sendmail("list@example.org", ["jürgen@exämple.org"], b"Subject: x\r\n\r\nx", mail_options=["SMTPUTF8"])

    assert mailbox.store.letters()[0].recipient == "jürgen@exämple.org"


def test_a_bounce_has_no_sender(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
        smtp.sendmail("", ["ada@example.org"], b"Subject: x\r\n\r\nx")

    assert mailbox.store.letters()[0].sender == ""


def test_bytes_arrive_as_they_were_sent(mailbox: Mailbox) -> None:
    raw = b"Subject: x\r\n\r\n.dot\r\n\xff\xfe\x00 junk\r\n" + b"a" * 900 + b"\r\n"

    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
        smtp.sendmail("list@example.org", ["ada@example.org"], raw)

    assert mailbox.store.letters()[0].raw == raw


def test_two_megabytes_arrive_and_are_shown(mailbox: Mailbox) -> None:
    text = "All work and no play.\n" * 100_000

    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
        smtp.send_message(a_letter(text=text, html=None))

    with urllib.request.urlopen(mailbox.page_url + "letters/1/text") as page:
        assert page.read().count(b"All work and no play.") == 100_000


def test_a_letter_over_the_limit_is_refused(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp, pytest.raises(smtplib.SMTPException):
        smtp.sendmail("list@example.org", ["ada@example.org"], b"x" * (LARGEST_LETTER + 1))

    assert mailbox.store.letters() == []


def test_a_mailbox_stops_and_starts_as_often_as_asked() -> None:
    mailbox = Mailbox(page_port=0)

    for _ in range(3):
        mailbox.start()
        mailbox.start()
        with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
            smtp.send_message(a_letter())
        mailbox.stop()
        mailbox.stop()

    assert len(mailbox.store.letters()) == 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", mailbox.smtp_port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", mailbox.page_port))


def test_a_stop_ends_open_conversations_and_leaves_nothing_behind() -> None:
    threads_before = threading.active_count()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        mailbox = Mailbox(page_port=0)
        mailbox.start()
        smtp = socket.create_connection(("127.0.0.1", mailbox.smtp_port))
        web = http.client.HTTPConnection("127.0.0.1", mailbox.page_port)
        web.request("GET", "/healthz")
        greeting, answer = smtp.recv(100), web.getresponse().read()

        mailbox.stop()

        ended = smtp.recv(100)
        smtp.close()
        web.close()
        del mailbox
        gc.collect()
    assert (greeting[:4], answer, ended) == (b"220 ", b"ok\n", b"")
    assert [str(warning.message) for warning in warned] == []
    assert threading.active_count() == threads_before


@pytest.mark.parametrize("which", ["page_port", "smtp_port"])
def test_a_taken_port_is_told_with_what_to_do_and_nothing_stays_open(which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        mailbox = Mailbox(**{"page_port": 0, which: port})

        with pytest.raises(Misconfigured, match=f"Port {port} on 127.0.0.1 is taken.*choose another"):
            mailbox.start()

    mailbox.start()
    mailbox.stop()
    assert getattr(mailbox, which) == port


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_a_mailbox_never_listens_beyond_this_machine(host: str) -> None:
    with pytest.raises(Misconfigured, match="this machine only"):
        Mailbox(host=host)
