"""Web pages on loopback, for those who ask whether they are there."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Asked = tuple[str, str, dict[str, str]]


class PageServer:
    """Answers by method and path with a status, and remembers who asked with which headers.

    What stands under a path alone goes for both methods; what is not known is 404. A number over 599 means silence.
    """

    def __init__(self, **statuses: int) -> None:
        self.statuses: dict[str, int] = {f"/{path}": status for path, status in statuses.items()}
        self.asked: list[Asked] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def host(self) -> str:
        """The host with its port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, path: str) -> str:
        """Where a path is found."""
        return f"http://{self.host}{path}"

    @property
    def lines(self) -> list[str]:
        """What was asked, in order: `HEAD /path`."""
        return [f"{method} {path}" for method, path, _ in self.asked]

    def answer(self, handler: BaseHTTPRequestHandler) -> int:
        """The status for a request, which is noted."""
        self.asked.append((handler.command, handler.path, dict(handler.headers)))
        return self.statuses.get(f"{handler.command} {handler.path}", self.statuses.get(handler.path, 404))

    def __enter__(self) -> "PageServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


def _handler(server: PageServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = server.answer(self)
            if status > 599:
                self.rfile.read(1)  # until the client has had enough
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", self.path.partition("?to=")[2])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, _format: str, *_args: object) -> None:
            """Tests look at what was asked, not at a log."""

    return Handler
