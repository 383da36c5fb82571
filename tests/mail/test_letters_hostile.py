"""Whatever is written is refused in words for staff, or arrives as it was written. Standards F6, F7, H13; CWE-93."""

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from html import unescape

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from coalition.address import Address
from coalition.errors import BadContent
from coalition.mail import markdown
from coalition.mail.digest import has_marker
from coalition.mail.message import Letter, Sender, build, has_control
from coalition.services import drafts
from tests.mail.desk import WRITTEN, Desk, parse, part
from tests.mail.reading import words_of
from tests.mail.words import Words

STRANGE = [chr(code) for code in (0, 9, 10, 11, 12, 13, 28, 29, 30, 31, 127, 0x85, 0x2028, 0x2029, 0xD800, 0xDFFF)]
OURS = Address.parse("hello@example.org")
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("mark", STRANGE, ids=lambda mark: f"U+{ord(mark):04X}")
def test_a_header_with_a_control_character_is_never_built(mark: str) -> None:
    for subject, name in ((f"a{mark}Bcc: x@example.org", "us"), ("hello", f"us{mark}Bcc: x@example.org")):
        with pytest.raises(ValueError, match="no place"):
            _build(subject=subject, name=name)


@pytest.mark.parametrize("name", ["List-Id", "List-Unsubscribe", "List-Help", "Precedence", "X-Any"])
@pytest.mark.parametrize("mark", STRANGE, ids=lambda mark: f"U+{ord(mark):04X}")
def test_an_extra_header_with_a_control_character_is_never_built(name: str, mark: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        _build(headers={name: f"<a{mark}b>"})


@pytest.mark.parametrize("name", ["List-Id", "List-Unsubscribe", "Feedback-ID", "Message-ID"])
def test_a_header_of_identifiers_is_written_as_it_is_or_not_at_all(name: str) -> None:
    wire = _build(headers={"List-Unsubscribe": f"<https://list.example.org/{'a' * 200}>"})

    assert f"List-Unsubscribe: <https://list.example.org/{'a' * 200}>\r\n".encode() in wire
    for value in ("<é>", "<" + "a" * 1000 + ">"):
        with pytest.raises(ValueError, match=r"as it is|Message-ID"):
            _build(headers={name: value})


@pytest.mark.parametrize(
    "mark", [mark for mark in STRANGE if mark not in "\t\n"], ids=lambda mark: f"U+{ord(mark):04X}"
)
def test_a_body_with_a_control_character_is_never_built(mark: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        _build(text=f"a{mark}b")


@pytest.mark.parametrize("mark", [*STRANGE, "\ue000", "\ue001"], ids=lambda mark: f"U+{ord(mark):04X}")
def test_staff_are_told_of_a_control_character_in_a_title(mark: str) -> None:
    with pytest.raises(BadContent):
        drafts.read(f"---\ntopic: housing\ntitle: Rents{mark}fall\n---\nText.\n")


@pytest.mark.parametrize(
    "mark", [*(mark for mark in STRANGE if mark not in "\t\n"), "\ue000", "\ue001"], ids=lambda m: f"U+{ord(m):04X}"
)
def test_staff_are_told_of_a_control_character_in_a_text(mark: str) -> None:
    with pytest.raises(BadContent, match="invisible"):
        drafts.read(f"---\ntopic: housing\ntitle: Rents fall\n---\nRents{mark}fall.\n")


@pytest.mark.parametrize("title", ["=?utf-8?q?Bcc=3A_x?=", "a =?", "x" * 201])
def test_a_title_that_mail_programs_would_decode_is_refused(title: str) -> None:
    with pytest.raises(BadContent, match="title"):
        drafts.read(f"---\ntopic: housing\ntitle: {title}\n---\nText.\n")


@quick
@given(st.text(max_size=200), st.text(max_size=400))
@example("  a   b  ", "x")
@example("日本語 " * 20, "日本語 " * 60)
@example("'", "\\")
@example("\u200b", "\u200b")
@example("a\u00a0b", "a\u00a0b\u3000c")
def test_any_item_is_refused_or_arrives_as_it_was_written(desk: Desk, title: str, text: str) -> None:
    try:
        draft = drafts.read(f"---\ntopic: housing\ntitle: {title}\n---\n{text}\n")
    except BadContent:
        return

    envelope = desk.write("digest", Words(topic="Property", title=title, text=text, url=None))

    assert _folded(draft.title) in words_of(part(envelope, "html"), "h3")
    shown = part(envelope, "plain")
    assert _folded(draft.title) in _folded(shown)
    assert markdown.to_text(draft.text).strip() in shown


@quick
@given(st.text(max_size=150), st.text(min_size=1, max_size=150))
@example("a " * 75, "a, b <x@evil.example>, " * 6)
@example("é " * 75, 'é "q" \\ ' * 10)
@example("\U0001f3e0" * 150, "\U0001f3e0" * 150)
@example(" é", "é, é")
def test_any_subject_and_name_are_refused_or_come_back(subject: str, name: str) -> None:
    try:
        wire = _build(subject=subject, name=name)
    except ValueError:
        assert has_control(subject + name) or "=?" in subject or "=?" in name
        return

    plain = message_from_bytes(wire, policy=policy.compat32)
    if subject.isascii():
        assert re.sub(r"\r\n(?=[ \t])", "", plain["Subject"]).strip() == subject.strip()
    else:
        assert str(make_header(decode_header(plain["Subject"]))) == subject
    shown, address = parseaddr(plain["From"])
    assert address == OURS.written
    assert str(make_header(decode_header(shown))).strip() == name.strip()
    assert max(len(line) for line in wire.partition(b"\r\n\r\n")[0].split(b"\r\n")) <= 78


@quick
@given(st.text(max_size=2000))
def test_any_body_is_refused_or_comes_back(text: str) -> None:
    try:
        wire = _build(text=text)
    except ValueError:
        assert has_control(text, allowed="\n\t")
        return

    body = message_from_bytes(wire, policy=policy.default).get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").removesuffix("\n") == text.removesuffix("\n")
    assert wire.isascii()


@quick
@given(st.text(alphabet=st.sampled_from(list("[]()<>!*_`~#>-+.1 \n\\&:/ahtpsx\"'@|\t")), max_size=300))
def test_any_markdown_says_and_links_the_same_in_both_forms(text: str) -> None:
    html, plain = markdown.to_html(text), markdown.to_text(text)

    assert not has_marker(html)
    links = re.findall(r'<a href="([^"]*)"', html)
    assert len(re.findall(r"<[a-z]", html)) == len(re.findall(r"<(?:a href|ol start|[a-z0-9]+>)", html))
    for url in links:
        assert unescape(url) in plain
        assert re.match(r"(?i)https?://[^/]|mailto:", url)


def test_a_title_is_text_in_both_forms_whatever_it_looks_like(desk: Desk) -> None:
    title = "<b>& {{ 7*7 }} &amp; \"q\" 'q' [x](https://x.example) `c` *e*"

    envelope = desk.write("digest", Words(topic="Context", title=title, subject=title, url="https://x.example/?a&b"))

    assert title in words_of(part(envelope, "html"), "h3")
    assert words_of(part(envelope, "html"), "h1") == [title]
    assert title in part(envelope, "plain").replace("\n", " ")
    assert parse(envelope)["Subject"] == title


def _build(
    *,
    subject: str = "Hello",
    name: str = "us",
    text: str = "Hello.\n",
    headers: dict[str, str] | None = None,
) -> bytes:
    return build(
        Letter(subject, text, None),
        sender=Sender(name, OURS, OURS),
        recipient=Address.parse("ada@example.org"),
        message_id="1@example.org",
        dated=WRITTEN,
        locale="en",
        headers=headers or {},
    )


def _folded(text: str) -> str:
    return " ".join(text.split())
