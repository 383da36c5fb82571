"""The header section of every kind of letter, read as raw bytes: standards F1-F11, F16-F19, F24."""

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses, parseaddr

import pytest
import time_machine

from coalition.address import Address
from coalition.languages import OWN_NAMES, language
from coalition.mail.message import Letter, Sender, build
from tests.mail.desk import (
    CODE,
    DIGESTS,
    KINDS,
    NONCE,
    UNSUBSCRIBE,
    WITH_HTML,
    WRITERS,
    WRITTEN,
    Desk,
    parse,
    raw_headers,
)
from tests.mail.words import EVERY, Words

SINGLE = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted")
RAW = ("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "List-Owner", "List-Post", "Message-ID")

every_letter = pytest.mark.parametrize(
    ("kind", "words"), [(kind, words) for kind in KINDS for words in EVERY], ids=lambda value: str(value)
)


@every_letter
def test_each_header_stands_once(kind: str, words: str, desk: Desk) -> None:
    names = [name for name, _ in raw_headers(desk.write(kind, EVERY[words]))]

    assert sorted(set(names)) == sorted(names)
    assert set(SINGLE) <= set(names)


@every_letter
def test_lines_end_in_crlf_and_are_short_ascii(kind: str, words: str, desk: Desk) -> None:
    wire = desk.write(kind, EVERY[words]).message

    assert wire.isascii()
    assert b"\0" not in wire
    assert wire.count(b"\r\n") == wire.count(b"\r") == wire.count(b"\n")
    assert wire.endswith(b"\r\n")
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998
    body = wire.partition(b"\r\n\r\n")[2]
    assert max(len(line) for line in body.split(b"\r\n")) <= 76


@every_letter
def test_header_lines_are_folded_where_they_may_be(kind: str, words: str, desk: Desk) -> None:
    head = desk.write(kind, EVERY[words]).message.partition(b"\r\n\r\n")[0].decode()

    lines = [line for line in head.split("\r\n") if not line.startswith(RAW)]
    assert [line for line in lines if len(line) > 78] == []
    assert [line for line in lines if not line.strip()] == []


@every_letter
def test_encoded_words_are_at_most_75_long_and_whole(kind: str, words: str, desk: Desk) -> None:
    head = desk.write(kind, EVERY[words]).message.partition(b"\r\n\r\n")[0].decode()

    for line in head.split("\r\n"):
        for encoded in re.findall(r"=\?[^?]*\?[bBqQ]\?[^?]*\?=", line):
            assert len(encoded) <= 75
            assert len(line) <= 76
            [(text, charset)] = decode_header(encoded)
            assert isinstance(text, bytes)
            assert text.decode(str(charset))  # fails where a character was split
    for name, value in raw_headers(desk.write(kind, EVERY[words])):
        assert name not in RAW or "=?" not in value


@every_letter
def test_names_stay_one_mailbox_and_the_subject_comes_back(kind: str, words: str, desk: Desk) -> None:
    envelope = desk.write(kind, EVERY[words])

    plain = message_from_bytes(envelope.message, policy=policy.compat32)
    for name in ("From", "Reply-To"):
        assert len(getaddresses([plain[name]])) == 1
        shown, address = parseaddr(plain[name])
        assert address == "hello@list.example.org"
        assert str(make_header(decode_header(shown))) == EVERY[words].community
    assert parseaddr(plain["To"]) == ("", "ada@example.org")
    if kind in DIGESTS:
        assert parse(envelope)["Subject"] == EVERY[words].subject.strip()


@pytest.mark.parametrize("kind", KINDS)
def test_the_message_id_comes_from_the_delivery_and_a_domain_of_ours(kind: str, desk: Desk) -> None:
    [found] = [value for name, value in raw_headers(desk.write(kind)) if name == "Message-ID"]

    assert found == f"<{NONCE}@list.example.org>"


@time_machine.travel(WRITTEN, tick=False)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_letter_composed_again_is_the_same_bytes(kind: str, desk: Desk) -> None:
    assert WRITERS[kind](desk, Words()).message == WRITERS[kind](desk, Words()).message


@pytest.mark.parametrize("words", EVERY)
@pytest.mark.parametrize("kind", DIGESTS)
def test_list_mail_says_how_to_leave_in_one_raw_line(kind: str, words: str, desk: Desk) -> None:
    envelope = desk.write(kind, EVERY[words])

    lines = envelope.message.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    where = UNSUBSCRIBE if kind != "digest_as_a_test" else UNSUBSCRIBE.replace(CODE, "sample" * 4 + "aa")
    assert [line for line in lines if line.startswith("List-Unsubscribe:")] == [f"List-Unsubscribe: <{where}>"]
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert len(f"<{where}>") <= 78


@pytest.mark.parametrize("words", EVERY)
@pytest.mark.parametrize("kind", DIGESTS)
def test_list_mail_names_its_list_and_its_people(kind: str, words: str, desk: Desk) -> None:
    headers = dict(raw_headers(desk.write(kind, EVERY[words])))

    assert re.fullmatch(r'("[^"\\=?]*" )?<news\.list\.example\.org>', headers["List-Id"])
    assert len(headers["List-Id"]) <= 255
    assert headers["List-Help"] == "<https://list.example.org/privacy>"
    assert headers["List-Owner"] == "<mailto:hello@list.example.org>"
    assert headers["List-Post"] == "NO"
    assert headers["Precedence"] == "bulk"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(DIGESTS)))
