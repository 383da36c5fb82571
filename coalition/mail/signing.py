"""Signs every letter on its way out (DKIM), for communities whose mail server does not.

It stands between the sender and the mail server, and looks to the one like the other: letters are taken under their
tickets, signed by other processes while earlier ones travel, and passed on as soon as there is room.
"""

import os
import time
from collections import deque

from coalition.errors import RelayLost
from coalition.mail.envelope import Envelope
from coalition.mail.signature import SignatureWriter, Unsigned
from coalition.mail.signers import Signers, Work
from coalition.mail.signing_key import SigningKey
from coalition.mail.smtp import Answered, Outgoing

_EACH_HOLDS = 16  # letters for each process: some that are signed, some that wait, so that none is idle
_PATIENCE = 30.0


class Signing:
    """A way out on which every letter gets its signature first. For one thread at a time."""

    def __init__(
        self, outgoing: Outgoing, key: SigningKey, processes: int | None = None, patience: float = _PATIENCE
    ) -> None:
        """Letters go on to `outgoing`. As many processes sign as this one may use cores, where no number is given.

        One that gives no signature for `patience` seconds is ended.
        """
        processes = processes or len(os.sched_getaffinity(0))
        self._outgoing, self._holds = outgoing, processes * _EACH_HOLDS
        self._writer = SignatureWriter(key.domain, key.selector)
        self._signers = Signers(key, processes, patience)
        self._unsigned: dict[int, Unsigned] = {}  # by ticket
        self._signed: deque[tuple[int, Envelope]] = deque()

    @property
    def room(self) -> int:
        """How many more letters it takes at the moment."""
        return max(0, self._holds - len(self._unsigned) - len(self._signed))

    def offer(self, ticket: int, envelope: Envelope) -> None:
        """Take a letter; see `Outgoing.offer`."""
        unsigned = self._unsigned[ticket] = self._writer.write(envelope)
        self._signers.submit(Work(ticket, unsigned.digest))

    def answers(self, patience: float, most: int = 1000) -> list[Answered]:
        """The answers that have come; see `Outgoing.answers`."""
        until = time.monotonic() + patience
        wait = 0.0
        while True:
            for ticket, number in self._signers.finished(wait):
                self._signed.append((ticket, self._unsigned.pop(ticket).signed(number)))
            while self._signed and self._outgoing.room:
                self._outgoing.offer(*self._signed.popleft())
            came = self._ask(until, most)
            wait = until - time.monotonic()
            if came or wait <= 0:
                return came

    def close(self) -> None:
        """End the processes, and say goodbye to the mail server."""
        self._signers.close()
        self._outgoing.close()

    def _ask(self, until: float, most: int) -> list[Answered]:
        """What the mail server has answered; waited for only while nothing waits to be signed."""
        try:
            return self._outgoing.answers(0.0 if self._unsigned else max(0.0, until - time.monotonic()), most)
        except RelayLost:
            self._unsigned.clear()
            self._signed.clear()
            self._signers.forget()
            raise
