"""What a mail server's answer means for a letter, and what of it may be kept."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_LONGEST_TEXT = 500  # characters


class Outcome(StrEnum):
    """What became of one letter that was offered to the mail server."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    DEAD_ADDRESS = "dead_address"
    REFUSED = "refused"  # for good, but only this message
    OUR_FAULT = "our_fault"  # the sender or a policy is the reason, so nobody is suppressed for it
    UNCERTAIN = "uncertain"  # given away without a clear answer
    UNTRIED = "untried"  # a session that had only begun ended at this letter, before the message


@dataclass(frozen=True)
class Reply:
    """One answer of a mail server; `text` is redacted, on one line and at most 500 characters."""

    code: int
    enhanced: str | None
    text: str

    @staticmethod
    @lru_cache(maxsize=256)
    def read(code: int, said: bytes) -> "Reply":
        """The reply with `code` whose lines said this; `said` is without the code that begins each line."""
        enhanced = None
        texts = []
        for line in said.decode("utf-8", "replace").splitlines():
            if status := _ENHANCED.match(line):
                enhanced = enhanced or status[1]
                line = line[status.end() :]
            texts.append(line)
        # Redacted before it is cut, so that no half of an address stays at the end.
        return Reply(code, enhanced, redact(" ".join(texts))[:_LONGEST_TEXT])

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced or ''} {self.text}".strip()


_ENHANCED = re.compile(r"\s*#?([245]\.\d{1,3}\.\d{1,3})(?=[\s:]|$)", re.ASCII)

# Lengths are bounded, so that a hostile line can't make the search slow.
_ADDRESS = re.compile(
    r"""
    (?: "[^"]{1,256}" | [^\s<>()\[\]:;,"]{1,256} )     # as written, or with a quoted local part
    (?: @ | %40 | =40 )
    (?: \[[^\]\s]{1,64}\] | [^\s<>()\[\]:;,"]{1,256} )
    | < (?!https?:) [^<>\s]{1,256} >                   # a mailbox of the server's own: <ada>
    | ^ \S{1,256} (?= \.{3}\s (?:user|recipient|mailbox|no\ssuch|relaying) )   # ada... User unknown
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TOKEN = re.compile(r"[\w~+/=-]{20,}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+")


def redact(text: str) -> str:
    """`text` on one line, without addresses and without anything long enough to be a link's secret."""
    line = _UNPRINTABLE.sub(" ", text).strip()
    return _TOKEN.sub("[token]", _ADDRESS.sub("[address]", line))


@lru_cache(maxsize=256)
def classify(reply: Reply) -> Outcome:
    """What `reply` means for the letter; only a reply about the recipient may give `DEAD_ADDRESS`."""
    codes = f"{reply.code} {reply.enhanced or '-'}"
    return next(outcome for code, text, outcome in _MEANINGS if code.fullmatch(codes) and text.search(reply.text))


_ANYTHING = r""
_GREYLISTED = r"\bgr[ae]y[ -]?list"
_TOO_OFTEN = r"\bat a rate\b"
_ABOUT_THE_SENDER = r"\bsender\b|\bMAIL FROM\b"
_NOBODY = r"(?:unknown|not (?:found|known|exist)|does(?:n['\u2019]?t| not) exist)"
_SOMEBODY = r"(?:user|recipient|mailbox|account|addressee|(?<!\[)address)"  # and not our own "[address]"
_USER_UNKNOWN = (
    rf"\b(?:unknown|invalid|no such|not a valid|not a known) (?:local )?{_SOMEBODY}\b"
    rf"|\b{_SOMEBODY}\b(?:(?!domain|host|relay)[^.:;]){{0,40}}\b{_NOBODY}\b"
    rf"|\bno {_SOMEBODY} (?:here )?by that name\b"
    rf"|\b{_SOMEBODY} does(?:n['\u2019]t| not) have an? [^:;]{{0,40}}\baccount\b"
)

# The first row whose codes and text fit decides, so the most specific stand first.
_MEANINGS = tuple(
    (re.compile(codes), re.compile(text, re.IGNORECASE), outcome)
    for codes, text, outcome in (
        (r"2\d\d .*", _ANYTHING, Outcome.ACCEPTED),
        (r"421 .*", _ANYTHING, Outcome.OUR_FAULT),
        (r"4\d\d .*", _GREYLISTED, Outcome.RETRY),
        (r"4\d\d \d\.7\.\d+", _ANYTHING, Outcome.OUR_FAULT),
        (r"4\d\d .*", _ANYTHING, Outcome.RETRY),
        (r"5\d\d \d\.1\.(1|3|6|10)", _ANYTHING, Outcome.DEAD_ADDRESS),
        (r"550 \d\.2\.1", _TOO_OFTEN, Outcome.REFUSED),
        (r"550 \d\.2\.1", _ANYTHING, Outcome.DEAD_ADDRESS),
        (r"552 \d\.2\.[23]", _ANYTHING, Outcome.RETRY),
        (r"5\d\d \d\.([567]\.\d+|3\.4)", _ANYTHING, Outcome.OUR_FAULT),
        (r"550 \d\.4\.5", _ANYTHING, Outcome.OUR_FAULT),
        (r"55[013] -", _ABOUT_THE_SENDER, Outcome.REFUSED),
        (r"55[013] -", _USER_UNKNOWN, Outcome.DEAD_ADDRESS),
        (r"5\d\d .*", _ANYTHING, Outcome.REFUSED),
        (r".*", _ANYTHING, Outcome.UNCERTAIN),
    )
)
