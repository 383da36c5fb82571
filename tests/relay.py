"""A real mail server on loopback that takes everything; `Scripted` beside it is the one that does not."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from coalition.config import Relay, Security
from tests.certificates import CertFiles, make_ca
from tests.scripted import Action, Scripted

__all__ = ["Action", "CatchAll", "CertFiles", "Received", "Scripted", "make_ca"]

_STUCK = 30  # seconds after which a test that waits is called stuck


@dataclass(frozen=True)
class Received:
    """One message as `CatchAll` took it; `data` is as the client meant it, its dots unstuffed."""

    sender: str
    recipient: str
    data: bytes
    helo: str
    tls: bool
    utf8: bool


class CatchAll:
    """A real SMTP server that takes every message; `received` lists them in order of their coming.

    With `login` it takes them only from that user and password, with `size` none longer (in bytes).
    """

    def __init__(
        self,
        security: Security = Security.PLAIN,
        *,
        certificates: CertFiles | None = None,
        login: tuple[str, str] | None = None,
        size: int | None = None,
        utf8: bool = True,
    ) -> None:
        self.received: list[Received] = []
        self.port = 0
        self._security = security
        self._certificates = certificates
        self._context = certificates.server_context() if certificates else None
        self._login = login
        self._size = size
        self._utf8 = utf8
        self._came = threading.Condition()
        self._ready = threading.Event()
        self._protocols: list[SMTP] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(_STUCK)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def relay(self) -> Relay:
        """The facts with which a client finds this server and trusts it."""
        user, password = self._login or (None, None)
        return Relay(
            self._security,
            "127.0.0.1",
            self.port,
            user=user,
            password=password,
            ca_file=self._certificates.ca if self._certificates else None,
            helo="lists.example.org",
        )

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return len(self._protocols)

    def wait_for(self, count: int) -> list[Received]:
        """The messages, as soon as there are `count`; for a sender that runs beside the test."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.received) >= count, _STUCK), "The messages did not come."
            return list(self.received)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        implicit = self._context if self._security is Security.TLS else None
        server = await self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=implicit)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for protocol in self._protocols:
            if isinstance(protocol.transport, asyncio.WriteTransport):
                protocol.transport.abort()
        await server.wait_closed()

    def _protocol(self) -> SMTP:
        protocol = SMTP(
            self,
            hostname="relay.test",
            data_size_limit=self._size,
            enable_SMTPUTF8=self._utf8,
            tls_context=self._context if self._security is Security.STARTTLS else None,
            require_starttls=True,
            auth_required=self._login is not None,
            authenticator=self._authenticate,
            loop=self._loop,
        )
        # Only STARTTLS counts as TLS in aiosmtpd, and as an argument this would warn.
        protocol._auth_require_tls = self._security is Security.STARTTLS
        self._protocols.append(protocol)
        return protocol

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        known = self._login is not None and tuple(part.encode() for part in self._login)
        return AuthResult(success=(given.login, given.password) == known, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's hook for a whole message."""
        (recipient,) = envelope.rcpt_tos  # one each: what Coalition sends is personal
        assert isinstance(envelope.original_content, bytes)
        assert server.transport is not None
        tls = server.transport.get_extra_info("ssl_object") is not None
        with self._came:
            self.received.append(
                Received(
                    sender=(envelope.mail_from or "").removeprefix("<>"),  # as the null sender is spelled here
                    recipient=recipient,
                    data=envelope.original_content,
                    helo=session.host_name or "",
                    tls=tls,
                    utf8=envelope.smtp_utf8,
                )
            )
            self._came.notify_all()
        return "250 2.0.0 taken"
