"""The dossier of one person: all that proves what they agreed to, fit to be read without this database."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.community import Community
from coalition.errors import NotFound
from coalition.models import AddressChange, Consent, Delivery, Issue, Subscriber, Suppression
from coalition.services import chain, people, wordings
from coalition.services.chain import Verdict
from coalition.vault import Vault

HOW_TO_CHECK = (
    "content hash = SHA-256(salt, then the content as UTF-8)",
    "hash of a row = SHA-256(hash of the row before, then its content hash); row 1 follows 32 zero bytes",
    "fingerprint of a wording = SHA-256(locale, a zero byte, then its text as UTF-8)",
    "Moments are UTC. In the text of a letter, … and 1 January 2000 stand for this person's topics, link and moments.",
)


@dataclass(frozen=True)
class Row:
    """One row of the chain, with all that is needed to compute its hash anew."""

    seq: int
    event: str | None  # None: erased, or aged out
    at: str | None
    facts: dict[str, Any]
    content: str | None
    salt: str | None
    content_hash: str
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Shown:
    """A wording that was shown, word for word."""

    id: int
    locale: str
    sha256: str
    text: str


@dataclass(frozen=True)
class Sent:
    """A letter that stands in the ledger. `sent` means that the mail server took it."""

    letter: str | None
    cadence: str | None
    state: str
    at: datetime | None
    message_id: str


@dataclass(frozen=True)
class Dossier:
    """Everything about one person's consent."""

    address: str
    community: str
    controller: str
    made_at: datetime
    subject: str
    state: str
    rows: list[Row]
    wordings: list[Shown]
    letters: list[Sent]
    chain_rows: int
    chain_head: str
    chain_faults: list[str]
    how_to_check: tuple[str, ...] = HOW_TO_CHECK

    def as_dict(self) -> dict[str, Any]:
        """The dossier for a machine."""
        return asdict(self)


def subject(session: Session, vault: Vault, address: Address) -> str:
    """The code of whoever has this address, moved away from it lately, or was erased: all are found by a keyed hash.

    Raises NotFound.
    """
    try:
        return people.by_address(session, vault, address).code
    except NotFound:
        keys = vault.keys(address)
        moved = select(Subscriber.code).join(AddressChange).where(AddressChange.old_key.in_(keys)).limit(1)
        erased = select(Suppression.code).where(Suppression.address_key.in_(keys)).limit(1)
        code = session.scalar(moved) or session.scalar(erased)
        if code is None:
            raise
        return code


def dossier(
    session: Session, community: Community, address: Address, code: str, verdict: Verdict, now: datetime
) -> Dossier:
    """Gather all that is known of the person with this code; `address` is what was asked for."""
    person = people.by_code(session, code)
    rows = _rows(session, code)
    return Dossier(
        address=address.written,
        community=community.name,
        controller=community.controller,
        made_at=now,
        subject=code,
        state=person.state.value if person else "erased",
        rows=rows,
        wordings=_wordings(session, rows),
        letters=_letters(session, community, person),
        chain_rows=verdict.rows,
        chain_head=f"{verdict.head.seq} {verdict.head.hash.hex()}",
        chain_faults=verdict.faults,
    )


def _rows(session: Session, code: str) -> list[Row]:
    found = session.scalars(select(Consent).where(Consent.subject == code).order_by(Consent.seq)).all()
    before = _hashes(session, [row.seq - 1 for row in found])
    return [_row(row, before.get(row.seq - 1, chain.START)) for row in found]


def _hashes(session: Session, numbers: Sequence[int]) -> dict[int, bytes]:
    rows = session.execute(select(Consent.seq, Consent.hash).where(Consent.seq.in_(numbers)))
    return {row.seq: row.hash for row in rows}


def _row(row: Consent, previous: bytes) -> Row:
    facts = json.loads(row.content) if row.content is not None else {}
    facts.pop("subject", None)
    return Row(
        seq=row.seq,
        event=facts.pop("event", None),
        at=facts.pop("at", None),
        facts=facts,
        content=row.content,
        salt=row.salt.hex() if row.salt is not None else None,
        content_hash=row.content_hash.hex(),
        previous_hash=previous.hex(),
        hash=row.hash.hex(),
    )


def _wordings(session: Session, rows: Sequence[Row]) -> list[Shown]:
    found = wordings.shown(session, [row.facts for row in rows])
    return [Shown(wording.id, wording.locale, wording.sha256, wording.text) for wording in found]


def _letters(session: Session, community: Community, person: Subscriber | None) -> list[Sent]:
    if person is None:
        return []
    query = (
        select(Delivery, Issue.cadence)
        .outerjoin(Issue, Issue.id == Delivery.issue_id)
        .where(Delivery.subscriber_id == person.id)
        .order_by(Delivery.id)
    )
    return [
        Sent(
            letter=each.letter.value if each.letter else None,
            cadence=cadence.value if cadence else None,
            state=each.state.value,
            at=each.ended_at,
            message_id=f"{each.nonce}@{community.mail_domain}",
        )
        for each, cadence in session.execute(query)
    ]
