"""COALITION_* from the environment, read once into frozen facts; every fault is told at start, by name."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from coalition.community import Community, read_community
from coalition.errors import Misconfigured

_KNOWN = [
    "HOME",
    "BIND",
    "BASE_URL",
    "DATABASE_URL",
    "SMTP_URL",
    "SMTP_CA",
    "IMAP_PASSWORD",
    "IMAP_CA",
    "FROM",
    "RATE",
    "UNCERTAIN",
    "PROXIES",
    "MAILBOX_PORT",
    "JOURNAL",
    "SPOOL",
    "METRICS_TOKEN",
    "LOG",
]


class Uncertain(StrEnum):
    """What happens to a letter that the mail server may or may not have taken."""

    RETRY = "retry"  # sent once more, the same bytes under the same Message-ID
    HOLD = "hold"  # left to a person


class Log(StrEnum):
    """How the log is written."""

    PLAIN = "plain"  # for people
    JSON = "json"  # for programs that gather logs


class Security(StrEnum):
    """How the way to the mail server is protected; also the scheme of COALITION_SMTP_URL."""

    PLAIN = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_SHORTEST_SECRET = 20
Choice = TypeVar("Choice", bound=StrEnum)

_DEFAULT_PORT = {Security.PLAIN: 25, Security.STARTTLS: 587, Security.TLS: 465}


@dataclass(frozen=True)
class Relay:
    """The mail server that every letter is given to."""

    security: Security
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    helo: str = "localhost"


@dataclass(frozen=True)
class Config:
    """All facts of one running Coalition that don't change while it runs."""

    home: Path
    host: str
    port: int
    base_url: str
    database_url: str = field(repr=False)
    relay: Relay | None
    imap_password: str | None = field(repr=False)
    imap_ca: Path | None
    rate: float | None
    uncertain: Uncertain
    proxies: int
    mailbox_port: int
    journal: Path
    spool: Path
    metrics_token: str | None = field(repr=False)
    log: Log
    community: Community

    @property
    def keys(self) -> Path:
        """The folder of the key rings."""
        return self.home / "keys"

    @property
    def anchors(self) -> Path:
        """The file that remembers, outside the database, how the consent chain stood."""
        return self.home / "consent-anchors.txt"

    @property
    def backups(self) -> Path:
        """The folder of backups that were given no other place."""
        return self.home / "backups"

    @property
    def is_local(self) -> bool:
        """Whether links lead to this machine only, as while trying it out."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def secure(self) -> bool:
        """Whether visitors come by https."""
        return self.base_url.startswith("https:")


def read_config(environ: Mapping[str, str] | None = None) -> Config:
    """Read the environment and `community.toml`. Raises Misconfigured with one line for each fault."""
    reader = _Reader(os.environ if environ is None else environ)
    home = reader.folder("HOME", "instance")
    host, port = reader.bind()
    base_url = reader.base_url(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    relay = reader.relay(urlsplit(base_url).hostname or "localhost")
    community, faults = read_community(home / "community.toml", reader.text("FROM", ""))
    reader.faults += faults
    imap_ca = reader.text("IMAP_CA", "")
    config = Config(
        home=home,
        host=host,
        port=port,
        base_url=base_url,
        database_url=reader.text("DATABASE_URL", f"sqlite:///{home / 'coalition.db'}"),
        relay=relay,
        imap_password=reader.text("IMAP_PASSWORD", "") or None,
        imap_ca=Path(imap_ca) if imap_ca else None,
        rate=reader.number("RATE", minimum=0.01),
        uncertain=reader.choice("UNCERTAIN", Uncertain.RETRY),
        proxies=reader.whole("PROXIES", highest=9),
        mailbox_port=reader.whole("MAILBOX_PORT", highest=65535) or (port + 1 if port else 0),
        journal=reader.folder("JOURNAL", str(home / "journal")),
        spool=reader.folder("SPOOL", str(home / "spool")),
        metrics_token=reader.secret("METRICS_TOKEN"),
        log=reader.choice("LOG", Log.PLAIN),
        community=community,
    )
    reader.faults += _public_faults(config)
    reader.raise_faults()
    return config


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult:
    """The parts of a URL; all of them empty where it is malformed (a bracket left open, a port that is none)."""
    try:
        url = urlsplit(text)
        _ = url.port  # read only here, so that it can fail only here
        return url
    except ValueError:
        return urlsplit("")


def _public_faults(config: Config) -> list[str]:
    if config.is_local:
        return []
    faults = []
    if config.relay is None:
        faults.append("COALITION_SMTP_URL is empty, but COALITION_BASE_URL is public: name your mail server.")
    if config.community.is_sample:
        faults.append("community.toml still has the sample's identity: set name, from, postal_address and controller.")
    if config.community.unsaid:
        faults.append(f"community.toml does not say {', '.join(config.community.unsaid)}: every letter has to.")
    return faults


class _Reader:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults = [
            f"{name} is not a setting of Coalition: look for a typing error."
            for name in environ
            if name.startswith("COALITION_") and name[10:].removesuffix("_FILE") not in _KNOWN
        ]

    def raise_faults(self) -> None:
        if self.faults:
            raise Misconfigured("\n".join(self.faults))

    def text(self, name: str, default: str) -> str:
        name = f"COALITION_{name}"
        path = self._environ.get(f"{name}_FILE")
        if path is None:
            return self._environ.get(name, "").strip() or default
        if name in self._environ:
            self.faults.append(f"{name} and {name}_FILE are both set: keep one.")
        try:
            return Path(path).read_text().strip() or default
        except (OSError, UnicodeDecodeError):
            self.faults.append(f"{name}_FILE names a file that can't be read.")
            return default

    def secret(self, name: str) -> str | None:
        text = self.text(name, "")
        if text and not re.fullmatch(rf"[!-~]{{{_SHORTEST_SECRET},}}", text):
            self.faults.append(
                f"COALITION_{name} is not {_SHORTEST_SECRET} or more letters, digits and signs, without spaces."
            )
            return None
        return text or None

    def folder(self, name: str, default: str) -> Path:
        try:
            return Path(self.text(name, default)).expanduser().absolute()
        except RuntimeError:
            self.faults.append(f"COALITION_{name} names the home of a user that there is not.")
            return Path(default).absolute()

    def whole(self, name: str, *, highest: int) -> int:
        text = self.text(name, "0")
        if re.fullmatch(r"[0-9]{1,9}", text) and int(text) <= highest:
            return int(text)
        self.faults.append(f"COALITION_{name} is not a whole number from 0 to {highest}.")
        return 0

    def number(self, name: str, *, minimum: float) -> float | None:
        text = self.text(name, "")
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) or float(text) < minimum:
            self.faults.append(f"COALITION_{name} is not a number of at least {minimum:g}.")
            return None
        return float(text)

    def choice(self, name: str, default: Choice) -> Choice:
        text, choices = self.text(name, default), type(default)
        if text in {choice.value for choice in choices}:
            return choices(text)
        self.faults.append(f"COALITION_{name} is none of: {', '.join(choices)}.")
        return default

    def bind(self) -> tuple[str, int]:
        text = self.text("BIND", "127.0.0.1:8000")
        host, _, port = text.rpartition(":")
        if not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
            self.faults.append("COALITION_BIND is not of the form 127.0.0.1:8000.")
            return "127.0.0.1", 8000
        return host.strip("[]"), int(port)

    def base_url(self, default: str) -> str:
        text = self.text("BASE_URL", default).rstrip("/")
        url = _split(text)
        extra = url.query or url.fragment or url.username or url.path
        if url.scheme not in {"http", "https"} or not url.hostname or extra:
            self.faults.append("COALITION_BASE_URL is not of the form https://list.example.org.")
            return default
        if url.scheme == "http" and not is_loopback(url.hostname):
            self.faults.append("COALITION_BASE_URL starts with http: mail programs leave only by https (RFC 8058).")
        return text

    def relay(self, helo: str) -> Relay | None:
        text = self.text("SMTP_URL", "")
        if not text:
            return None
        url = _split(text)
        if url.scheme not in set(Security) or not url.hostname:
            self.faults.append("COALITION_SMTP_URL is none of: smtp://HOST:PORT, smtp+starttls://HOST, smtps://HOST.")
            return None
        security = Security(url.scheme)
        if url.username and security is Security.PLAIN and not is_loopback(url.hostname):
            self.faults.append("COALITION_SMTP_URL would send a password in clear: use smtp+starttls:// or smtps://.")
        ca_file = self.text("SMTP_CA", "")
        return Relay(
            security=security,
            host=url.hostname,
            port=url.port or _DEFAULT_PORT[security],
            user=unquote(url.username) if url.username else None,
            password=unquote(url.password) if url.password else None,
            ca_file=Path(ca_file) if ca_file else None,
            helo=helo,
        )
