"""The letters that the local mailbox holds: the newest few hundred, in memory only."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from functools import cached_property
from itertools import count
from threading import Lock

from coalition.clock import utcnow
from coalition.mailbox import reading

KEPT = 500
KEPT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Letter:
    """One letter to one recipient; it is taken in raw and understood only when somebody looks."""

    id: int
    received_at: datetime
    sender: str  # of the envelope; empty for a bounce
    recipient: str  # of the envelope
    raw: bytes

    @cached_property
    def subject(self) -> str:
        """The subject line, decoded; empty without one."""
        return self._first("subject")

    @cached_property
    def from_(self) -> str:
        """The From line, decoded; empty without one."""
        return self._first("from")

    @cached_property
    def to(self) -> str:
        """The To line, decoded; empty without one. `recipient` is who really gets the letter."""
        return self._first("to")

    @cached_property
    def text(self) -> str | None:
        """The plain-text part, or None."""
        return reading.body(self._message, "plain")

    @cached_property
    def html(self) -> str | None:
        """The HTML part, or None."""
        return reading.body(self._message, "html")

    @cached_property
    def headers(self) -> reading.Headers:
        """Every header in its order, decoded."""
        return reading.headers(self._message)

    @cached_property
    def source(self) -> str:
        """The whole letter as it came."""
        return reading.source(self.raw)

    @cached_property
    def _message(self) -> EmailMessage:
        return reading.parse(self.raw)

    def _first(self, wanted: str) -> str:
        return next((value for name, value in self.headers if name.lower() == wanted), "")


class Store:
    """The newest letters, safe to use from several threads."""

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        """Hold at most `kept` letters and `kept_bytes` bytes of them; the oldest go first."""
        self.kept = kept
        self._kept_bytes = kept_bytes
        self._lock = Lock()
        self._letters: deque[Letter] = deque()
        self._ids = count(1)
        self._bytes = 0
        self._gone = 0

    def keep(self, sender: str, recipient: str, raw: bytes) -> Letter:
        """Take in a letter. The newest one always stays, however large it is."""
        with self._lock:
            letter = Letter(next(self._ids), utcnow(), sender, recipient, raw)
            self._letters.append(letter)
            self._bytes += len(raw)
            while len(self._letters) > 1 and self._is_full():
                self._bytes -= len(self._letters.popleft().raw)
                self._gone += 1
            return letter

    def letters(self, recipient: str | None = None) -> list[Letter]:
        """The letters that are here, newest first; only those to `recipient` (letter case aside) if given."""
        with self._lock:
            newest_first = list(reversed(self._letters))
        if recipient is None:
            return newest_first
        return [letter for letter in newest_first if letter.recipient.casefold() == recipient.casefold()]

    def find(self, letter_id: int) -> Letter | None:
        """The letter with this id, or None if it was never here or has gone."""
        return next((letter for letter in self.letters() if letter.id == letter_id), None)

    def clear(self) -> None:
        """Throw everything away. Ids go on counting, so that an old link never shows another letter."""
        with self._lock:
            self._letters.clear()
            self._bytes = self._gone = 0

    @property
    def gone(self) -> int:
        """How many letters went to make room since the mailbox was last cleared."""
        return self._gone

    def _is_full(self) -> bool:
        return len(self._letters) > self.kept or self._bytes > self._kept_bytes
