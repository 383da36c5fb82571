"""An IMAP server on loopback, as far as somebody goes who reads what is unseen in one folder; over TLS."""

import re
import socket
import ssl
import threading
from types import TracebackType
from typing import Self

from tests.certificates import CertFiles

_STUCK = 30  # seconds


class Imap:
    """Serves one mailbox to one client after the other; `flags` tells what became of each message."""

    def __init__(self, messages: list[bytes], certificates: CertFiles, password: str = "secret words") -> None:
        self.messages = dict(enumerate(messages, start=101))
        self.flags: dict[int, str] = dict.fromkeys(self.messages, "")
        self.password = password
        self._context = certificates.server_context()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_STUCK)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            plain.settimeout(_STUCK)
            try:
                with self._context.wrap_socket(plain, server_side=True) as client, client.makefile("rwb") as talk:
                    self._talk(talk)
            except (OSError, ssl.SSLError):
                plain.close()

    def _talk(self, talk) -> None:  # type: ignore[no-untyped-def]  # a file that reads and writes, of a type without a name
        def say(line: str) -> None:
            talk.write(line.encode() + b"\r\n")
            talk.flush()

        say("* OK ready")
        for raw in iter(talk.readline, b""):
            tag, command = raw.decode().strip().split(" ", 1)
            verb = command.upper()
            if verb.startswith("CAPABILITY"):
                say("* CAPABILITY IMAP4rev1 UIDPLUS")
            elif verb.startswith("LOGIN") and f'"{self.password}"' not in command:
                say(f"{tag} NO [AUTHENTICATIONFAILED] bounces@example.org may not")
                continue
            elif verb.startswith("SELECT"):
                if '"Bounces"' not in command:
                    say(f"{tag} NO no such folder")
                    continue
                say(f"* {len(self.messages)} EXISTS")
            elif verb.startswith("UID SEARCH"):
                say("* SEARCH " + " ".join(str(number) for number, flags in self.flags.items() if "Seen" not in flags))
            elif verb.startswith("UID FETCH"):
                number = int(command.split()[2])
                most = int(re.search(r"<0\.(\d+)>", command)[1])  # type: ignore[index]
                body = self.messages[number][:most]
                talk.write(b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n" % (number, len(body)) + body + b")\r\n")
            elif verb.startswith("UID STORE"):
                self.flags[int(command.split()[2])] += command.split(" ", 4)[4]
            elif verb.startswith("UID EXPUNGE"):
                self.messages.pop(int(command.split()[2]))
            elif verb.startswith("LOGOUT"):
                say("* BYE")
            say(f"{tag} OK done")
