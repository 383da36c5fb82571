"""Planning an issue: who gets which items. In pages of readers, so that a million of them hold no lock for long."""

from collections import Counter as Counts
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from coalition.community import Community
from coalition.db import Database
from coalition.errors import Refused
from coalition.mail.letters import Letters
from coalition.models import Cadence, Delivery, Phase, Variant
from coalition.services import cancelling, editions, issues, opening
from coalition.services.dealing import Dealer
from coalition.services.news import content_hash
from coalition.services.opening import NothingToPlan


@dataclass(frozen=True)
class Plan:
    """What planning found."""

    issue_id: int
    letters: int
    variants: int
    left_out: dict[str, int]  # reason -> readers
    replaced: int | None = None  # the unsent issue whose place it took


def plan(
    database: Database,
    letters: Letters,
    community: Community,
    cadence: Cadence,
    *,
    subject: str | None,
    intro_md: str,
    now: datetime,
    planned_by: str | None = None,
    if_new: bool = False,
    progress: Callable[[int], None] = lambda readers: None,
) -> Plan:
    """Plan the period that is due, replacing an unsent plan of it, or leaving it alone with `if_new`.

    `progress` is told the readers of each page done. Opens its own transactions, one a page. Raises NothingToPlan where
    the period has its issue or there is no news.
    """
    replaced = opening.clear_unsent(database, community, cadence, now, if_new=if_new)
    issue_id = opening.open_issue(database, community, cadence, subject, intro_md, planned_by, now)
    left_out: Counts[str] = Counts()
    dealer = Dealer(database, issue_id, now, community.items_per_topic)
    while page := dealer.next_page():
        left_out += page.left_out
        progress(page.readers)
    letters_planned = _finish(database, letters, issue_id)
    if not letters_planned:
        cancelling.drop_empty(database, issue_id, now)
        raise NothingToPlan(_nothing_to_send(cadence, left_out, replaced))
    with database.reading() as session:
        variants = session.scalar(select(func.count()).select_from(Variant).where(Variant.issue_id == issue_id))
    return Plan(issue_id, letters_planned, variants or 0, dict(left_out), replaced)


def _finish(database: Database, letters: Letters, issue_id: int) -> int:
    """Render what the plan needs and seal it. Returns the number of letters."""
    with database.transaction() as session:
        issue = opening.being_planned(session, issue_id)
        if issues.brings_withdrawn(session, issue):
            raise Refused("An item was withdrawn while the issue was planned: plan it again.")
        editions.write_fragments(session, letters, issue)
        issue.plan_hash = content_hash(session, issue)
        issue.state = Phase.PLANNED
        return session.scalar(select(func.count()).where(Delivery.issue_id == issue_id)) or 0


def _nothing_to_send(cadence: Cadence, left_out: Counts[str], replaced: int | None) -> str:
    """An issue without letters would only use up its period, so there is none."""
    reasons = ", ".join(f"{readers} {reason}" for reason, readers in sorted(left_out.items()) if readers)
    said = f"There is nothing to send: {reasons}." if reasons else f"Nobody has a {cadence} subscription yet."
    return said if replaced is None else f"{said} Issue {replaced}, which was planned before, is cancelled."