def test_a_letter_that_somebody_asked_for_is_not_list_mail(kind: str, desk: Desk) -> None:
    names = {name for name, _ in raw_headers(desk.write(kind))}

    assert not {name for name in names if name.startswith("List-")} | ({"Precedence", "Feedback-ID"} & names)


@pytest.mark.parametrize("kind", KINDS)
def test_no_machine_answers_a_letter(kind: str, desk: Desk) -> None:
    headers = dict(raw_headers(desk.write(kind)))

    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Auto-Response-Suppress"] == "All"


@pytest.mark.parametrize(
    ("locale", "spoken"), [*((code, code) for code in OWN_NAMES), ("de-AT", "de"), ("ar-EG", "ar"), ("tlh", "en")]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_says_which_language_it_speaks(kind: str, locale: str, spoken: str, desk: Desk) -> None:
    headers = dict(raw_headers(desk.write(kind, Words(locale=locale))))

    assert headers["Content-Language"] == spoken


@pytest.mark.parametrize("code", ["cy", "fr", "ar"])
def test_a_subject_beyond_ascii_is_encoded_and_comes_back(code: str, desk: Desk) -> None:
    envelope = desk.write("confirm", Words(community="Tŷ Cyfeillion", locale=code))

    assert dict(raw_headers(envelope))["Subject"].startswith("=?utf-8?")
    expected = language(code).gettext("Please confirm: news from %(community)s") % {"community": "Tŷ Cyfeillion"}
    assert parse(envelope)["Subject"] == expected


@pytest.mark.parametrize("words", EVERY)
@pytest.mark.parametrize("kind", WITH_HTML)
def test_text_comes_first_and_html_last_between_a_boundary_of_their_own(kind: str, words: str, desk: Desk) -> None:
    envelope = desk.write(kind, EVERY[words])
    message = parse(envelope)

    kinds = [each.get_content_type() for each in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    assert [each.get_content_charset() for each in message.iter_parts()] == ["utf-8", "utf-8"]
    assert [each["Content-Transfer-Encoding"] for each in message.iter_parts()] == ["quoted-printable"] * 2
    boundary = message.get_boundary()
    assert boundary == f"=_{NONCE}"
    assert envelope.message.count(f"--{boundary}".encode()) == 3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in WITH_HTML])
def test_whoever_wants_text_gets_text_alone(kind: str, desk: Desk) -> None:
    assert [each.get_content_type() for each in parse(desk.write(kind)).walk()] == ["text/plain"]


@pytest.mark.parametrize("length", range(60, 80))
def test_a_subject_begins_on_the_line_of_its_name(length: int, desk: Desk) -> None:
    subject = f"News: {'x' * (length - 20)} {'y' * 13}"

    head = desk.write("digest", Words(subject=subject)).message.partition(b"\r\n\r\n")[0].decode()

    assert f"\r\nSubject: News: {'x' * (length - 20)}" in head
    assert parse(desk.write("digest", Words(subject=subject)))["Subject"] == subject


def test_an_address_of_the_longest_kind_stays_whole_on_its_line() -> None:
    long = Address.parse("a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".org")

    wire = build(
        Letter("Hello", "Hello\n", None),
        sender=Sender("Coalition", long, long),
        recipient=long,
        message_id="1@example.org",
        dated=WRITTEN,
        locale="en",
        headers={},
    )

    message = message_from_bytes(wire, policy=policy.default)
    for name in ("From", "To", "Reply-To"):
        assert message[name].addresses[0].addr_spec == long.written
