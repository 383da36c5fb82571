"""Waiting for the end: SIGTERM or Ctrl-C, as often as they like, or a part that ended by itself."""

import os
import select
import signal
from collections.abc import Callable
from threading import Thread
from types import FrameType, TracebackType


class Ending:
    """Made in the main thread before anything is started.

    A signal becomes a byte in a pipe, written by the interpreter's own C handler. Python's handler would run only when
    the main thread next runs Python: a signal that comes just before it begins to wait for the byte would be waited
    for for ever. And a handler that set an Event could wait for itself, while that holds its lock. A KeyboardInterrupt
    is lost where it happens to be raised in a callback of the garbage collector.

    With `with`, signals mean afterwards what they meant before.
    """

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._writes, False)
        self._before = {number: signal.signal(number, _noticed) for number in (signal.SIGTERM, signal.SIGINT)}
        self._woke_before = signal.set_wakeup_fd(self._writes, warn_on_full_buffer=False)

    def __enter__(self) -> "Ending":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._woke_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reads)
        os.close(self._writes)

    def wait(self, seconds: float | None = None) -> bool:
        """Return once the end has come, or after so many seconds; whether it has come."""
        return bool(select.select([self._reads], [], [], seconds)[0])

    def run(self, work: Callable[[], object], name: str, *, daemon: bool = False) -> Thread:
        """Start work in a thread; when it ends, however it does, the end has come for all."""
        thread = Thread(target=self._work, args=(work,), name=name, daemon=daemon)
        thread.start()
        return thread

    def _work(self, work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            os.write(self._writes, b".")


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """The byte is in the pipe already."""
