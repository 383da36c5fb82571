"""Waiting for the end: SIGTERM or Ctrl-C, as often as they like, or a part that ended by itself."""

import os
import signal
from collections.abc import Callable
from threading import Thread
from types import FrameType


class Ending:
    """Made in the main thread before anything is started.

    A signal becomes a byte in a pipe, written by the interpreter's own C handler. Python's handler would run only when
    the main thread next runs Python: a signal that comes just before it begins to wait for the byte would be waited
    for for ever. And a handler that set an Event could wait for itself, while that holds its lock.
    """

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._writes, False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _noticed)
        signal.set_wakeup_fd(self._writes, warn_on_full_buffer=False)

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


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """The byte is in the pipe already."""
