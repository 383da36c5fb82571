"""Policies that tests fetch under, and the one call they make."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from coalition.services import fetching, networks
from coalition.services.fetching import Fetched, Policy

PRODUCTION = Policy("Coalition (+https://list.example.org)")
LOCAL = replace(
    PRODUCTION,
    schemes=frozenset({"https", "http"}),
    ports=None,
    numeric_hosts=True,
    allows=networks.is_public_or_own,
    deadline=30,
    patience=30,
)


def get(url: str, policy: Policy = LOCAL, etag: str | None = None, last_modified: str | None = None) -> Fetched:
    return fetching.get(url, etag=etag, last_modified=last_modified, policy=policy)


def answering(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    """A resolver that knows one answer to everything."""
    return lambda _host, _port: addresses


def never(host: str, _port: int) -> Sequence[str]:
    raise AssertionError(f"{host} was looked up")
