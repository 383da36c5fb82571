"""A mail server on loopback in which any step of a session can be made to go wrong."""

import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import BinaryIO, Self

from coalition.config import Relay, Security

_STUCK = 30  # seconds after which a test that waits is called stuck


class Action(Enum):
    """What `Scripted` can do instead of answering."""

    CLOSE = "close"
    HANG = "hang"  # until `release()`, then answers as usual


Answer = str | Action
Script = Mapping[str, Answer | Sequence[Answer]] | Callable[[str], Answer | None]

_USUAL = {"GREETING": "220 relay.test", "DATA": "354 go on", "QUIT": "221 bye", "PAYLOAD": ""}


class Scripted:
    """An SMTP server in which any step can be made to go wrong.

    `script` maps a step to its answer, or to a list of them: one each time, and the last one stays. It may
    also be a function of the step's line; None means the usual answer. The steps are the verbs, and besides
    them GREETING, PAYLOAD (the first line of the message has been read) and "." (all of it). Lines of an
    answer are parted by a line feed. `offers` are the extensions, `heard` all commands, `messages` what stood
    before each final dot, as on the wire.
    """

    def __init__(self, script: Script | None = None, *, offers: Sequence[str] = ("8BITMIME",)) -> None:
        self.heard: list[str] = []
        self.messages: list[bytes] = []
        self._hanging = threading.Event()
        self._stopping = threading.Event()
        self._released = threading.Event()
        self._script = script if callable(script) else _in_turn(script or {})
        self._offers = offers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._released.set()
        with suppress(OSError):  # wakes the acceptor
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._acceptor.join()
        self._listener.close()
        for connection in self._sockets:
            with suppress(OSError):  # already closed
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def relay(self) -> Relay:
        """The facts with which a client finds this server."""
        return Relay(Security.PLAIN, "127.0.0.1", self.port, helo="lists.example.org")

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return len(self._sockets)

    def release(self) -> None:
        """Lets everything that hangs go on."""
        self._released.set()

    def wait_for_hang(self) -> None:
        """Returns when a client hangs; for a client that runs beside the test."""
        assert self._hanging.wait(_STUCK), "Nothing hangs."

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping.is_set():
                connection.close()
                return
            self._sockets.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines, suppress(OSError, _Close):
            self._converse(connection, lines)

    def _converse(self, connection: socket.socket, lines: BinaryIO) -> None:
        self._answer(connection, "GREETING")
        while line := lines.readline():
            verb, space, rest = line.decode("latin-1").rstrip("\r\n").partition(" ")
            command = f"{verb.upper()} {rest}" if space else verb  # alone it may be base64
            self.heard.append(command)
            answer = self._answer(connection, command)
            if _step(command) == "QUIT":
                return
            if _step(command) == "DATA" and answer.startswith("354"):
                self._take_message(connection, lines)

    def _take_message(self, connection: socket.socket, lines: BinaryIO) -> None:
        message = b""
        while line := lines.readline():
            if line == b".\r\n":
                self.messages.append(message)
                self._answer(connection, ".")
                return
            if not message:
                self._answer(connection, "PAYLOAD")
            message += line

    def _answer(self, connection: socket.socket, line: str) -> str:
        answer = self._script(line)
        if answer is Action.CLOSE:
            raise _Close
        if answer is Action.HANG:
            self._hanging.set()
            self._released.wait()
        said = answer if isinstance(answer, str) else self._usual(_step(line))
        connection.sendall("".join(f"{part}\r\n" for part in said.splitlines()).encode())
        return said

    def _usual(self, step: str) -> str:
        if step == "EHLO":
            return "\n".join(["250-relay.test", *(f"250-{offer}" for offer in self._offers), "250 HELP"])
        return _USUAL.get(step, "250 OK")


class _Close(Exception):
    """The script wants the connection closed here."""


def _step(line: str) -> str:
    return line.split(" ", 1)[0].upper()


def _in_turn(script: Mapping[str, Answer | Sequence[Answer]]) -> Callable[[str], Answer | None]:
    turns = {
        step: deque([answers] if isinstance(answers, (str, Action)) else answers) for step, answers in script.items()
    }

    def answer(line: str) -> Answer | None:
        turn = turns.get(_step(line))
        if turn is None:
            return None
        return turn.popleft() if len(turn) > 1 else turn[0]

    return answer
