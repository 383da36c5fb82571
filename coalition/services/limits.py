"""Sign-ups counted by keyed hash in the database, so that every process and machine counts alike.

Windows are fixed; a hash holds the window's number, so the same network has another hash in every window.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from sqlalchemy import delete
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.community import Limits
from coalition.db import insert_into
from coalition.errors import TooMany
from coalition.models import Kind, Rate
from coalition.vault import Vault

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

# However often somebody types another person's address, that mailbox gets no more than this.
_PER_MAILBOX = ((15 * _MINUTE, 1), (_DAY, 3), (30 * _DAY, 5))


@dataclass(frozen=True)
class _Window:
    kind: str
    value: str
    seconds: int
    most: int
    neutral: bool  # whether going over it must not be seen from outside

    def key(self, vault: Vault, now: datetime) -> bytes:
        number = int(now.timestamp()) // self.seconds
        return vault.pseudonym(f"rate {self.kind} {self.seconds}", f"{self.value} {number}")

    def ends(self, now: datetime) -> datetime:
        return datetime.fromtimestamp((int(now.timestamp()) // self.seconds + 1) * self.seconds, UTC)


def count(
    session: Session,
    vault: Vault,
    limits: Limits,
    *,
    kind: Kind,
    address: Address,
    form: str,
    network: str,
    now: datetime,
) -> bool:
    """Count one request everywhere it counts, in one statement. Returns whether the mailbox has had enough of a kind.

    Raises TooMany where a limit that does not depend on the address is reached; then nothing is counted, because the
    caller's transaction is rolled back.
    """
    windows = {window.key(vault, now): window for window in _windows(limits, kind, address, form, network)}
    insert = insert_into(session, Rate)
    # Two sign-ups lock their rows in the same order, or PostgreSQL would find a deadlock.
    rows = [{"key": key, "count": 1, "expires_at": windows[key].ends(now)} for key in sorted(windows)]
    counted = insert.on_conflict_do_update(
        index_elements=[Rate.key], set_={"count": Rate.count + insert.excluded.count}
    ).returning(Rate.key, Rate.count.label("reached"))
    over = [windows[row.key] for row in session.execute(counted.values(rows)) if row.reached > windows[row.key].most]
    open_ones = [window.ends(now) - now for window in over if not window.neutral]
    if open_ones:
        raise TooMany(retry_after=int(max(open_ones) / timedelta(seconds=1)) + 1)
    return bool(over)


def forget_mailbox(session: Session, vault: Vault, address: Address, now: datetime) -> None:
    """Forget how often something was asked for a mailbox."""
    windows = [
        _Window(f"mailbox {kind}", address.mailbox, each, 0, neutral=True) for kind in Kind for each, _ in _PER_MAILBOX
    ]
    session.execute(delete(Rate).where(Rate.key.in_([window.key(vault, now) for window in windows])))


def _windows(limits: Limits, kind: Kind, address: Address, form: str, network: str) -> Iterable[_Window]:
    one, neighbourhood = _networks(network)
    yield _Window("network", one, 10 * _MINUTE, limits.network_10_minutes, neutral=False)
    yield _Window("network", one, _DAY, limits.network_day, neutral=False)
    yield _Window("neighbourhood", neighbourhood, _HOUR, limits.neighbourhood_hour, neutral=False)
    yield _Window("form", form, _HOUR, limits.form_hour, neutral=False)
    yield _Window("world", "", _HOUR, limits.world_hour, neutral=False)
    for seconds, most in _PER_MAILBOX:
        yield _Window(f"mailbox {kind}", address.mailbox, seconds, most, neutral=True)


def _networks(text: str) -> tuple[str, str]:
    """One household's network and its neighbourhood: /32 and /24 for IPv4, /64 and /48 for IPv6."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "unknown", "unknown"
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    one, near = (32, 24) if isinstance(address, IPv4Address) else (64, 48)
    return (
        str(ip_network(f"{address}/{one}", strict=False)),
        str(ip_network(f"{address}/{near}", strict=False)),
    )
