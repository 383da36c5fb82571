"""A dossier, written out for people."""

import textwrap
from collections.abc import Iterator
from typing import Any

from coalition.services.evidence import Dossier, Row

_EVENTS = {
    "requested": "asked on a form to be subscribed",
    "mailed": "was sent the letter to confirm",
    "confirmed": "pressed “Yes, subscribe me” on the page that only this letter leads to",
    "denied": "pressed “This wasn't me”",
    "changed": "changed the choices",
    "paused": "took a break from all letters",
    "resumed": "ended the break",
    "withdrawn": "left",
    "ended": "was written to no more, because letters came back",
    "undone": "took the leaving back",
    "returned": "returned, as the journal tells it: the database that knows how was lost",
    "moved": "moved to another address, by a press that only its mailbox could reach",
    "moved_back": "moved back to the address before",
    "erased": "was erased",
    None: "content erased, or older than what is kept",
}


def written_out(dossier: Dossier) -> Iterator[str]:
    """The dossier line by line."""
    yield f"Evidence of consent: {dossier.address}"
    yield ""
    yield f"For {dossier.community}. Controller: {dossier.controller}."
    yield f"Made {dossier.made_at:%Y-%m-%d %H:%M:%S} UTC. Kept here as {dossier.subject}; now {dossier.state}."
    yield ""
    yield "WHAT HAPPENED"
    if not dossier.rows:
        yield "Nothing is recorded: this person never pressed a button to confirm."
    for row in dossier.rows:
        yield from _row(row)
    yield ""
    yield "WORDINGS AS SHOWN"
    for wording in dossier.wordings:
        yield f"Wording {wording.id} ({wording.locale}), SHA-256 {wording.sha256}"
        yield textwrap.indent(wording.text.rstrip("\n"), "  | ", lambda _: True)
        yield ""
    yield "LETTERS"
    for each in dossier.letters:
        moment = f"{each.at:%Y-%m-%d %H:%M:%S} UTC" if each.at else "not yet"
        name = " ".join(filter(None, [each.cadence, each.letter or "not decided"]))
        yield f"{moment}  {name}, {each.state}, Message-ID <{each.message_id}>"
    yield ""
    yield "THE CHAIN"
    yield f"{dossier.chain_rows} rows were read; the last is {dossier.chain_head}."
    yield from dossier.chain_faults or ["Every row is as it was written, none is missing."]
    yield ""
    yield "HOW TO CHECK THIS"
    yield from dossier.how_to_check


def _row(row: Row) -> Iterator[str]:
    yield f"{row.at or 'erased'}  {_EVENTS.get(row.event, row.event)}"
    if row.facts.get("message"):
        yield f"    Message-ID: <{row.facts['message']}@{row.facts['domain']}>"
    for name, value in row.facts.items():
        if value not in (None, [], {}) and name not in {"message", "domain"}:
            yield f"    {name.replace('_', ' ')}: {_value(value)}"
    yield f"    row {row.seq}, hash {row.hash}"
    yield f"    after {row.previous_hash}"
    yield f"    content hash {row.content_hash}"
    if row.content is not None:
        yield f"    salt {row.salt}, content {row.content}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
