"""The last look at an issue before anybody gets it: what staff wrote, and the letters it became."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.errors import BadContent, Refused
from coalition.mail import lint
from coalition.mail.letters import Letters
from coalition.mail.lint import Finding, ItemSource
from coalition.mail.lint.reading import Link, Written
from coalition.models import Format, Issue, Item, Variant
from coalition.services import dead_links, editions, issues, previews
from coalition.services.outbox.composing import Composer

# Told, but no reason to stop: a feed may know no better, and a reader comes to no harm.
TOLD_ONLY = frozenset(
    {"insecure-link", "bare-link", "long-line", "subject-capitals", "exclamation-storm", dead_links.UNASKED}
)

# What the page about privacy says that nobody can let pass.
NEVER = frozenset({"remote-load", "active-element", "foreign-link", "read-receipt", "foreign-part"})

# The most read variants, to see how letters are as a whole; of the others only those that show an item anew.
_MOST_READ = 20


def findings(session: Session, letters: Letters, composer: Composer, issue: Issue, now: datetime) -> list[Finding]:
    """Everything that a reader should not meet, in reading order, each once.

    Copies are read as the bytes that `composer`, which writes what is sent, makes of them; every item is among them in
    every language and form in which somebody gets it.
    """
    sources = _sources(session, issue)
    links = letters.links
    subject = editions.subject_of(letters, issue, letters.community.locale)
    found = lint.lint_source(subject, issue.intro_md, sources, links.host, now.year)
    allowed_urls = (
        lint.written_urls(issue.intro_md, sources)
        | lint.shown_urls(issue.intro_md, sources)
        | lint.shown_urls("\n".join([subject, *_said_in_each_letter(letters.community)]), ())
    )
    shelves = editions.Shelves(session, letters)
    for variant in _worth_reading(issues.largest_variants(session, issue.id)):
        message = previews.message(composer, variant, shelves.copy(variant), now)
        found += lint.lint_message(message, letters.community.postal_address, links.base_url, allowed_urls)
    return list(dict.fromkeys(found))


def written_links(session: Session, issue: Issue) -> list[Link]:
    """Every link that staff wrote, in reading order: what `dead_links` asks, after the session is closed."""
    return Written.read("", issue.intro_md, _sources(session, issue), "", 0).links()


def stopping(issue: Issue, found: Collection[Finding]) -> list[Finding]:
    """Those findings that keep an issue from leaving: neither allowed by staff nor only told."""
    passing = TOLD_ONLY | (set(issue.allowed) - NEVER)
    return [each for each in found if each.name not in passing]


def require_clean(issue: Issue, found: Collection[Finding]) -> None:
    """Raise Refused, with every reason, where an issue must not leave as it is."""
    stops = stopping(issue, found)
    if stops:
        lines = "\n".join(f"  {each.where}: {each.text} ({each.name})" for each in stops)
        raise Refused(
            f"Issue {issue.id} must not leave like this:\n{lines}\n"
            "Mend it and plan again, or let a finding pass: --allow NAME --because REASON."
        )


def allow(issue: Issue, names: Collection[str], reason: str) -> None:
    """Let findings of these names pass for this issue, for a reason that is kept. Raises BadContent."""
    unknown = sorted(set(names) - lint.NAMES - dead_links.NAMES)
    if unknown:
        raise BadContent(f"There is no finding called {unknown[0]}.")
    promised = sorted(NEVER & set(names))
    if promised:
        raise BadContent(f"Nobody can let {promised[0]} pass: the page about privacy says so. Mend it and plan again.")
    if not reason.strip():
        raise BadContent("Say why with --because: it is kept with the issue.")
    issue.allowed = issue.allowed | dict.fromkeys(names, reason.strip())


def _said_in_each_letter(community: Community) -> Iterator[str]:
    """Words of the community's own around the news; an address in them stands there as it was written."""
    yield f"{community.controller}, {community.postal_address}"
    yield from community.wordings.values()


def _worth_reading(variants: Iterable[tuple[Variant, int]]) -> Iterator[Variant]:
    """The most read ones, and whichever else brings an item, in its language and form, that none before it did."""
    seen: set[tuple[int, str, Format]] = set()
    for place, (variant, _) in enumerate(variants):
        brings = {(item_id, variant.locale, variant.format) for item_id in variant.items}
        if place < _MOST_READ or not brings <= seen:
            yield variant
        seen |= brings


def _sources(session: Session, issue: Issue) -> list[ItemSource]:
    ids: set[int] = set()
    for items in session.scalars(select(Variant.items).where(Variant.issue_id == issue.id)):
        ids.update(items)
    rows = session.scalars(select(Item).where(Item.id.in_(ids)).order_by(Item.position))
    return [ItemSource(item.position, item.title, item.summary_md, item.url) for item in rows]
