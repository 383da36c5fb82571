"""Opens a session with the mail server: connected, safe, introduced and signed in."""

import contextlib
import smtplib
import ssl
from base64 import b64encode
from dataclasses import dataclass

from coalition.config import Relay, Security
from coalition.errors import Misconfigured, RelayLost
from coalition.mail.replies import Reply


@dataclass(frozen=True)
class Patience:
    """How long to wait in each phase, in seconds."""

    connect: float = 30
    command: float = 300
    final: float = 600  # a server may scan the whole message before it answers


def tls_context(relay: Relay) -> ssl.SSLContext:
    """Checks certificate and name, speaks TLS 1.2 or later; trusts `relay.ca_file` besides the system's."""
    context = ssl.create_default_context()  # smtplib's own default would check nothing
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if relay.ca_file:
        try:
            context.load_verify_locations(relay.ca_file)
        except OSError as error:
            raise Misconfigured("COALITION_SMTP_CA names no file with certificates.") from error
    return context


def open_session(relay: Relay, tls: ssl.SSLContext, patience: Patience) -> smtplib.SMTP:
    """A session that waits for its first letter. Raises RelayLost with the reason when there is none."""
    try:
        with contextlib.ExitStack() as undo:
            smtp = _dial(relay, tls, patience.connect)
            undo.callback(smtp.close)
            wait_at_most(smtp, patience.command)
            _introduce(smtp, relay, tls)
            undo.pop_all()
    except (OSError, ValueError) as error:  # smtplib's own errors are OSErrors
        where = f"{relay.host}:{relay.port}"
        raise RelayLost(f"No session with the mail server {where}: {_why(error)}.") from error
    # Said only to servers that offer SMTPUTF8: all other envelopes are ASCII.
    smtp.command_encoding = "utf-8"
    return smtp


def wait_at_most(smtp: smtplib.SMTP, seconds: float) -> None:
    """From now on, no answer within so many seconds means that the server is gone."""
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)


def _dial(relay: Relay, tls: ssl.SSLContext, seconds: float) -> smtplib.SMTP:
    if relay.security is Security.TLS:
        return smtplib.SMTP_SSL(relay.host, relay.port, relay.helo, timeout=seconds, context=tls)
    return smtplib.SMTP(relay.host, relay.port, relay.helo, timeout=seconds)


def _introduce(smtp: smtplib.SMTP, relay: Relay, tls: ssl.SSLContext) -> None:
    _expect(250, smtp.ehlo())
    if relay.security is Security.STARTTLS:
        if not smtp.has_extn("starttls"):
            raise RelayLost("The mail server does not offer STARTTLS, and nothing is sent in clear.")
        smtp.starttls(context=tls)
        _expect(250, smtp.ehlo())
    if relay.user:
        _log_in(smtp, relay.user, relay.password or "")


def _expect(code: int, answer: tuple[int, bytes]) -> None:
    if answer[0] != code:
        raise smtplib.SMTPResponseException(*answer)


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    # Not smtplib's login(): that one prefers CRAM-MD5 and knows no password beyond ASCII.
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        steps = [(235, "AUTH PLAIN " + _base64(f"\0{user}\0{password}"))]
    elif "LOGIN" in offered:
        steps = [(334, "AUTH LOGIN"), (334, _base64(user)), (235, _base64(password))]
    else:
        raise RelayLost("The mail server offers no sign-in that Coalition knows (PLAIN or LOGIN).")
    for expected, step in steps:
        code, _ = smtp.docmd(step)
        if code != expected:
            # Its text is left out: it may repeat what we sent.
            raise RelayLost(f"The mail server did not accept our user name and password ({code}).")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _why(error: Exception) -> str:
    """For people; nothing of what we sent is in it."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate can't be trusted ({error.verify_message})"
        case ssl.SSLError():
            return "no safe connection could be agreed on"
        case smtplib.SMTPResponseException(smtp_code=int(code), smtp_error=bytes(said)):
            return f"it said {code} {Reply.read(code, said).text}"
        case smtplib.SMTPException() | ValueError():
            return "it went away or did not answer as a mail server does"
        case OSError(strerror=str(reason)):
            return reason
        case _:
            return str(error)
