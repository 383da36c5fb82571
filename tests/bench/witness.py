"""A mail server on loopback that takes everything at full speed and remembers who got what, without keeping it."""

import asyncio
import base64
import re
import threading
from collections import Counter, defaultdict
from hashlib import sha256
from typing import NamedTuple, Self

_STUCK = 120  # seconds without enough letters after which a sender is called stuck
_END = b"\r\n.\r\n"
_SAYS = {
    b"EHLO": b"250-witness\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n",
    b"AUTH": b"235 hello\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
_NONCE = re.compile(rb"^Message-ID: <([^@\r]+)@", re.MULTILINE)


class Copy(NamedTuple):
    """One letter as it came."""

    nonce: str  # of its delivery: what stands before the @ of its Message-ID
    digest: bytes


class Witness:
    """`copies` are the letters of each recipient, `total` is how many that makes, `given` how many by each user."""

    def __init__(self) -> None:
        self.copies: dict[bytes, list[Copy]] = defaultdict(list)
        self.given: Counter[str] = Counter()
        self.total = self.port = 0
        self._came = threading.Condition()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def doubled(self) -> int:
        """How many letters came that their recipients had already."""
        with self._came:
            return self.total - len(self.copies)

    def wait_for(self, count: int) -> None:
        """Returns as soon as so many letters have come; RuntimeError where they don't."""
        with self._came:
            if not self._came.wait_for(lambda: self.total >= count, _STUCK):
                raise RuntimeError(f"only {self.total} of {count} letters came")

    def take(self, user: str, recipient: bytes, message: bytes) -> None:
        """Remember a letter."""
        found = _NONCE.search(message)
        with self._came:
            self.copies[recipient].append(Copy(found[1].decode() if found else "", sha256(message).digest()))
            self.given[user] += 1
            self.total += 1
            self._came.notify_all()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Session(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()


class _Session(asyncio.Protocol):
    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._came, self._looked, self._in_message = bytearray(), 0, False
        self._user, self._recipient = "", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(b"220 witness ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._came += data
        answers = []
        while (answer := self._take_message() if self._in_message else self._take_line()) is not None:
            answers.append(answer)
        self._transport.write(b"".join(answers))

    def _take_line(self) -> bytes | None:
        end = self._came.find(b"\r\n")
        if end < 0:
            return None
        line = bytes(self._came[:end])
        del self._came[: end + 2]
        word = line[:4].upper()
        if word == b"AUTH":
            self._user = base64.b64decode(line.split()[-1]).split(b"\0")[1].decode()
        if word == b"RCPT":
            self._recipient = line[line.index(b"<") + 1 : line.rindex(b">")].lower()
        if word == b"DATA":
            self._in_message, self._looked = True, 0
        return _SAYS.get(word, b"250 2.1.0 Ok\r\n")

    def _take_message(self) -> bytes | None:
        end = self._came.find(_END, self._looked)
        if end < 0:
            self._looked = max(0, len(self._came) - len(_END))  # the end may be cut in two
            return None
        self._witness.take(self._user, self._recipient, bytes(self._came[:end]))
        del self._came[: end + len(_END)]
        self._in_message = False
        return b"250 2.0.0 Ok\r\n"
