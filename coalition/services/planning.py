"""Planning an issue: who gets which items. In pages of readers, so that a million of them hold no lock for long."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from coalition.community import Community
from coalition.db import Database
from coalition.errors import Refused
from coalition.mail.letters import Letters
from coalition.models import Cadence, Delivery, Phase, Variant
from coalition.services import cancelling, editions, issues, opening, purposes, staleness
from coalition.services.dealing import Dealer
from coalition.services.news import content_hash
from coalition.services.opening import Brief, NothingToPlan, Opened


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

    A plan that died in the middle is gone on with, where it would become the same again.
    `progress` is told the readers of each page done. Opens its own transactions, one a page. Raises NothingToPlan where
    the period has its issue or there is no news.
    """
    staleness.make_way(database, cadence, now)
    brief = Brief(cadence, subject, intro_md, planned_by)
    opened = opening.open_issue(database, community, brief, now, if_new=if_new)
    dealer = Dealer(database, opened.issue_id, now, community.items_per_topic)
    while (readers := dealer.next_page()) is not None:
        progress(readers)
    database.count_rows()
    made = _finish(database, letters, opened)
    if not made.letters:
        cancelling.drop_empty(database, made.issue_id, now)
        raise NothingToPlan(_nothing_to_send(cadence, made))
    return made


def _finish(database: Database, letters: Letters, opened: Opened) -> Plan:
    """Render what the plan needs and seal it, unless another planner of the same issue was quicker."""
    with database.transaction() as session:
        issue = opening.held_still(session, opened.issue_id)
        if issue.state is Phase.PLANNING:
            if issues.brings_withdrawn(session, issue):
                raise Refused("An item was withdrawn while the issue was planned: plan it again.")
            editions.write_fragments(session, letters, issue)
            issue.plan_hash = content_hash(session, issue)
            if asked := purposes.count_waiting(session, issue.cadence):
                issue.left_out = {**issue.left_out, purposes.LEFT_OUT: asked}
            issue.state = Phase.PLANNED
        deliveries = session.scalar(select(func.count()).where(Delivery.issue_id == issue.id)) or 0
        variants = session.scalar(select(func.count()).where(Variant.issue_id == issue.id)) or 0
        return Plan(issue.id, deliveries, variants, issue.left_out, opened.replaced)


def _nothing_to_send(cadence: Cadence, made: Plan) -> str:
    """An issue without letters would only use up its period, so there is none."""
    reasons = ", ".join(f"{readers} {reason}" for reason, readers in sorted(made.left_out.items()))
    said = f"There is nothing to send: {reasons}." if reasons else f"Nobody has a {cadence} subscription yet."
    replaced = f" Issue {made.replaced}, which was planned before, is cancelled."
    return said if made.replaced is None else f"{said}{replaced}"
