"""The lint of what staff wrote, in the order in which they wrote it."""

import re
from collections.abc import Callable, Sequence

from coalition.mail.lint import addresses, labels, subjects, wording
from coalition.mail.lint.findings import Finding, Spots
from coalition.mail.lint.reading import ItemSource, Written

_SHOWN = re.compile(r"(?:https?://|mailto:)\S+")

RULES: dict[str, Callable[[Written], Spots]] = {**subjects.RULES, **wording.RULES, **addresses.RULES, **labels.RULES}


def lint_source(
    subject: str, intro_md: str, items: Sequence[ItemSource], links_own_host: str, year: int
) -> list[Finding]:
    """What must not leave as it is, from the subject down to the last line of the last item.

    `links_own_host` is the host of our own pages with its port, as `Links.host` gives it; `year` is this year.
    """
    written = Written.read(subject, intro_md, items, links_own_host, year)
    spots = [(place, name, text) for name, rule in RULES.items() for place, text in rule(written)]
    spots.sort(key=lambda spot: spot[0])
    return [Finding(name, str(place), text) for place, name, text in spots]


def written_urls(intro_md: str, items: Sequence[ItemSource]) -> frozenset[str]:
    """Every address that staff wrote as a link, byte by byte: what a letter may link to beside our own pages."""
    return frozenset(link.url for link in Written.read("", intro_md, items, "", 0).links())


def shown_urls(intro_md: str, items: Sequence[ItemSource]) -> frozenset[str]:
    """Every address that staff wrote without a link, in prose or code: what a plain letter may show beside those."""
    readings = Written.read("", intro_md, items, "", 0).readings
    texts = [intro_md, *(f"{item.title}\n{item.summary_md}" for item in items)]
    bare = [found for reading in readings for _, found in reading.bare]
    return frozenset([*bare, *(found for text in texts for found in _SHOWN.findall(text))])
