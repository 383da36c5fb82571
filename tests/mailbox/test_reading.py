"""Whatever bytes come, there is something to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coalition.mailbox.store import Letter, Store

HOSTILE = {
    "nothing": b"",
    "junk": bytes(range(256)) * 20,
    "bad encoded word": b"Subject: =?utf-8?b?####?= =?nope?q?=ff?=\r\n\r\nx",
    "raw 8-bit subject": b"Subject: Gr\xfc\xdfe\r\n\r\nGr\xfc\xdfe",
    "unknown charset": b"Content-Type: text/plain; charset=klingon\r\n\r\nheghlu'meH",
    "charset that is no text": b"Content-Type: text/plain; charset=base64\r\n\r\n\xff",
    "charset that makes surrogates": b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-",
    "boundary never seen": b"Content-Type: multipart/alternative; boundary=a\r\n\r\nno parts",
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\n--\r\n",
    "broken base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nabc!=\xff",
    "unbalanced addresses": b'To: "<(@,;:\r\nFrom: <<<@>\r\nContent-Type: ;;;=\r\n\r\n',
    "a message in itself": b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n",
    "nested deeply": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" * 40,
}


def everything(letter: Letter) -> str:
    """All that the page shows, as it would go over the wire."""
    shown = [letter.subject, letter.from_, letter.to, letter.text or "", letter.html or "", letter.source]
    whole = "".join(shown + [part for header in letter.headers for part in header])
    return whole.encode().decode()


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_letter_can_be_read_whatever_it_does(raw: bytes) -> None:
    letter = Store().keep("", "ada@example.org", raw)

    assert letter.source in everything(letter)


@given(
    raw=st.builds(
        lambda name, value, body: name + b": " + value + b"\r\n\r\n" + body,
        st.sampled_from([b"Subject", b"From", b"To", b"Content-Type", b"Content-Disposition", b"Message-ID"]),
        st.binary() | st.text(alphabet='=?<>@,;:"()\\ []ab/\u00e9', max_size=40).map(str.encode),
        st.binary(),
    )
)
def test_no_header_that_chance_finds_stops_the_reading(raw: bytes) -> None:
    letter = Store().keep("", "ada@example.org", raw)

    assert letter.source in everything(letter)


def test_bytes_that_are_no_text_are_written_out_in_the_source() -> None:
    assert Store().keep("", "ada@example.org", b"caf\xe9\r\n").source == "caf\\xe9\n"


def test_a_text_in_a_charset_nobody_knows_is_still_shown() -> None:
    raw = b"Content-Type: text/plain; charset=klingon\r\n\r\nstill here"

    assert Store().keep("", "ada@example.org", raw).text == "still here"


def test_the_first_of_two_subjects_is_the_subject() -> None:
    assert Store().keep("", "a@example.org", b"Subject: one\r\nSubject: two\r\n\r\n").subject == "one"
