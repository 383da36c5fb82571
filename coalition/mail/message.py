"""A letter as bytes on the wire. The standard library builds it; we keep it from spoiling the headers that matter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from coalition.address import Address

# Folding one of these would encode it, and mail programs then ignore it (RFC 8058; Python issue 85725).
_RAW = frozenset(
    [
        "list-unsubscribe",
        "list-unsubscribe-post",
        "list-help",
        "list-owner",
        "list-id",
        "list-post",
        "feedback-id",
        "message-id",
        "auto-submitted",
        "precedence",
    ]
)


_MAILBOXES = frozenset(["from", "reply-to"])
_QUOTED = 40  # a name up to this length stands on one line with its header

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Letter:
    """What a person reads: a subject and the same text in one or two forms."""

    subject: str
    text: str
    html: str | None


@dataclass(frozen=True)
class Sender:
    """Who a letter comes from."""

    name: str
    address: Address
    reply_to: Address


class _WirePolicy(EmailPolicy):
    """CRLF, seven bits, encoded-words of at most 75 characters (RFC 2047), and raw identifier headers.

    What the standard library folds badly is written here: a long name loses its quotes, and with them a comma in it
    begins another mailbox; a long subject that is not ASCII loses spaces, and one that is may begin on the second line.
    """

    def _fold(self, name: str, value: Any, refold_binary: bool = False) -> str:
        if name.lower() in _RAW:
            line = f"{name}: {value}"
            if not line.isascii() or not line.isprintable() or len(line) > 998:
                raise ValueError(f"the header {name} can't be written as it is")
            return line + self.linesep
        if name.lower() in _MAILBOXES:
            return f"{name}: {_fold_mailbox(name, value.addresses[0])}{self.linesep}"
        if name.lower() == "subject":
            folded = _fold_words(f"{name}: {value}") if value.isascii() else f"{name}: {_encode(name, value)}"
            if folded:
                return folded + self.linesep
        return str(super()._fold(name, value, refold_binary))  # type: ignore[misc]  # private, pinned by golden tests


# At 78 the standard library writes encoded-words of 76 characters, one more than RFC 2047 allows.
WIRE = _WirePolicy(linesep="\r\n", max_line_length=76, cte_type="7bit", raise_on_defect=True)


def build(
    letter: Letter,
    *,
    sender: Sender,
    recipient: Address,
    message_id: str,
    dated: datetime,
    locale: str,
    headers: Mapping[str, str],
) -> bytes:
    """The whole message. The same facts give the same bytes, so a retry can't look like a second letter.

    Raises ValueError where a value holds a character that has no place in a header (CWE-93).
    """
    message = EmailMessage(policy=WIRE)
    message["From"] = _mailbox(sender.name, sender.address)
    message["To"] = _mailbox("", recipient)
    message["Reply-To"] = _mailbox(sender.name, sender.reply_to)
    message["Subject"] = _one_line(letter.subject)
    message["Date"] = format_datetime(dated.replace(microsecond=0))
    message["Message-ID"] = f"<{message_id}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    for name, value in headers.items():
        message[name] = _one_line(value)
    message.set_content(_clean(letter.text), charset="utf-8", cte="quoted-printable")
    if letter.html is not None:
        message.add_alternative(_clean(letter.html), subtype="html", charset="utf-8", cte="quoted-printable")
        message.set_boundary(f"=_{message_id.partition('@')[0]}")
    message["Content-Language"] = locale
    for part in message.walk():
        if part is not message:
            del part["MIME-Version"]  # it belongs to the whole message, once (RFC 2045, section 4)
    return message.as_bytes()


def _mailbox(name: str, address: Address) -> Mailbox:
    return Mailbox(_one_line(name) if name else "", addr_spec=address.written)


def _fold_mailbox(name: str, mailbox: Mailbox) -> str:
    """A display name and its address; the name quoted, or encoded where it is long or not ASCII."""
    shown = mailbox.display_name
    if shown.isascii() and len(shown) <= _QUOTED:
        shown = '"' + re.sub(r'(["\\])', r"\\\1", shown) + '"'
    else:
        shown = _encode(name, shown)
    return f"{shown}\r\n <{mailbox.addr_spec}>" if len(shown) > _QUOTED else f"{shown} <{mailbox.addr_spec}>"


def _fold_words(line: str) -> str | None:
    """An ASCII header, broken before single spaces; None where a word is too long for a line."""
    lines = re.findall(r".{1,76}(?= [^ ]|$)", line)
    return "\r\n".join(lines) if "".join(lines) == line else None


def _encode(name: str, text: str) -> str:
    return Header(text, "utf-8", maxlinelen=76, header_name=name).encode(linesep="\r\n")


def has_control(text: str, *, allowed: str = "") -> bool:
    """Whether a text holds a control character, a foreign line end or half a character, other than those allowed."""
    return any(mark not in allowed for mark in _CONTROL.findall(text))


def _one_line(text: str) -> str:
    # Written out, "=?" would be decoded by the reader's program into whatever a stranger hid in it.
    if has_control(text) or "=?" in text:
        raise ValueError("a header holds a character that has no place in it")
    return text


def _clean(text: str) -> str:
    if has_control(text, allowed="\n\t"):
        raise ValueError("a letter holds a control character")
    return text
