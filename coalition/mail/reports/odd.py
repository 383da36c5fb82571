"""Bounces of no standard form: Exim's, qmail's, the prose of old servers. What no known server wrote is no bounce."""

import re
from collections.abc import Sequence

from coalition.mail.reports.delivery_status import recipient
from coalition.mail.reports.facts import Action, Kind, Report
from coalition.mail.reports.parts import Part

_LONGEST = 10_000
_FROM_A_SERVER = re.compile(r"\b(mailer-daemon|postmaster|mail delivery (sub)?system|system administrator)\b", re.I)
_OPENINGS = re.compile(
    r"this is the qmail-send program"
    r"|this is the (postfix|mail) (program|system) at host"
    r"|this is a permanent error"
    r"|the following address(es)? had permanent (fatal|delivery) errors"
    r"|(did not reach|couldn't be delivered to|delivery (has )?failed to) (some or all of )?(the|these) "
    r"(following |intended )?recipient",
    re.I,
)
_LETTER_BEGINS = re.compile(r"^-{3,}.*\b(copy|below|returned|original|enclosed)\b", re.I | re.M)
_STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])", re.ASCII)
_ANSWER = re.compile(r"(?<![\d.])5\d\d[ -][^\n]{0,300}", re.ASCII)
_NAMED = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{1,255})>")


def read(parts: Sequence[Part]) -> Report | None:
    """What such a bounce says; None where it is none."""
    message = parts[0]
    if not _FROM_A_SERVER.search(message.first("from")) or message.first("return-path").strip() not in {"", "<>"}:
        return None
    text = _prose(parts)
    failed = [each.strip() for each in message.first("x-failed-recipients").split(",") if "@" in each]
    if not failed and not _OPENINGS.search(text):
        return None
    named = tuple(failed or _NAMED.findall(text)[:10])
    codes = set(_STATUS.findall(text))
    if len(codes) > 1:  # they contradict each other, so the letter just did not arrive
        return Report(Kind.BOUNCE, recipients=(recipient(Action.FAILED, "5.0.0", "", named),))
    answer = _ANSWER.search(text)
    status = codes.pop() if codes else "5.0.0"
    action = Action.FAILED if status[0] == "5" or failed else Action.DELAYED
    said = answer[0] if answer else " ".join(text[-1_000:].split())
    return Report(Kind.BOUNCE, recipients=(recipient(action, status, said, named),))


def _prose(parts: Sequence[Part]) -> str:
    """What the server wrote, without the letter that it returns."""
    for part in parts:
        if part.type == "text/plain":
            text = part.text()[:_LONGEST]
            begins = _LETTER_BEGINS.search(text)
            return text[: begins.start()] if begins else text
    return ""
