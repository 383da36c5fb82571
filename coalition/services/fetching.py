"""Fetches what strangers publish, from the public Internet only: no feed makes us knock at the doors at home."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from string import punctuation
from typing import TypeVar
from urllib.parse import quote, urljoin, urlsplit

from coalition.config import Config
from coalition.errors import CoalitionError
from coalition.services import networks
from coalition.services.networks import IpAddress
from coalition.services.paced import Clock, PacedSocket

_PORTS = {"https": 443, "http": 80}
_REDIRECTS = {301, 302, 303, 307, 308}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
# 2130706433, 0x7f.1 and 0177.0.0.1 are all 127.0.0.1: a name whose last part is a number is no name.
_NUMERIC = re.compile(r".*:.*|(.*\.)?([0-9]+|0x[0-9a-f]*)")
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
T = TypeVar("T")


class FetchFailed(CoalitionError):
    """Nothing could be fetched; the text says why, and nothing about our network."""


def lookup(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system knows them. Takes the system's own time."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Policy:
    """How far a fetch may go. `deadline` is for all of it, `patience` for each wait (seconds); `most` is in bytes."""

    agent: str
    schemes: frozenset[str] = frozenset({"https"})
    ports: frozenset[int] | None = frozenset({80, 443})
    numeric_hosts: bool = False
    allows: Callable[[IpAddress], bool] = networks.is_public
    lookup: Callable[[str, int], Sequence[str]] = lookup
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    clock: Callable[[], float] = time.monotonic
    deadline: float = 20
    patience: float = 5
    most: int = 1_000_000
    redirects: int = 3
    downgrades: bool = False  # whether https may lead on to http: no harm where nothing of the answer is kept


def policy_of(config: Config) -> Policy:
    """Https to the public Internet only; while Coalition is tried out on one machine, that machine too."""
    agent = f"Coalition (+{config.base_url})"
    if not config.is_local:
        return Policy(agent)
    return Policy(
        agent,
        schemes=frozenset({"https", "http"}),
        ports=None,
        numeric_hosts=True,
        allows=networks.is_public_or_own,
    )


@dataclass(frozen=True)
class Fetched:
    """An answer: 200 with a body, 304 (nothing new) or 410 (gone for good). `url` is where it was found at last."""

    status: int
    body: bytes
    etag: str | None
    last_modified: str | None
    url: str


@dataclass(frozen=True)
class Place:
    """A URL that may be asked, in parts."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The whole, in one spelling."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


@dataclass(frozen=True)
class _Onward:
    """Where a server leads on to, as it says it."""

    location: str


def get(url: str, *, etag: str | None, last_modified: str | None, policy: Policy) -> Fetched:
    """Fetch what is at a URL, unless it still is what these two marks stand for. Raises FetchFailed."""
    headers = {"Accept": _ACCEPT}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    return _follow("GET", url, headers, policy, lambda response, place: _fetched(response, place, policy))


def status(url: str, *, policy: Policy) -> int:
    """The number that a URL is answered with at last; what is there is not read. Raises FetchFailed.

    Many servers misread HEAD, some of them without saying 405 or 501: a bad answer to it is asked for once more.
    """
    answered = _follow("HEAD", url, {"Accept": "*/*"}, policy, lambda response, _place: response.status)
    if answered < 400:
        return answered
    return _follow("GET", url, {"Accept": "*/*"}, policy, lambda response, _place: response.status)


