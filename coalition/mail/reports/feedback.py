"""Spam reports: somebody pressed "this is spam", or "this is not" (RFC 5965)."""

from collections.abc import Sequence

from coalition.mail.reports.delivery_status import returned_fields
from coalition.mail.reports.facts import Kind, Report
from coalition.mail.reports.parts import Part, read_fields

TYPE = "message/feedback-report"
_KINDS = {"abuse": Kind.SPAM, "fraud": Kind.SPAM, "not-spam": Kind.NOT_SPAM}


def read(parts: Sequence[Part]) -> Report:
    """What a report with such a part says. Addresses may be blacked out (RFC 6590): only our marks count."""
    [feedback, *_] = [part for part in parts if part.type == TYPE]
    fields = read_fields(feedback.text())
    if not all(fields.get(name, [""])[0] for name in ("feedback-type", "user-agent", "version")):
        return Report(Kind.UNSURE, "a spam report that is not complete")
    kind = _KINDS.get(fields["feedback-type"][0].lower())
    if kind is None:
        return Report(Kind.UNSURE, "a report of another kind than spam")
    returned = returned_fields(parts)
    return Report(
        kind,
        places=tuple(fields.get("original-mail-from", []) + returned.get("return-path", [])),
        message_id=returned.get("message-id", [""])[0],
    )
