"""Where mail that came back waits to be read: a Maildir folder, or a mailbox on an IMAP server."""

import imaplib
import os
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from coalition.config import is_loopback
from coalition.errors import Refused
from coalition.mail.replies import redact
from coalition.mail.reports import MOST_BYTES

_PATIENCE = 60.0  # seconds for each answer of an IMAP server
_PORTS = {"imaps": 993, "imap+starttls": 143, "imap": 143}
_FORM = "Name the mailbox like imaps://user@mail.example.org/Bounces."


@dataclass(frozen=True)
class Waiting:
    """One message, as far as it will be read; `handled` is called once what follows from it is kept."""

    raw: bytes = field(repr=False)
    handled: Callable[[], None]


@contextmanager
def maildir(folder: Path, *, delete: bool) -> Iterator[Iterator[Waiting]]:
    """The new messages of a Maildir, one after the other. Handled, they are seen, or gone. Raises Refused."""
    new, seen = folder / "new", folder / "cur"
    if not new.is_dir() or not seen.is_dir():
        raise Refused(f"{folder} is no Maildir: it has no folders named new and cur.")
    yield _new_messages(new, None if delete else seen)


@contextmanager
def imap(url: str, password: str | None, ca_file: Path | None, *, delete: bool) -> Iterator[Iterator[Waiting]]:
    """The unseen messages of an IMAP folder, one after the other, for as long as the block lasts. Raises Refused."""
    place = _place(url)
    with _connected(place, password, ca_file) as server:
        folder = unquote(place.path.removeprefix("/")) or "INBOX"
        if server.select('"' + re.sub(r'(["\\])', r"\\\1", folder) + '"')[0] != "OK":
            raise Refused("The mail server has no folder of that name.")
        yield _unseen_messages(server, delete=delete)


def _new_messages(new: Path, seen: Path | None) -> Iterator[Waiting]:
    for name in sorted(os.listdir(new)):
        path = new / name
        with suppress(FileNotFoundError):  # somebody else reads the same folder
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    raw = file.read(MOST_BYTES + 1)
                yield Waiting(raw, _remover(path, seen and seen / f"{name.partition(':')[0]}:2,S"))


def _unseen_messages(server: imaplib.IMAP4, *, delete: bool) -> Iterator[Waiting]:
    _, [numbers] = server.uid("SEARCH", "UNSEEN")
    for number in (numbers or b"").decode("ascii").split():
        _, answer = server.uid("FETCH", number, f"(BODY.PEEK[]<0.{MOST_BYTES + 1}>)")
        found = [each[1] for each in answer if isinstance(each, tuple)]
        if found:
            yield Waiting(found[0], _marker(server, number, delete=delete))


def _remover(path: Path, to: Path | None) -> Callable[[], None]:
    def handled() -> None:
        with suppress(FileNotFoundError):
            if to is None:
                path.unlink()
            else:
                path.rename(to)

    return handled


def _marker(server: imaplib.IMAP4, number: str, *, delete: bool) -> Callable[[], None]:
    def handled() -> None:
        server.uid("STORE", number, "+FLAGS.SILENT", r"(\Seen \Deleted)" if delete else r"(\Seen)")
        # Without UIDPLUS we would remove what other people have marked as well.
        if delete and "UIDPLUS" in server.capabilities:
            server.uid("EXPUNGE", number)

    return handled


def _place(url: str) -> SplitResult:
    try:
        place = urlsplit(url)
        _ = place.port
    except ValueError as error:
        raise Refused(_FORM) from error
    if place.scheme not in _PORTS or not place.hostname or not place.username:
        raise Refused(_FORM)
    if place.password is not None:
        raise Refused("A password in the address can be seen by others: give it as COALITION_IMAP_PASSWORD.")
    if place.scheme == "imap" and not is_loopback(place.hostname):
        raise Refused("imap:// would send the password in clear: use imaps:// or imap+starttls://.")
    return place


@contextmanager
def _connected(place: SplitResult, password: str | None, ca_file: Path | None) -> Iterator[imaplib.IMAP4]:
    """A conversation after login; whatever ends it is told in one line, without addresses."""
    if password is None:
        raise Refused("COALITION_IMAP_PASSWORD is not set (or COALITION_IMAP_PASSWORD_FILE, naming a file).")
    host, port = place.hostname or "", place.port or _PORTS[place.scheme]
    try:
        context = ssl.create_default_context()
        if ca_file is not None:
            context.load_verify_locations(ca_file)
        if place.scheme == "imaps":
            server: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=_PATIENCE)
        else:
            server = imaplib.IMAP4(host, port, timeout=_PATIENCE)
        with server:
            if place.scheme == "imap+starttls":
                server.starttls(context)
            server.login(unquote(place.username or ""), password)
            yield server
    except (imaplib.IMAP4.error, OSError) as error:
        raise Refused(f"The mailbox can't be read: {redact(str(error))[:200]}.") from error
