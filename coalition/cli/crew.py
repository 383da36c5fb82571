"""Several senders on one machine: a process for each, started again when it dies, none left behind."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

_STEADY_SECONDS = 60.0  # whoever lived so long has not failed at the start
_LONGEST_PAUSE = 30.0
_SET_UP_WRONG = 2

log = logging.getLogger(__name__)


class Crew:
    """Processes that run one command of Coalition. Each holds a pipe from here: when it ends, so do they."""

    def __init__(self, command: Sequence[str], size: int) -> None:
        self._command = [sys.executable, "-m", "coalition", *command]
        self._keepers = [threading.Thread(target=self._keep_one, name=f"keeper {n}") for n in range(1, size + 1)]
        self._stopping = threading.Event()
        self._change = threading.Lock()
        self._living: set[subprocess.Popen[bytes]] = set()
        self.code = 0

    def run(self) -> None:
        """Keep all of them at work until `stop`, or until each has ended well."""
        for keeper in self._keepers:
            keeper.start()
        for keeper in self._keepers:
            keeper.join()

    def stop(self) -> None:
        """Let each finish the letters that are on their way, and end."""
        with self._change:
            self._stopping.set()
            for process in self._living:
                process.terminate()

    def _keep_one(self) -> None:
        falls = 0
        while (process := self._start()) is not None:
            began = time.monotonic()
            code = process.wait()
            with self._change:
                self._living.discard(process)
            if process.stdin is not None:
                process.stdin.close()
            if self._stopping.is_set() or ("--once" in self._command and code == 0):
                return
            if code == _SET_UP_WRONG:  # it has said why; the next would say the same
                self.code = code
                self.stop()
                return
            falls = 1 if time.monotonic() - began > _STEADY_SECONDS else falls + 1
            log.warning("sender %s ended (%s); another takes its place", process.pid, code)
            self._stopping.wait(min(_LONGEST_PAUSE, 0.25 * 2.0**falls))

    def _start(self) -> subprocess.Popen[bytes] | None:
        """One more process; None once the end has come."""
        with self._change:
            if self._stopping.is_set():
                return None
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE)  # noqa: S603  # our own words
            self._living.add(process)
            return process


def wait_for_parent() -> None:
    """Return when the process that started this one is gone, however it ended: then its end of the pipe is closed."""
    while os.read(0, 1):
        pass
