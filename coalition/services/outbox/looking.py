"""The last look before a group goes: which of these deliveries still go, to whom, with which facts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.errors import CoalitionError
from coalition.models import (
    Delivery,
    Issue,
    Letter,
    Outbound,
    Phase,
    Subscriber,
    Variant,
)
from coalition.services import settling
from coalition.services.outbox import consented, glance
from coalition.services.outbox.claims import Claimed
from coalition.services.outbox.glance import Goes
from coalition.services.outbox.looking_alone import look_alone
from coalition.services.outbox.ready import Ready
from coalition.services.settling import Skip
from coalition.statements import Asked, Found
from coalition.vault import Vault


def ask(claimed: Claimed, ids: Sequence[int], now: datetime) -> Asked | None:
    """The question that is asked first, to be run with others; None where there is none for such letters."""
    return glance.ask(claimed.batch_id, ids, now) if claimed.issue_id is not None and ids else None


def look(
    session: Session, vault: Vault, claimed: Claimed, ids: Sequence[int], now: datetime, glanced: Found | None = None
) -> list[Ready]:
    """Those of these deliveries that still go. The others are ended here, under a name.

    `glanced` is the answer to `ask`, where that was asked already.
    """
    if claimed.issue_id is None:
        found = [look_alone(session, vault, claimed, delivery, now) for delivery in _queued(session, ids)]
        return [ready for ready in found if ready is not None]
    if claimed.stale_at is not None and now >= claimed.stale_at:
        issue = session.get_one(Issue, claimed.issue_id, populate_existing=True)
        if issue.state is Phase.CANCELLED:
            settling.skip_all(session, issue, _queued(session, ids), Skip.CANCELLED, now)
            return []
        settling.skip_stale(session, issue, _queued(session, ids), now)
        glanced = None  # who still goes is asked anew
    if glanced is None:
        glanced = glance.ask(claimed.batch_id, ids, now).run(session)
    whole = [_as_planned(vault, claimed, goes) for goes in glance.read(glanced)]
    seen = {ready.delivery_id for ready in whole if ready is not None}
    rest = [each for each in ids if each not in seen]
    changed = _look_at_digests(session, vault, claimed, claimed.issue_id, rest, now) if rest else []
    return sorted([*filter(None, whole), *changed], key=lambda ready: ready.delivery_id)


def _queued(session: Session, ids: Sequence[int]) -> Sequence[Delivery]:
    return session.scalars(
        select(Delivery)
        .where(Delivery.id.in_(ids), Delivery.state == Outbound.QUEUED)
        .order_by(Delivery.id)
        .execution_options(populate_existing=True)
    ).all()


def _as_planned(vault: Vault, claimed: Claimed, goes: Goes) -> Ready | None:
    """None where the address can't be opened: the slow look says so in the ledger."""
    try:
        recipient = vault.open(goes.address_sealed, goes.address_key)
    except CoalitionError:
        return None
    return Ready(
        delivery_id=goes.delivery_id,
        letter=Letter.DIGEST,
        nonce=goes.nonce,
        dated_at=claimed.dated_at,
        recipient=recipient,
        locale=goes.brings.locale,
        variant_id=goes.variant_id,
        person=goes,
        since=goes.since,
    )


def _look_at_digests(
    session: Session,
    vault: Vault,
    claimed: Claimed,
    issue_id: int,
    ids: Sequence[int],
    now: datetime,
) -> list[Ready]:
    deliveries = _queued(session, ids)
    issue = session.get_one(Issue, issue_id, populate_existing=True)
    standings = settling.standings(session, [each.subscriber_id for each in deliveries if each.subscriber_id])
    variants = {
        variant.id: variant
        for variant in session.scalars(
            select(Variant).where(Variant.id.in_({delivery.variant_id for delivery in deliveries}))
        )
    }
    copies = [(variants[each.variant_id or 0], standings.get(each.subscriber_id or 0)) for each in deliveries]
    settling.hold_all_who_lose(session, issue, copies, now)
    since = consented.since(session, standings)
    ready = []
    for delivery in deliveries:
        standing = standings.get(delivery.subscriber_id or 0)
        variant = settling.still_goes(session, delivery, variants[delivery.variant_id or 0], issue, standing, now)
        if variant is None or standing is None:
            continue
        person = standing.person
        recipient = _open(vault, person, delivery, now)
        if recipient is None:
            settling.count_failed(session, delivery, variant)
        else:
            letter = Ready.of(delivery, Letter.DIGEST, claimed.dated_at, recipient, variant.locale)
            ready.append(letter._replace(variant_id=variant.id, person=person, since=since[person.id]))
    return ready


def _open(vault: Vault, person: Subscriber, delivery: Delivery, now: datetime) -> Address | None:
    """The address; where it can't be opened, this one delivery has failed and the others go on."""
    try:
        return vault.open(person.address_sealed or b"", person.address_key or b"")
    except CoalitionError:
        delivery.state, delivery.reason, delivery.ended_at = Outbound.FAILED, "address unreadable", now
        return None
