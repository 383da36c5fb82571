"""All that is held about a person, to take along: one JSON document, or one table for a spreadsheet."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.community import Community
from coalition.languages import Language
from coalition.models import Kind, Subscriber, Topic
from coalition.services import bounces, consents, grievances, held, suppressions, test_letters, wordings
from coalition.vault import Vault

FORMAT = "coalition-my-data-1"
# What a spreadsheet would take for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # spreadsheets take those too


def gather(
    session: Session, vault: Vault, community: Community, person: Subscriber, spoken: Language
) -> dict[str, Any]:
    """Everything, as plain values; moments are aware."""
    history = consents.history(session, person.code)
    names = {topic.id: topic.name for topic in session.scalars(select(Topic))}
    return {
        "format": FORMAT,
        "made_at": utcnow(),
        "community": community.name,
        "controller": community.controller,
        "person": _person(vault, person),
        "subscriptions": [
            {
                "topic": topic.name,
                "cadence": subscription.cadence.value,
                "began_at": subscription.began_at,
                "began_by": subscription.source.value,
                "ended_at": subscription.ended_at,
                "ended_by": subscription.ended_reason.value if subscription.ended_reason else None,
            }
            for subscription, topic in held.subscriptions(session, person)
        ],
        "consents": history,
        "wordings": _wordings(session, history),
        "requests": [
            {
                "kind": request.kind.value,
                "asked_at": request.created_at,
                "topics": [names[number] for number in request.topics if number in names],
                "site": request.origin,
                # Whether a letter went to an address that somebody wants to move to would tell whose it is.
                "mailed_at": None if request.kind is Kind.MOVE and not request.answer else request.mailed_at,
                "answer": request.answer.value if request.answer else None,
                "answered_at": request.answered_at,
            }
            for request in held.requests(session, person)
        ],
        "letters": [
            {
                "letter": each.letter.value if each.letter else None,
                "cadence": each.cadence.value if each.cadence else None,
                "topics": list(each.topics),
                "state": each.state.value,
                "at": each.at,
                "message_id": f"{each.nonce}@{community.mail_domain}",
                "why": each.why(spoken),
            }
            for each in held.letters(session, person)
        ],
        "test_letters": [
            {"state": each.state.value, "at": each.ended_at, "message_id": f"{each.nonce}@{community.mail_domain}"}
            for each in test_letters.to(session, vault, _keys(vault, person))
        ],
        "came_back": [
            {"at": each.came_at, "what": each.fate.value, "status": each.status, "said": each.said}
            for each in bounces.of_person(session, person)
        ],
        "set_aside": [
            {"at": each.came_at, "why": each.why, "bytes": each.size}
            for each in bounces.aside_of_person(session, person)
        ],
        "not_written_to": _suppression(session, person),
        "former_addresses": [
            {"address": address.written, "kept_until": until}
            for address, until in held.former_addresses(session, vault, person)
        ],
        "grievances": [
            {
                "number": each.grievance.id,
                "received_at": each.grievance.received_at,
                "acknowledged_at": each.acknowledged_at,
                "text": grievances.text_of(vault, each.grievance),
                "answered_at": each.grievance.answered_at,
                "answer": grievances.answer_of(vault, each.grievance),
            }
            for each in grievances.of_person(session, vault, person)
        ],
        "looks_by_staff": [{"at": look.at, "what": look.action} for look in held.looks(session, person)],
    }


def as_csv(data: Mapping[str, Any]) -> str:
    """The same as one table, one fact a line; no cell is taken for a formula."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(["part", "number", "fact", "value"])
    for part, content in data.items():
        for number, fact, value in _facts(content):
            writer.writerow([_cell(each) for each in (part, number, fact, value)])
    return sheet.getvalue()


def _suppression(session: Session, person: Subscriber) -> dict[str, Any]:
    found = suppressions.of_person(session, person)
    return {"since": found.since, "because_of": found.reason, "reaches": found.scope.value} if found else {}


def _keys(vault: Vault, person: Subscriber) -> tuple[bytes, ...]:
    return vault.keys(vault.open(person.address_sealed or b"", person.address_key or b""))


def _person(vault: Vault, person: Subscriber) -> dict[str, Any]:
    return {
        "address": vault.open(person.address_sealed or b"", person.address_key or b"").written,
        "code_for_leaving": person.code,
        "state": person.state.value,
        "language": person.locale,
        "format": person.format.value,
        "hour": person.hour,
        "weekday": person.weekday,
        "timezone": person.timezone,
        "break_until": person.pause_until,
        "news_of_a_break": person.pause_mode.value,
        "known_since": person.created_at,
        "confirmed_at": person.confirmed_at,
    }


def _wordings(session: Session, history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = wordings.shown(session, history)
    return [{"number": each.id, "language": each.locale, "sha256": each.sha256, "text": each.text} for each in found]


def _facts(content: Any) -> Iterator[tuple[str, str, Any]]:
    """Number of the entry, name, value; an entry that is one value has no name."""
    if isinstance(content, list):
        for number, entry in enumerate(content, 1):
            for name, value in entry.items():
                yield str(number), name, value
    elif isinstance(content, dict):
        for name, value in content.items():
            yield "", name, value
    else:
        yield "", "", content


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        value = ", ".join(f"{name}: {each}" for name, each in value.items())
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