def place_of(url: str, policy: Policy) -> Place:
    """Take a URL apart and see that it may be asked. Raises FetchFailed."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        if ":" not in host:
            host = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except ValueError as error:
        raise FetchFailed("That is not the address of anything on the web.") from error
    wanted = "https://" if policy.schemes == {"https"} else "https:// or http://"
    if parts.scheme not in policy.schemes:
        raise FetchFailed(f"The address of a feed begins with {wanted}")
    if "@" in parts.netloc:
        raise FetchFailed("The address holds a name or password: only feeds that everybody may read are fetched.")
    is_numeric = _NUMERIC.fullmatch(host) is not None
    if not (_HOST.fullmatch(host) or is_numeric) or len(url) > 2_000:
        raise FetchFailed("That is not the address of anything on the web.")
    if is_numeric and not policy.numeric_hosts:
        raise FetchFailed("The address names a machine by its number: feeds are fetched from named servers only.")
    port = _PORTS[parts.scheme] if port is None else port
    if policy.ports is not None and port not in policy.ports:
        raise FetchFailed("The address names a port of its own: feeds are fetched from the usual ones only.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host, port, quote(path, safe=punctuation))


def _follow(
    method: str, url: str, headers: dict[str, str], policy: Policy, read: Callable[[HTTPResponse, Place], T]
) -> T:
    """Ask, and ask on where a server leads on to, within one clock."""
    headers = {"User-Agent": policy.agent, **headers, "Accept-Encoding": "identity", "Connection": "close"}
    place, clock = place_of(url, policy), Clock(policy.clock, policy.deadline, policy.patience)
    for _ in range(policy.redirects + 1):
        answer = _ask(method, place, headers, policy, clock, read)
        if not isinstance(answer, _Onward):
            return answer
        onward = place_of(urljoin(place.url, answer.location), policy)
        if place.scheme == "https" and onward.scheme == "http" and not policy.downgrades:
            raise FetchFailed("The server leads on from https to http, which anybody could have changed on the way.")
        place = onward
    raise FetchFailed("The server leads on from one address to the next too often.")


def _ask(
    method: str,
    place: Place,
    headers: dict[str, str],
    policy: Policy,
    clock: Clock,
    read: Callable[[HTTPResponse, Place], T],
) -> T | _Onward:
    """The answer of one server, or the address it leads on to."""
    connection = _Connection(place, policy, clock)
    try:
        connection.request(method, place.path, headers=headers)
        with connection.getresponse() as response:
            if response.status in _REDIRECTS:
                return _Onward(response.headers.get("Location", ""))
            return read(response, place)
    except TimeoutError as error:
        raise FetchFailed("The server takes too long.") from error
    except ssl.SSLError as error:
        raise FetchFailed("The server has no valid certificate for its name.") from error
    except socket.gaierror as error:
        raise FetchFailed("There is no server of that name.") from error
    except (OSError, HTTPException, ValueError) as error:
        raise FetchFailed("The server can't be reached, or broke off.") from error
    finally:
        connection.close()


def _fetched(response: HTTPResponse, place: Place, policy: Policy) -> Fetched:
    if response.status not in {200, 304, 410}:
        raise FetchFailed(f"The server answered {response.status} instead of a feed.")
    body = _body(response, policy.most) if response.status == 200 else b""
    etag, last_modified = (_mark(response.headers.get(name)) for name in ("ETag", "Last-Modified"))
    return Fetched(response.status, body, etag, last_modified, place.url)


def _body(response: HTTPResponse, most: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise FetchFailed("The server sends compressed data that nobody asked for.")
    body = response.read(most + 1)
    if len(body) > most:
        raise FetchFailed(f"What the server sends is larger than {most / 1_000_000:g} MB.")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and not response.chunked and int(announced) != len(body):
        raise FetchFailed("The server can't be reached, or broke off.")
    return body


def _mark(value: str | None) -> str | None:
    """A mark fit to be kept and shown to the server again."""
    return value if value and len(value) <= 300 and value.isascii() and value.isprintable() else None


class _Connection(HTTPConnection):
    """Looks a name up once, and connects to an address it has looked at: a second answer of the resolver is not asked.

    One forbidden address among several is enough to refuse: whoever runs the name server chooses which is tried.
    """

    def __init__(self, place: Place, policy: Policy, clock: Clock) -> None:
        super().__init__(place.host, place.port)
        self.default_port = _PORTS[place.scheme]  # which the Host header leaves out
        self._place, self._policy, self._clock = place, policy, clock

    def connect(self) -> None:
        self._clock.left()
        sock = self._first_open([ip_address(found) for found in self._policy.lookup(self.host, self.port)])
        if self._place.scheme == "https":
            with sock:  # closed if no TLS comes of it; else it is detached into the other by then
                sock.settimeout(self._clock.left())
                sock = self._policy.tls().wrap_socket(sock, server_hostname=self.host)
        self.sock = PacedSocket(sock, self._clock)

    def _first_open(self, addresses: Sequence[IpAddress]) -> socket.socket:
        if not addresses or not all(self._policy.allows(address) for address in addresses):
            raise FetchFailed("That server is not on the public Internet: nothing else is fetched from.")
        failure: OSError | None = None
        for address in addresses:
            try:
                return socket.create_connection((str(address), self.port), timeout=self._clock.left())
            except OSError as error:
                failure = error
        raise failure or OSError
