"""A web server on loopback that says just what a test wants, however rude."""

import contextlib
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

RSS = '<rss version="2.0"><channel><title>News</title>{}</channel></rss>'


@dataclass(frozen=True)
class Answer:
    """What the server says at one path. A body in pieces has no announced length; `silent` says nothing at all."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False


class FeedServer:
    """Answers by path, and remembers who asked with which headers."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, Message]] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def url(self, path: str = "/feed", host: str = "127.0.0.1") -> str:
        """Where a path is found."""
        return f"http://{host}:{self.port}{path}"

    def serve(self, *entries: str, path: str = "/feed", headers: dict[str, str] | None = None) -> str:
        """Put an RSS feed of these entries at a path. Returns its URL."""
        self.answers[path] = Answer(RSS.format("".join(entries)).encode(), headers=headers or {})
        return self.url(path)

    def __enter__(self) -> "FeedServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def entry(guid: str, title: str = "News", text: str = "Some news.", **parts: str) -> str:
    """One RSS entry; parts are further elements."""
    more = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    return f"<item><guid>{guid}</guid><title>{title}</title><description>{text}</description>{more}</item>"


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what many tests are about."""


def _handler(server: FeedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.path, self.headers))
            answer = server.answers.get(self.path, Answer(status=404))
            if answer.silent:
                self.rfile.read(1)  # until the client has had enough
                return
            self.send_response(answer.status)
            pieces = answer.body
            if isinstance(pieces, bytes):
                pieces = [pieces]
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(pieces[0])))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                for piece in pieces:
                    self.wfile.write(piece)

        def log_message(self, _format: str, *_args: object) -> None:
            """Tests look at what was asked, not at a log."""

    return Handler
