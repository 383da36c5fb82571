"""Whether the mail server can be reached, safely, and what it offers. Nothing is sent, and nobody is named to it."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator

from coalition.config import Relay, Security, is_loopback
from coalition.errors import Misconfigured, RelayLost
from coalition.mail.session import Patience, open_session, tls_context
from coalition.services.checkup.findings import Finding, advice, fault, ok

_HASTE = Patience(connect=10, command=20, final=20)
_SMALL = 1_000_000  # bytes


def check(relay: Relay) -> Iterator[Finding]:
    """Open a session as a sender would, and close it again."""
    try:
        session = open_session(relay, tls_context(relay), _HASTE)
    except (RelayLost, Misconfigured) as error:
        yield fault("mail server", str(error))
        return
    with contextlib.closing(session):
        where = f"{relay.host}:{relay.port}"
        signed_in = " and takes our password" if relay.user else ""
        yield ok("mail server", f"{where} answers{signed_in}.")
        yield _safety(relay, session)
        yield from _offers({name.lower(): value for name, value in session.esmtp_features.items()})
        with contextlib.suppress(OSError):
            session.docmd("QUIT")


def _safety(relay: Relay, session: smtplib.SMTP) -> Finding:
    if isinstance(session.sock, ssl.SSLSocket):
        return ok("mail server", f"The way to it is safe ({session.sock.version()}), and its certificate is good.")
    if is_loopback(relay.host):
        return ok("mail server", "It is on this machine; letters need no TLS for that.")
    offered = session.has_extn("starttls")
    scheme = Security.STARTTLS if offered else Security.TLS
    return advice("mail server", f"Letters travel to it in clear: use {scheme}:// in COALITION_SMTP_URL.")


def _offers(features: dict[str, str]) -> Iterator[Finding]:
    if "pipelining" not in features:
        yield advice("mail server", "It offers no PIPELINING, so each letter waits for four answers instead of one.")
    size = features.get("size", "")
    if size.isdecimal() and 0 < int(size) < _SMALL:
        yield advice("mail server", f"It takes no letter of more than {int(size):,} bytes (SIZE).")
