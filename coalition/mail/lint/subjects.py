"""Rules for the subject line."""

import re
import unicodedata
from collections.abc import Callable

from coalition.mail.lint.findings import Spots
from coalition.mail.lint.reading import Written
from coalition.mail.message import has_control

LONGEST = 150

# Prefixes of answers and of forwarded letters in the languages of our pages (RFC 5322, section 3.6.5, names "Re: ").
_REPLY = re.compile(r"\s*(?:re|fwd?|aw|wg|tr|rv|sv|antw|ynt)\s?(?:\[\d+\]|\(\d+\))?\s?:", re.IGNORECASE)

# Signs that Unicode counts as pictures, but that people write as part of words.
_WRITTEN_SIGNS = frozenset("©®™°№℠℗")
_AS_EMOJI, _KEYCAP = "\ufe0f", "\u20e3"


def _missing(written: Written) -> Spots:
    if not written.subject.text.strip():
        yield written.subject.place, "There is no subject: say in a few words what is new."


def _not_one_line(written: Written) -> Spots:
    if has_control(written.subject.text) or "=?" in written.subject.text:
        yield written.subject.place, "The subject is more than plain words on one line: remove line ends and “=?”."


def _too_long(written: Written) -> Spots:
    length = len(written.subject.text)
    if length > LONGEST:
        yield written.subject.place, f"The subject has {length} characters: at most {LONGEST}, better 60."


def _capitals(written: Written) -> Spots:
    subject = written.subject.text
    if subject.isupper() and sum(character.isupper() for character in subject) >= 8:
        yield written.subject.place, "The subject is all in capitals: write it as a sentence."


def _pictures(written: Written) -> Spots:
    found = "".join(character for character in written.subject.text if _is_picture(character))
    if found:
        yield written.subject.place, f"The subject holds {found!r}: mail programs take pictures for spam, so use words."


def _is_picture(character: str) -> bool:
    # New emoji are unknown to an older Python, so their block counts too.
    return (
        unicodedata.category(character) == "So"
        or "\U0001f000" <= character <= "\U0001faff"
        or character in {_AS_EMOJI, _KEYCAP}
    ) and character not in _WRITTEN_SIGNS


def _fake_reply(written: Written) -> Spots:
    found = _REPLY.match(written.subject.text)
    if found:
        yield written.subject.place, f"“{found[0].strip()}” says that this is an answer, and it is none: leave it out."


RULES: dict[str, Callable[[Written], Spots]] = {
    "subject-missing": _missing,
    "subject-not-one-line": _not_one_line,
    "subject-too-long": _too_long,
    "subject-capitals": _capitals,
    "subject-picture": _pictures,
    "subject-fake-reply": _fake_reply,
}
