"""Whether the pages that an issue links to are there: each is asked once, a few at a time, within a minute or so."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from coalition.config import Config
from coalition.mail.lint import Finding
from coalition.mail.lint.findings import short
from coalition.mail.lint.reading import Link
from coalition.services import fetching
from coalition.services.fetching import FetchFailed, Policy

DEAD, UNASKED = "dead-link", "unasked-link"
NAMES = frozenset({DEAD, UNASKED})

# Somebody's address; not /@name, a handle, nor name@1.2, a version.
_MAILBOX = re.compile(r"[^/?&=@\s]@[^/?&=@\s]+\.[a-z]{2}", re.IGNORECASE)

_AT_ONCE = 4
_SECONDS_FOR_ALL = 60
_SECONDS_FOR_ONE = 10


def policy_of(config: Config) -> Policy:
    """As for feeds, but any page may be asked that a reader's browser would open: nothing of the answer is kept."""
    return replace(
        fetching.policy_of(config),
        schemes=frozenset({"https", "http"}),
        ports=None,
        numeric_hosts=True,
        deadline=_SECONDS_FOR_ONE,
        redirects=5,
        downgrades=True,
    )


def findings(links: Iterable[Link], own_host: str, policy: Policy) -> list[Finding]:
    """Ask every page that staff's text links to, and tell those that are not there, in reading order, each once.

    Our own pages are not asked, nor any address that carries somebody's name: no request is about a person.
    """
    first: dict[str, Link] = {}
    for link in links:
        if _may_be_asked(link.url, own_host):
            first.setdefault(link.url, link)
    end = policy.clock() + _SECONDS_FOR_ALL
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda link: _ask(link, end, policy), first.values()))
    return [finding for finding in found if finding is not None]


def _ask(link: Link, end: float, policy: Policy) -> Finding | None:
    left = end - policy.clock()
    if left <= 0:
        return Finding(UNASKED, str(link.place), f"The time was over before “{short(link.url)}” could be asked.")
    try:
        answered = fetching.status(link.url, policy=replace(policy, deadline=min(policy.deadline, left)))
    except FetchFailed as error:
        return Finding(DEAD, str(link.place), f"“{short(link.url)}” gives no page. {error}")
    if answered < 400:
        return None
    return Finding(DEAD, str(link.place), f"“{short(link.url)}” answers {answered}: open it and see.")


def _may_be_asked(url: str, own_host: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False  # the lint has told of it
    if parts.scheme not in {"https", "http"} or parts.netloc.lower() == own_host.lower():
        return False
    sent = unquote(parts.path), unquote(parts.query)
    return "@" not in parts.netloc and not any(_MAILBOX.search(each) for each in sent)
