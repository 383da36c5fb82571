"""Sockets that never wait longer than a clock allows: a server that trickles for ever ends like one that is silent."""

import io
import socket
from collections.abc import Callable
from typing import Any


class Clock:
    """How long the next wait may be, until the time for all of it is over."""

    def __init__(self, now: Callable[[], float], deadline: float, patience: float) -> None:
        """`deadline` is for everything, `patience` for one wait, both in seconds."""
        self._now, self._patience = now, patience
        self._end = now() + deadline

    def left(self) -> float:
        """In seconds. Raises TimeoutError when there is nothing left."""
        left = self._end - self._now()
        if left <= 0:
            raise TimeoutError
        return min(left, self._patience)


class PacedSocket:
    """What http.client needs of a socket, with every wait within the clock."""

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock, self._clock = sock, clock

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._clock.left())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PacedReader(self._sock, self._clock))

    def close(self) -> None:
        self._sock.close()


class _PacedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock, self._raw, self._clock = sock, sock.makefile("rb", buffering=0), clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._clock.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
