"""The lint reads a message back from its bytes: headers, parts, and the letter in them."""

import quopri

import pytest

from coalition.mail.lint import lint_letter, lint_message
from coalition.mail.message import Letter
from tests.mail.desk import Desk
from tests.mail.linting import names
from tests.mail.test_lint_letter import ADDRESS, BASE, WRITTEN

ALLOWED = frozenset({WRITTEN})


def about(message: bytes) -> list[str]:
    return names(lint_message(message, ADDRESS, BASE, ALLOWED))


@pytest.mark.parametrize("kind", ["digest", "digest_as_text", "digest_long", "digest_as_a_test"])
def test_no_digest_asks_for_a_receipt_or_carries_anything_but_text(kind: str, desk: Desk) -> None:
    found = about(desk.write(kind).message)

    assert not {"read-receipt", "foreign-part", "remote-load", "active-element"} & set(found)


@pytest.mark.parametrize(
    "header", ["Disposition-Notification-To", "return-receipt-to", "X-Confirm-Reading-To", "X-PMRQC"]
)
def test_a_header_that_asks_for_a_receipt_is_found(header: str, desk: Desk) -> None:
    message = f"{header}: <us@example.org>\r\n".encode() + desk.write("digest").message

    assert "read-receipt" in about(message)


def test_a_part_that_is_no_text_is_found(desk: Desk) -> None:
    message = desk.write("digest").message.replace(b"Content-Type: text/plain", b"Content-Type: image/png", 1)

    assert "foreign-part" in about(message)


def test_an_image_is_found_however_its_line_was_broken_on_the_wire(desk: Desk) -> None:
    image = b'<img alt=3D"" src=3D"https://else=\r\nwhere.example/x.png">'
    message = desk.write("digest").message.replace(b"</h1>", b"</h1>" + image, 1)

    assert "remote-load" in about(message)


def test_what_is_read_back_is_what_was_written() -> None:
    text = "Wörter, die so lang sind, daß ihre Zeile unterwegs gebrochen werden muß, und ein = dazu.\n\n  Dear ,\n"
    head = "MIME-Version: 1.0\r\nSubject: =?utf-8?q?N=C3=A4chste_Woche?=\r\nContent-Type: text/plain; charset=utf-8\r\n"
    encoded = quopri.encodestring(text.encode()).replace(b"\n", b"\r\n")
    message = head.encode() + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded

    found = lint_message(message, ADDRESS, BASE, ALLOWED)

    assert found == lint_letter(Letter("Nächste Woche", text, None), ADDRESS, BASE, ALLOWED)
    assert "leftover" in names(found)
