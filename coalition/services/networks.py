"""Which addresses belong to the public Internet. Our own list: Python's `is_global` says yes to some that do not."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IpAddress = IPv4Address | IPv6Address

# RFC 6890 and its additions: this host, private, shared by a provider, loopback, link-local (where clouds keep their
# metadata), protocol assignments, documentation, the 6to4 relay, benchmarks, multicast, reserved and broadcast.
# 168.63.129.16 looks public, but is the machine's own cloud that answers there.
_CLOSED_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
# Everything public is in here so far; all else (loopback, link-local, unique local, multicast) is closed with it.
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = [IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_MAPPED, _TRANSLATED = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")


def is_public(address: IpAddress) -> bool:
    """Whether anybody on the Internet reaches the same machine there. An IPv4 address inside of another counts too."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def is_public_or_own(address: IpAddress) -> bool:
    """The same, and this machine: for trying things out."""
    return is_public(address) or address in {ip_address("127.0.0.1"), ip_address("::1")}


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in _MAPPED or address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return None
