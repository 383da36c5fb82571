"""What comes back: bounces and spam reports, read into facts. Any bytes may come; every answer is a `Report`."""

from collections.abc import Callable
from dataclasses import replace

from coalition.mail.reports import delivery_status, feedback, odd
from coalition.mail.reports.authenticated import vouched_domains
from coalition.mail.reports.facts import Action, Kind, Recipient, Report
from coalition.mail.reports.parts import MOST_BYTES, Part, Unreadable, take_apart

__all__ = ["MOST_BYTES", "Action", "Kind", "Recipient", "Report", "read"]

# Where mail servers write down whom a message was for; a bounce is addressed to the return path of the letter.
_ADDRESSED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")


def read(raw: bytes, *, recipient: str = "", authserv_id: str = "") -> Report:
    """Read one message. `recipient` is whom it was for, where the mail server tells that beside the message.

    `authserv_id` is the name under which that server writes down whose signature it has checked.
    """
    try:
        parts = take_apart(raw)
    except Unreadable as error:
        return Report(Kind.UNSURE, str(error))
    message = parts[0]
    addressed = [recipient, *(value for name in _ADDRESSED for value in message.fields.get(name, []))]
    report = _read(parts)
    return replace(
        report,
        places=(*filter(None, addressed), *report.places),
        vouched=vouched_domains(message, authserv_id),
    )


def _read(parts: list[Part]) -> Report:
    types = {part.type for part in parts[1:]}
    if types.intersection(delivery_status.TYPES):
        return delivery_status.read(parts)
    if feedback.TYPE in types:
        return feedback.read(parts)
    return odd.read(parts) or _other(parts[0])


def _other(message: Part) -> Report:
    """Answers of machines say so (RFC 3834, RFC 8098): they change nothing, whatever codes stand in their text."""
    if any(is_so(message) for is_so in _SIGNS_OF_A_MACHINE):
        return Report(Kind.AUTOMATIC)
    return Report(Kind.UNSURE, "no bounce or report that we know")


_SIGNS_OF_A_MACHINE: tuple[Callable[[Part], bool], ...] = (
    lambda message: message.first("auto-submitted").lower().split(";")[0].strip() not in {"", "no"},
    lambda message: any(name in message.fields for name in ("x-autoreply", "x-autorespond", "list-id")),
    lambda message: message.first("precedence").lower() in {"auto_reply", "bulk", "junk", "list"},
    lambda message: message.parameter("report-type").lower() == "disposition-notification",
)
