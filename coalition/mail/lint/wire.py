"""The lint of a digest as it goes over the wire: its bytes are read back as a mail program reads them."""

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

from coalition.mail.lint.findings import Faults, Finding
from coalition.mail.lint.letter import lint_letter
from coalition.mail.message import Letter

# Each asks the reader's program to tell the sender that the letter was opened.
_RECEIPTS = (
    "Disposition-Notification-To",
    "Return-Receipt-To",
    "X-Confirm-Reading-To",
    "X-PMRQC",
)
_KINDS = {"text/plain", "text/html"}


def lint_message(
    message: bytes, community_postal_address: str, own_base_url: str, allowed_urls: frozenset[str]
) -> list[Finding]:
    """What must not leave as it is in one message: in its headers, its parts, and the letter that it carries."""
    parsed = message_from_bytes(message, policy=policy.default)
    found = [Finding(name, where, text) for name, rule in RULES.items() for where, text in rule(parsed)]
    return found + lint_letter(_letter(parsed), community_postal_address, own_base_url, allowed_urls)


def _letter(parsed: EmailMessage) -> Letter:
    return Letter(str(parsed["Subject"]), _content(parsed, "plain") or "", _content(parsed, "html"))


def _content(parsed: EmailMessage, kind: str) -> str | None:
    part = parsed.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")


def _receipts(parsed: EmailMessage) -> Faults:
    for name in _RECEIPTS:
        if name in parsed:
            yield "headers", f"{name} asks the reader's program to tell us that the letter was opened: leave it out."


def _parts(parsed: EmailMessage) -> Faults:
    for part in parsed.walk():
        kind = part.get_content_type()
        if not part.is_multipart() and kind not in _KINDS:
            yield "message", f"There is a part of the kind {kind}: a letter is text, and the same as HTML."


RULES: dict[str, Callable[[EmailMessage], Faults]] = {"read-receipt": _receipts, "foreign-part": _parts}
