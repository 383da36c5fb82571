"""Asks the DNS, and keeps apart what it says is not there from what nobody could tell."""

from typing import Any

import dns.exception
import dns.rdatatype
import dns.resolver
import dns.reversename

_PATIENCE = 5.0  # seconds for one question, whoever is asked


class CannotAsk(Exception):
    """Nobody answered, or not with an answer; the text says why, for people."""


class Names:
    """The DNS as this machine sees it, or as one name server does."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        """`server` is an IP address and a port. Raises CannotAsk where this machine has no name server."""
        try:
            self._resolver = dns.resolver.Resolver(configure=server is None)
        except dns.resolver.NoResolverConfiguration as error:
            raise CannotAsk("this machine has no name server") from error
        if server is not None:
            self._resolver.nameservers, self._resolver.port = [server[0]], server[1]
        self._resolver.lifetime = _PATIENCE

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each with its strings joined."""
        return [b"".join(each.strings).decode("utf-8", "replace") for each in self._ask(name, "TXT")]

    def mail_servers(self, name: str) -> list[str]:
        """Where mail for a name goes; `.` alone says that it takes none (RFC 7505)."""
        return [str(each.exchange) for each in self._ask(name, "MX")]

    def addresses(self, name: str) -> list[str]:
        """IP addresses of both kinds."""
        return [each.address for kind in ("A", "AAAA") for each in self._ask(name, kind)]

    def names_of(self, address: str) -> list[str]:
        """The names that an IP address points to."""
        found = self._ask(str(dns.reversename.from_address(address)), "PTR")
        return [str(each.target).rstrip(".").lower() for each in found]

    def _ask(self, name: str, kind: str) -> list[Any]:
        try:
            return list(self._resolver.resolve(name, kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.resolver.NoNameservers, dns.resolver.LifetimeTimeout) as error:
            raise CannotAsk("no name server gave an answer") from error
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            raise CannotAsk(f"the question for {name} could not be put") from error
