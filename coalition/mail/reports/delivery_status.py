"""Reports on the delivery of a letter (RFC 3464; in UTF-8: RFC 6533)."""

import re
from collections.abc import Sequence

from coalition.mail.replies import redact
from coalition.mail.reports.facts import Action, Kind, Recipient, Report
from coalition.mail.reports.parts import Fields, Part, read_fields

TYPES = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_MOST_RECIPIENTS = 50
_LONGEST_SAID = 1_000
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])", re.ASCII)
_ANSWER = re.compile(r"(?:^|;)\s*([245]\d\d)(?:[ -]+(?:#?([245]\.\d{1,3}\.\d{1,3}))?)?", re.ASCII)
_CLASS = {"5": 550, "4": 450, "2": 250}


def read(parts: Sequence[Part]) -> Report:
    """What a report with a part of these types says."""
    [status, *_] = [part for part in parts if part.type in TYPES]
    letter, *blocks = [read_fields(block) for block in _BLANK_LINES.split(status.text().strip())]
    if not blocks and "action" in letter:
        letter, blocks = {}, [letter]  # without fields about the letter, though the standard wants one
    if not blocks or len(blocks) > _MOST_RECIPIENTS:
        return Report(Kind.UNSURE, "a bounce that names no recipient, or too many")
    recipients = [recipient for block in blocks if (recipient := _recipient(block))]
    if len(recipients) < len(blocks):
        return Report(Kind.UNSURE, "a bounce without action or status")
    returned = returned_fields(parts)
    return Report(
        Kind.BOUNCE,
        recipients=tuple(recipients),
        places=tuple(letter.get("original-envelope-id", []) + returned.get("return-path", [])),
    )


def returned_fields(parts: Sequence[Part]) -> Fields:
    """The header of the letter that came back with a report; empty where none did."""
    for part in parts[1:]:
        if part.type in _RETURNED:
            return read_fields(_BLANK_LINES.split(part.text(), 1)[0])
    return {}


def shortened(text: str) -> str:
    """What a server said, redacted before it is cut, so that no half of an address stays at the end."""
    return redact(text[: 4 * _LONGEST_SAID].rpartition(" ")[0] if len(text) > 4 * _LONGEST_SAID else text)[
        :_LONGEST_SAID
    ]


def recipient(action: Action, status: str, said: str, named: tuple[str, ...]) -> Recipient:
    """A recipient; a status that says nothing leaves the word to the server's answer, where both agree in kind."""
    answer = _ANSWER.search(said)
    code = int(answer[1]) if answer and answer[1][0] == status[0] else _CLASS[status[0]]
    if status.endswith(".0.0") and answer and answer[2] and answer[2][0] == status[0]:
        status = answer[2]
    return Recipient(action, status, shortened(said), code, named)


def _recipient(block: Fields) -> Recipient | None:
    action = block.get("action", [""])[0].split(" ", 1)[0].lower()
    status = _STATUS.match(block.get("status", [""])[0])
    if action not in set(Action) or status is None:
        return None
    if action == Action.FAILED and status[1][0] == "2":
        return None  # it contradicts itself
    diagnostic = block.get("diagnostic-code", [""])[0].partition(";")
    named = (*block.get("original-recipient", []), *block.get("final-recipient", []))
    return recipient(
        Action(action), status[1], diagnostic[2] or diagnostic[0], tuple(filter(None, map(_address, named)))
    )


def _address(value: str) -> str:
    """`rfc822; ada@example.org`, as an address; what can't be one (redacted, or of another kind) is empty."""
    text = value.rpartition(";")[2].strip().strip("<>")
    return text if "@" in text else ""
