"""Processes that sign, one for each core. Whatever becomes of one of them, every hash gets its signature."""

import contextlib
import logging
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from coalition.mail import signing_process
from coalition.mail.signing_key import SigningKey
from coalition.mail.signing_process import LENGTH_BYTES, sign

_START = 60.0  # seconds that one has until its first signature
_END = 5.0  # seconds that one has to end by itself

log = logging.getLogger(__name__)


class Work(NamedTuple):
    """A hash to be signed, under a ticket."""

    ticket: int
    digest: bytes


class Signed(NamedTuple):
    """The signature for this ticket."""

    ticket: int
    number: bytes


class Signers:
    """Gives hashes to processes, started when first needed, and gathers signatures. For one thread at a time."""

    def __init__(self, key: SigningKey, processes: int, patience: float) -> None:
        """At most so many processes; one that gives no signature for `patience` seconds is ended."""
        self._key, self._most, self._patience = key, processes, patience
        self._open: list[_Process] = []
        self._selector = selectors.DefaultSelector()
        self._came: list[Signed] = []
        self._alone = False  # whether a process died before it had signed anything: then this one signs

    def submit(self, work: Work) -> None:
        """Take a hash; its signature comes up in `finished`."""
        process = self._least_busy()
        if process is None:
            self._came.append(Signed(work.ticket, sign(self._key.private, work.digest)))
        else:
            process.give(work)

    def finished(self, patience: float) -> list[Signed]:
        """The signatures that are there; waits at most so many seconds for the first."""
        while unsent := [each for each in self._open if each.has_unsent]:
            for process in unsent:
                if not process.flush():
                    self._bury(process)  # and another may have something to hand over now
        if self._open and not self._came:
            now = time.monotonic()
            stuck = min((each.deadline for each in self._open if each.pending), default=now + patience)
            for ready, _ in self._selector.select(max(0.0, min(patience, stuck - now))):
                self._gather(ready.data)
            self._end_stuck(time.monotonic())
        came, self._came = self._came, []
        return came

    def forget(self) -> None:
        """Nobody waits any more for what was taken so far."""
        self._came.clear()
        for process in self._open:
            process.pending = deque([None] * len(process.pending))

    def close(self) -> None:
        """End all processes, and forget what they had to do."""
        self._came.clear()
        for process in self._open:
            self._selector.unregister(process.output)
            process.close()
        self._open.clear()

    def _least_busy(self) -> "_Process | None":
        idle = next((each for each in self._open if not each.pending), None)
        if idle is None and len(self._open) < self._most and not self._alone:
            idle = self._another()
        return idle or min(self._open, key=lambda each: len(each.pending), default=None)

    def _another(self) -> "_Process | None":
        try:
            process = _Process(self._key, self._patience)
        except OSError as error:
            log.warning("no process that signs can be started (%s)", type(error).__name__)
            self._alone = True
            return None
        self._selector.register(process.output, selectors.EVENT_READ, process)
        self._open.append(process)
        return process

    def _gather(self, process: "_Process") -> None:
        signed = process.take() if process in self._open else []
        if signed is None:
            self._bury(process)
        else:
            self._came += signed

    def _end_stuck(self, now: float) -> None:
        for process in list(self._open):
            if process.pending and process.deadline <= now:
                process.kill()
                self._bury(process)

    def _bury(self, process: "_Process") -> None:
        """A process is gone. What it had not signed goes to another."""
        if process not in self._open:
            return
        self._selector.unregister(process.output)
        self._open.remove(process)
        process.close()
        self._alone = self._alone or not process.has_signed
        log.warning(
            "a process that signs ended; %s", "this one signs from now on" if self._alone else "another goes on"
        )
        for work in process.pending:
            if work is not None:
                self.submit(work)


class _Process:
    """One process and the hashes that it has."""

    def __init__(self, key: SigningKey, patience: float) -> None:
        # Alone in its group, so that Ctrl-C in a terminal is for the sender; -P, so that no neighbour of the file is
        # taken for a module of the standard library.
        self._process = subprocess.Popen(  # noqa: S603  # our own file
            [sys.executable, "-P", str(Path(signing_process.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            process_group=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self.output = self._process.stdin, self._process.stdout
        self._signature_bytes = key.private.key_size // 8
        self._patience, self._buffer, self._unsent = patience, b"", b""
        self.pending: deque[Work | None] = deque()  # in order; None where nobody waits for it
        self.has_signed = False
        self.deadline = 0.0
        pem = key.pem
        self._write(len(pem).to_bytes(LENGTH_BYTES, "big") + pem)

    @property
    def has_unsent(self) -> bool:
        """Whether something was taken and not handed over."""
        return bool(self._unsent)

    def give(self, work: Work) -> None:
        """Take a hash, to be handed over with the next `flush`: several at once cost hardly more than one."""
        if not self.pending:
            self.deadline = time.monotonic() + (self._patience if self.has_signed else _START)
        self.pending.append(work)
        self._unsent += work.digest

    def flush(self) -> bool:
        """Hand over what was taken. False where nobody takes it; it is pending all the same."""
        unsent, self._unsent = self._unsent, b""
        return self._write(unsent)

    def take(self) -> list[Signed] | None:
        """The signatures that have come; None at the end."""
        came = os.read(self.output.fileno(), 65536)
        if not came:
            return None
        self._buffer += came
        self.has_signed, self.deadline = True, time.monotonic() + self._patience
        signed = []
        while len(self._buffer) >= self._signature_bytes:
            number, self._buffer = self._buffer[: self._signature_bytes], self._buffer[self._signature_bytes :]
            work = self.pending.popleft()
            if work is not None:
                signed.append(Signed(work.ticket, number))
        return signed

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """Let it end: it does when its input ends."""
        with contextlib.suppress(OSError):
            self._input.close()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.output.close()

    def _write(self, data: bytes) -> bool:
        # A pipe takes thousands of hashes before it is full, and there are never so many.
        try:
            self._input.write(data)
        except OSError:
            return False
        return True
