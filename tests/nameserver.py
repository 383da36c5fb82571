"""A name server on loopback: it answers over UDP, with the records that a test gives it."""

import socket
from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Zone = Mapping[str, Mapping[str, Sequence[str]]]


class NameServer:
    """Answers from `zone`: names, each with its records by type, as in a zone file. `sick` ones end in SERVFAIL."""

    def __init__(self, zone: Zone, *, sick: Sequence[str] = ()) -> None:
        self._zone = {dns.name.from_text(name): records for name, records in zone.items()}
        self._sick = {dns.name.from_text(name) for name in sick}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.address)  # ends it
        self._thread.join()
        self._socket.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return "127.0.0.1", port

    def _serve(self) -> None:
        while True:
            data, whom = self._socket.recvfrom(4096)
            if not data:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(), whom)

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.AA | dns.flags.RA
        (asked,) = question.question
        if asked.name in self._sick:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif asked.name not in self._zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif records := self._zone[asked.name].get(dns.rdatatype.to_text(asked.rdtype)):
            answer.answer.append(dns.rrset.from_text_list(asked.name, 60, dns.rdataclass.IN, asked.rdtype, records))
        return answer
