"""The running local mailbox: a catch-all SMTP server and the page that shows its letters, on loopback."""

import asyncio
import errno
import logging
import socket
from contextlib import ExitStack
from threading import Thread
from types import TracebackType
from typing import Any, Self

import waitress
from aiosmtpd.smtp import SMTP
from flask import Flask

from coalition.errors import Misconfigured
from coalition.mailbox.page import create_page
from coalition.mailbox.store import Store

OWN_HOSTS = ("127.0.0.1", "::1", "localhost")
LARGEST_LETTER = 10 * 1024 * 1024


class Mailbox:
    """Store, SMTP server and page server, started and stopped together."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        page_port: int = 8001,
        smtp_port: int = 0,
        *,
        site_url: str | None = None,
    ) -> None:
        """Port 0 takes a free one. `site_url` is where an empty mailbox sends its reader to sign up.

        Raises Misconfigured for any other host than this machine's own.
        """
        if host not in OWN_HOSTS:
            raise Misconfigured(f"The local mailbox is for this machine only: {', '.join(OWN_HOSTS)}.")
        self.store = Store()
        self.page_port = page_port
        self.smtp_port = smtp_port
        self._host = host
        self._wanted = (page_port, smtp_port)
        self._page = create_page(self.store, site_url=site_url)
        self._running: ExitStack | None = None

    @property
    def page_url(self) -> str:
        """Where to read the letters; with a real port once started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.page_port}/"

    def start(self) -> None:
        """Listen on both ports; clients may connect once this returns. Starting twice is once.

        Raises Misconfigured if a port can't be had; then nothing is left open.
        """
        if self._running:
            return
        page_port, smtp_port = self._wanted
        with ExitStack() as opened:
            smtp = opened.enter_context(_listen(self._host, smtp_port))
            page = opened.enter_context(_listen(self._host, page_port))
            self.smtp_port, self.page_port = smtp.getsockname()[1], page.getsockname()[1]
            opened.callback(_PageServer(self._page, page).stop)
            opened.callback(_SmtpServer(self.store, smtp).stop)
            self._running = opened.pop_all()

    def stop(self) -> None:
        """Close both ports and every connection at once. The letters stay readable in `store`."""
        running, self._running = self._running, None
        if running:
            running.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Misconfigured(
                f"Port {port} on {host} is taken. End the program that uses it (perhaps another Coalition),"
                " or choose another port with COALITION_MAILBOX_PORT."
            ) from error
        raise Misconfigured(f"Port {port} on {host} can't be used: {error.strerror or error}.") from error


class _PageServer:
    def __init__(self, page: Flask, listening: socket.socket) -> None:
        self._server = waitress.create_server(page, sockets=[listening], threads=4, ident=None)
        self._thread = Thread(target=self._server.run, name="mailbox-page", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(self._close)
        self._thread.join()

    def _close(self) -> None:
        # In waitress's own thread, because its loop must not find sockets that another thread has closed;
        # and browsers keep connections open, for which it would otherwise wait two minutes.
        for connection in list(self._server.active_channels.values()):
            connection.handle_close()
        self._server.close()


class _SmtpServer:
    def __init__(self, store: Store, listening: socket.socket) -> None:
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # below that, aiosmtpd logs addresses
        self._store = store
        self._connections: set[asyncio.Transport] = set()
        self._loop, self._end = asyncio.new_event_loop(), asyncio.Event()
        self._thread = Thread(target=self._run, args=[listening], name="mailbox-smtp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self, listening: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(listening))

    async def _serve(self, listening: socket.socket) -> None:
        server = await self._loop.create_server(self._conversation, sock=listening)
        await self._end.wait()
        server.close()
        for connection in self._connections.copy():
            connection.abort()
        await server.wait_closed()

    def _conversation(self) -> SMTP:
        return _Conversation(self._store, self._connections)


class _Conversation(SMTP):
    """SMTP with one client; announces SIZE, 8BITMIME and SMTPUTF8, and takes a letter to anybody."""

    def __init__(self, store: Store, connections: set[asyncio.Transport]) -> None:
        super().__init__(
            _CatchAll(store),
            hostname="mailbox.localhost",  # the default would ask DNS
            ident="Coalition local mailbox",
            data_size_limit=LARGEST_LETTER,
            enable_SMTPUTF8=True,
        )
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._connections.add(transport)
        self._own = transport
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self._own)
        super().connection_lost(error)


class _CatchAll:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        sender = "" if envelope.mail_from == "<>" else envelope.mail_from
        kept = [self._store.keep(sender, recipient, envelope.content) for recipient in envelope.rcpt_tos]
        return f"250 2.0.0 Kept in the local mailbox as letter {kept[-1].id}"
