"""Consent wordings: what people agree to, word for word, in every language that a form speaks."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.db import insert_into
from coalition.errors import BadContent
from coalition.languages import N_, OWN_NAMES, language
from coalition.mail.letters import Letters
from coalition.models import Cadence, Form, Letter, Topic, Wording

# Ours, for forms that have none of their own. A form that holds the English row of it is such a form.
OURS = N_(
    "I would like to get news on the topics I chose, by e-mail, as often as the letter to confirm says."
    " I can change this or leave with one press at any time."
)
# What it was before. A form made then shows the present one; those who agreed to the former one keep that.
FORMER = {
    "I would like to get news on the topics I ticked, by e-mail, as often as the letter to confirm says."
    " I can change this or leave with one press at any time.",
}


def of_a_form(session: Session, text: str, locale: str) -> Wording:
    """The row that a form holds: that of its own wording, or of ours where it has none. Raises BadContent."""
    text = " ".join(text.split())
    if not text:
        rows = {code: keep(session, _ours(code)) for code in OWN_NAMES}
        return rows["en"]
    return own(session, text, locale)


def own(session: Session, text: str, locale: str) -> Wording:
    """The row of a wording that staff wrote. Raises BadContent."""
    text = " ".join(text.split())
    if not 10 <= len(text) <= 2000 or not text.isprintable():
        raise BadContent("A consent wording is 10 to 2000 printable characters.")
    return keep(session, _wording(text, locale))


def explicit(session: Session, topics: Iterable[Topic]) -> list[tuple[Topic, Wording]]:
    """Those of these topics that people have to agree to expressly, each with what they agree to."""
    special = [topic for topic in topics if topic.explicit_id is not None]
    found = select(Wording).where(Wording.id.in_([topic.explicit_id for topic in special]))
    by_id = {wording.id: wording for wording in session.scalars(found)} if special else {}
    return [(topic, by_id[topic.explicit_id or 0]) for topic in special]


def offered(session: Session, community: Community, form: Form) -> dict[str, Wording]:
    """What a form asks people to agree to, by the languages that it speaks.

    A form with a wording of its own speaks the language of that. Every other speaks all languages: in the community's
    own words where `community.toml` has some for one, else in ours. A row that is not kept yet has no number (`id`).
    """
    own = session.get_one(Wording, form.wording_id)
    if own.text not in {OURS, *FORMER}:
        return {language(form.locale).code: own}
    asked = {code: community.wording("consent", code) for code in OWN_NAMES}
    wordings = [_wording(text, code) if text else _ours(code) for code, text in asked.items()]
    query = select(Wording).where(Wording.sha256.in_([wording.sha256 for wording in wordings]))
    kept = {wording.sha256: wording for wording in session.scalars(query)}
    return {wording.locale: kept.get(wording.sha256, wording) for wording in wordings}


def keep(session: Session, wording: Wording) -> Wording:
    """The row of this exact wording, made where it is new. Two sign-ups that make the same one end with one."""
    query = select(Wording).where(Wording.sha256 == wording.sha256)
    found = session.scalar(query)
    if found is None:
        values = {"text": wording.text, "locale": wording.locale, "sha256": wording.sha256}
        insert = insert_into(session, Wording).values(values)
        session.execute(insert.on_conflict_do_nothing(index_elements=[Wording.sha256]))
        found = session.scalars(query).one()
    return found


def of_confirm_letter(session: Session, letters: Letters, locale: str, cadence: Cadence, site: str | None) -> Wording:
    """The row of what the letter to confirm says at this moment.

    Topics, link and moments are stand-ins, so that many readers share a row and none of it is about one of them.
    """
    return keep(session, _wording(_confirm_letter(letters, locale, cadence, site), locale))


def of_notice(text: str, locale: str) -> Wording:
    """What the privacy notice says in a language, fit to be kept."""
    return _wording(text, locale)


def shown(session: Session, rows: Iterable[Mapping[str, Any]]) -> list[Wording]:
    """Every wording that rows of the chain name: of a form, of the letter to confirm, of the privacy notice."""
    rows = list(rows)
    numbers = {row.get(name) for row in rows for name in ("wording", "letter", "notice")} - {None}
    numbers.update(number for row in rows for number in (row.get("explicit") or {}).values())
    return list(session.scalars(select(Wording).where(Wording.id.in_(numbers)).order_by(Wording.id)))


def fits(wording: Wording) -> bool:
    """Whether a row still has the text that its fingerprint was made from."""
    return wording.sha256 == _wording(wording.text, wording.locale).sha256


@lru_cache(maxsize=64)
def _confirm_letter(letters: Letters, locale: str, cadence: Cadence, site: str | None) -> str:
    moment = datetime(2000, 1, 1, tzinfo=letters.community.timezone)
    facts = {"origin": site, "topics": ("…",), "cadence": cadence, "link": "…", "asked_at": moment, "until": moment}
    letter = letters.render(Letter.CONFIRM, locale, html=False, **facts)
    return f"{letter.subject}\n\n{letter.text}"


def _ours(code: str) -> Wording:
    return _wording(language(code).gettext(OURS), code)


def _wording(text: str, locale: str) -> Wording:
    return Wording(text=text, locale=locale, sha256=hashlib.sha256(f"{locale}\0{text}".encode()).hexdigest())
