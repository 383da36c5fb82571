"""A web server on a free port of this machine, for pages of ours and pages of others."""

import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import waitress

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Served:
    """Listens at once, so that its address is known; serves the application that `show` names."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://{host}:{self._listening.getsockname()[1]}"
        self._server: Any = None

    def show(self, app: Wsgi) -> None:
        """Begin to answer."""
        self._server = waitress.create_server(app, sockets=[self._listening], threads=4, ident=None)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is None:
            self._listening.close()
            return
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(self._close)
        self._thread.join()

    def _close(self) -> None:
        # In the server's own thread, because its loop must not find sockets that another thread has closed.
        for connection in list(self._server.active_channels.values()):
            connection.handle_close()
        self._server.close()


def a_page(html: str) -> Wsgi:
    """A web site of one page."""

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [f"<!doctype html><html lang='en'><title>A partner's page</title><h1>A partner</h1>{html}".encode()]

    return answer
