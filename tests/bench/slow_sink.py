"""A mail server that takes everything and holds each of its answers for a while, as one far away does.

python -m tests.bench.slow_sink MILLISECONDS        prints its port, then serves until it is ended

It speaks as much SMTP as the two programs that are measured need, and looks at no message.
"""

import heapq
import selectors
import socket
import sys
import time
from itertools import count

_END = b"\r\n.\r\n"
_SAYS = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"HELO": b"250 sink\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}


class _Client:
    """One connection: what has come, and whether a message is on its way."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket, self.buffer, self.in_message = connection, b"", False

    def answers(self, data: bytes) -> bytes:
        """What is to be said to these bytes."""
        self.buffer += data
        said = b""
        while True:
            if self.in_message:
                end = self.buffer.find(_END)
                if end < 0:
                    self.buffer = self.buffer[-4:]  # the end may be cut in two
                    return said
                self.buffer, self.in_message = self.buffer[end + len(_END) :], False
                said += b"250 2.0.0 Ok\r\n"
                continue
            line, found, rest = self.buffer.partition(b"\n")
            if not found:
                return said
            self.buffer, word = rest, line[:4].upper()
            said += _SAYS.get(word, b"250 2.1.0 Ok\r\n")
            if word == b"DATA":
                self.in_message = True
                self.buffer = b"\r\n" + self.buffer  # the first line may be the dot already


def main(milliseconds: str) -> None:
    """Serve until ended."""
    held = float(milliseconds) / 1000
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    due: list[tuple[float, int, socket.socket, bytes]] = []
    numbers = count()
    while True:
        wait = max(0.0, due[0][0] - time.monotonic()) if due else None
        for key, _ in selector.select(wait):
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ, _Client(connection))
                heapq.heappush(due, (time.monotonic() + held, next(numbers), connection, b"220 sink ESMTP\r\n"))
                continue
            client: _Client = key.data
            data = _read(client.socket)
            if not data:
                selector.unregister(client.socket)
                client.socket.close()
            elif said := client.answers(data):
                heapq.heappush(due, (time.monotonic() + held, next(numbers), client.socket, said))
        while due and due[0][0] <= time.monotonic():
            _, _, connection, said = heapq.heappop(due)
            if connection.fileno() >= 0:
                connection.sendall(said)


def _read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 20)
    except OSError:
        return b""


if __name__ == "__main__":
    main(*sys.argv[1:])
