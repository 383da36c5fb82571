"""Letters on their way through a real mail server: nothing changes, nobody else is named. Standards F26, F27, F29."""

import re
from dataclasses import replace

import pytest

from coalition.address import Address
from coalition.mail.replies import Outcome
from coalition.mail.return_paths import ReturnPaths
from coalition.mail.smtp import Envelope, SmtpClient
from tests.mail.desk import KINDS, NONCE, Desk
from tests.mail.offering import send
from tests.mail.words import EVERY
from tests.relay import CatchAll

DOTS = [
    b".",
    b"..",
    b".\r\n.",
    b"\r\n.\r\n",
    b"...\r\n..\r\n.",
    b"From here",
    b".From",
    b"a\r\n.\r\nQUIT\r\n",
    b"\t.",
    b".",
]


def test_every_letter_arrives_byte_for_byte(desk: Desk) -> None:
    letters = [desk.write(kind, words) for kind in KINDS for words in EVERY.values()]

    with CatchAll() as relay:
        client = SmtpClient(relay.relay)
        answers = [send(client, letter)[0] for letter in letters]
        client.close()

        assert set(answers) == {Outcome.ACCEPTED}
        assert [each.data for each in relay.received] == [letter.message for letter in letters]
        assert {each.recipient for each in relay.received} == {"ada@example.org"}
        assert not any(each.utf8 for each in relay.received)


@pytest.mark.parametrize("body", DOTS, ids=repr)
def test_lines_of_dots_arrive_as_they_were_written(body: bytes) -> None:
    message = b"Subject: dots\r\n\r\n" + body + b"\r\n"

    with CatchAll() as relay:
        client = SmtpClient(relay.relay)
        send(client, Envelope("hello@example.org", "ada@example.org", message))
        client.close()

        assert [each.data for each in relay.received] == [message]


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r.\r\n", b"\n.\n", b"\0", b"\xe9"], ids=repr)
def test_bytes_that_could_smuggle_another_letter_make_no_envelope(ending: bytes) -> None:
    with pytest.raises(ValueError, match="message"):
        Envelope("hello@example.org", "ada@example.org", b"Subject: x\r\n\r\na" + ending + b"b\r\n")


@pytest.mark.parametrize(
    "address", ["a b@example.org", "a>@example.org", "a\r\nRCPT TO:<b@example.org>", "<a@example.org"]
)
def test_an_address_that_would_break_its_command_makes_no_envelope(address: str) -> None:
    for sender, recipient in ((address, "ada@example.org"), ("ada@example.org", address)):
        with pytest.raises(ValueError, match="address"):
            Envelope(sender, recipient, b"Subject: x\r\n\r\nx\r\n")


def test_bounces_come_back_to_us_where_nobody_collects_them(desk: Desk) -> None:
    assert {desk.write(kind).sender for kind in KINDS} == {"hello@list.example.org"}


def test_each_delivery_has_a_return_path_of_its_own_where_bounces_are_collected(desk: Desk) -> None:
    config = desk.resources.config
    community = replace(config.community, bounce_domain="bounces.example.org")

    letter = desk.with_community(community).write("digest")

    [path] = ReturnPaths(desk.resources.tokens, community).read(letter.sender)
    assert path.nonce == NONCE
    assert len(letter.sender.partition("@")[0]) <= 64
    assert not re.search("ada|example.org@", letter.sender)
    assert Address.parse(letter.sender).written == letter.sender
