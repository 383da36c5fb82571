"""Waiting for the end: SIGTERM or Ctrl-C, as often as they like, or a part that ended by itself."""

import os
import signal
from collections.abc import Callable
from threading import Thread
from types import FrameType


class Ending:
    """Made in the main thread before anything is started.

    A signal handler may run at any moment of the main thread, also while that holds the lock inside an Event: setting
    the Event there would wait for itself. A byte in a pipe needs no lock.
    """

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    def wait(self) -> None:
        """Return once the end has come."""
        os.read(self._reads, 1)

    def run(self, work: Callable[[], object], name: str) -> Thread:
        """Start work in a thread; when it ends, however it does, the end has come for all."""
        thread = Thread(target=self._work, args=(work,), name=name)
        thread.start()
        return thread

    def _work(self, work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            os.write(self._writes, b".")

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        os.write(self._writes, b".")
