"""Raw bytes of a letter in, text for people out. Nothing here fails, however hostile the bytes are."""

import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from typing import Literal, TypeVar

Headers = tuple[tuple[str, str], ...]
T = TypeVar("T")


def parse(raw: bytes) -> EmailMessage:
    """The letter as the standard library understands it; an empty one where it understands nothing."""
    return _attempt(lambda: message_from_bytes(raw, policy=policy.default)) or EmailMessage()


def headers(message: EmailMessage) -> Headers:
    """Every header in its order, as (name, value decoded for people)."""
    return tuple((_clean(name), _header(name, str(value))) for name, value in message.raw_items())


def body(message: EmailMessage, kind: Literal["plain", "html"]) -> str | None:
    """The part that a mail program would show as text or as HTML, with plain newlines; None without one."""
    part = _attempt(lambda: message.get_body(preferencelist=(kind,)))
    if part is None:
        return None
    content = _attempt(lambda: str(part.get_content())) or _undeclared(part)
    return _clean(content).replace("\r\n", "\n")


def source(raw: bytes) -> str:
    """The bytes as they came; what is not UTF-8 is written out as \\xNN."""
    return raw.decode("utf-8", errors="backslashreplace").replace("\r\n", "\n")


def _header(name: str, value: str) -> str:
    return _clean(_attempt(lambda: str(policy.default.header_fetch_parse(name, value))) or value)


def _undeclared(part: MIMEPart) -> str:
    payload = _attempt(lambda: part.get_payload(decode=True))
    return payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else ""


def _attempt(read: Callable[[], T]) -> T | None:
    # The email package raises nearly everything (IndexError, LookupError, AttributeError ...) at malformed
    # letters, and a mailbox must show just those: its callers fall back to a plainer reading.
    try:
        return read()
    except Exception:
        return None


def _clean(text: str) -> str:
    # Undecodable bytes come as lone surrogates, which no page can carry.
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
