"""Our signatures, as dkimpy sees them: a program of others, which reads the standard with its own eyes."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.languages import OWN_NAMES
from coalition.mail.envelope import Envelope
from coalition.mail.signature import COVERED
from tests.mail.desk import KINDS, Desk
from tests.mail.signatures import a_key, signed, verifies, write
from tests.mail.words import Words

LETTERS = [f"{kind} {code}" for code in OWN_NAMES for kind in KINDS]
DIGEST = "digest_long en"
HEAD = b"From: a@list.example.org\r\nDate: Thu, 12 Mar 2026 08:05:00 +0000\r\n"


def tags(message: bytes) -> dict[str, str]:
    """The parts of the signature."""
    value = re.split(rb"\r\n(?![ \t])", message, maxsplit=1)[0].partition(b":")[2].decode("ascii")
    parts = (part.partition("=") for part in value.split(";"))
    return {name.strip(): "".join(text.split()) for name, _, text in parts}


@pytest.mark.parametrize("letter", LETTERS)
def test_the_signature_of_every_letter_holds(letter: str, desk: Desk) -> None:
    assert verifies(write(desk, letter).message)


@pytest.mark.parametrize("letter", [DIGEST, "confirm ar"])
@pytest.mark.parametrize("name", COVERED)
def test_a_header_added_on_the_way_breaks_the_signature(letter: str, name: str, desk: Desk) -> None:
    message = write(desk, letter).message
    head, blank, body = message.partition(b"\r\n\r\n")
    added = f"{name}: x@example.org".encode()

    assert not verifies(added + b"\r\n" + message)
    assert not verifies(head + b"\r\n" + added + blank + body)


@pytest.mark.parametrize("name", ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"])
@pytest.mark.parametrize("letter", [DIGEST, "welcome_as_text de"])
def test_a_header_changed_or_taken_away_breaks_the_signature(letter: str, name: str, desk: Desk) -> None:
    message = write(desk, letter).message
    field = re.compile(rf"^{name}: .*\r\n([ \t].*\r\n)*".encode(), re.MULTILINE)
    without = field.sub(b"", message, count=1)

    assert without != message
    assert not verifies(without)
    assert not verifies(message.replace(f"\r\n{name}: ".encode(), f"\r\n{name}: x".encode(), 1))


@pytest.mark.parametrize("letter", [each for each in LETTERS if each.startswith("digest ")])
def test_z12_changing_or_doubling_a_header_of_one_click_breaks_the_signature(letter: str, desk: Desk) -> None:
    message = write(desk, letter).message

    for name, value in ((b"List-Unsubscribe", b"<https://"), (b"List-Unsubscribe-Post", b"List-Unsubscribe=")):
        start = b"\r\n" + name + b": " + value
        assert message.count(start) == 1
        assert not verifies(message.replace(start, start + b"x"))
        assert not verifies(name + b": " + value + b"x>\r\n" + message)
        assert not verifies(message.replace(b"\r\n" + name + b":", b"\r\nX-" + name + b":"))


@pytest.mark.parametrize("change", [b"Hello", b"\r\n", b"x\r\n"])
def test_a_body_made_longer_breaks_the_signature_unless_only_by_line_ends(change: bytes, desk: Desk) -> None:
    message = write(desk, DIGEST).message

    assert verifies(message + change) is (change == b"\r\n")
    assert "l" not in tags(message)


def test_a_mail_server_may_fold_headers_anew(desk: Desk) -> None:
    message = write(desk, DIGEST).message
    folded = message.replace(b"\r\nSubject: ", b"\r\nSUBJECT:\r\n\t ").replace(b"\r\n h=", b"\r\n\t  h=")

    assert folded != message
    assert verifies(folded)


def test_it_is_made_as_the_standards_ask(desk: Desk) -> None:
    message = write(desk, DIGEST).message
    found = tags(message)

    assert (found["v"], found["a"], found["c"]) == ("1", "rsa-sha256", "relaxed/simple")
    assert (found["d"], found["s"], found["t"]) == ("list.example.org", "s1", "1773302700")
    head = message.partition(b"\r\n\r\n")[0].lower()
    for name in COVERED:
        stands = head.count(f"\r\n{name}:".encode())
        assert found["h"].split(":").count(name) == stands + 1
    assert all(len(line) <= 78 for line in message.partition(b"\r\nFrom:")[0].split(b"\r\n"))


@pytest.mark.parametrize("letter", [DIGEST, "confirm en"])
def test_a_letter_gets_the_same_signature_again_and_is_otherwise_untouched(letter: str, desk: Desk) -> None:
    kind, code = letter.split()
    before = desk.write(kind, Words(locale=code))
    once = signed(before)

    assert once.wire == write(desk, letter).wire
    assert once.wire.endswith(before.wire)
    assert once.size == len(once.message) == before.size + len(once.wire) - len(before.wire)
    assert (once.sender, once.recipient) == (before.sender, before.recipient)


LINES = st.lists(st.sampled_from([b"", b".", b"..", b"text", b" ", b"\t", b"two  words ", b"=20"]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_any_body_is_covered_to_its_end(lines: list[bytes]) -> None:
    body = b"".join(line + b"\r\n" for line in lines)
    message = signed(Envelope("a@example.org", "b@example.org", HEAD + b"\r\n" + body)).message

    assert verifies(message)
    assert not verifies(message + b"x\r\n")


WORDS = st.lists(st.sampled_from(["a", ":", "=", ";", '"', "=?utf-8?q?x?="]), min_size=1, max_size=6)
SPACES = st.sampled_from([" ", "  ", "\t", "\r\n ", "\r\n\t "])


@settings(max_examples=60, deadline=None)
@given(WORDS, SPACES)
def test_any_header_is_covered_however_it_is_folded(words: list[str], space: str) -> None:
    head = HEAD + f"Subject: x{space.join(words)}\r\n".encode()
    message = signed(Envelope("a@example.org", "b@example.org", head + b"\r\nHi\r\n")).message

    assert verifies(message)
    assert not verifies(message.replace(b"Subject: x", b"Subject: y"))


def test_a_private_key_shows_in_no_log() -> None:
    assert "private" not in repr(a_key()).lower()
