"""Versions of the privacy notice: each kept with its text and date; rows of the chain name the one that stood."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.db import insert_into
from coalition.languages import OWN_NAMES, language
from coalition.models import Notice, Wording
from coalition.services import notice_text, wordings


@dataclass(frozen=True)
class Version:
    """One version of the notice, in one language. `until` is None for the one that stands now."""

    locale: str
    number: int
    since: datetime
    until: datetime | None
    wording_id: int
    sha256: str
    text: str


def keep(session: Session, community: Community, now: datetime) -> int:
    """Keep what the notice says now, in each language in which it says something new. Returns in how many it does.

    Two processes that start at once with the same notice end with one version of it.
    """
    news = _news(session, community)
    for code, (number, text) in news.items():
        wording_id = wordings.keep(session, wordings.of_notice(text, code)).id
        insert = insert_into(session, Notice).values(locale=code, version=number, wording_id=wording_id, since=now)
        session.execute(insert.on_conflict_do_nothing(index_elements=[Notice.locale, Notice.version]))
    return len(news)


def is_kept(session: Session, community: Community) -> bool:
    """Whether there is nothing new in it."""
    return not _news(session, community)


def versions(session: Session, locale: str) -> list[Version]:
    """Every version in a language, the newest first."""
    query = (
        select(Notice, Wording)
        .join(Wording, Wording.id == Notice.wording_id)
        .where(Notice.locale == language(locale).code)
        .order_by(Notice.version.desc())
    )
    return _versions([(notice, wording) for notice, wording in session.execute(query)])


def facts(session: Session, locale: str, at: datetime) -> dict[str, object]:
    """What a row of the chain says about the notice that stood at a moment; nothing where none was kept by then."""
    stood = next((each for each in versions(session, locale) if each.since <= at), None)
    if stood is None:
        return {}
    return {"notice": stood.wording_id, "notice_version": stood.number, "notice_sha256": stood.sha256}


def _news(session: Session, community: Community) -> dict[str, tuple[int, str]]:
    """The versions that are not kept yet: number and text by language."""
    rows = session.execute(
        select(Notice.locale, Notice.version, Wording.text)
        .join(Wording, Wording.id == Notice.wording_id)
        .order_by(Notice.version)
    )
    newest = {code: (number, text) for code, number, text in rows}
    found = {}
    for code in OWN_NAMES:
        number, kept = newest.get(code, (0, None))
        text = notice_text.plain(community, language(code))
        if text != kept:
            found[code] = (number + 1, text)
    return found


def _versions(found: Sequence[tuple[Notice, Wording]]) -> list[Version]:
    later = [None, *(notice.since for notice, _ in found)]
    return [
        Version(
            locale=notice.locale,
            number=notice.version,
            since=notice.since,
            until=until,
            wording_id=wording.id,
            sha256=wording.sha256,
            text=wording.text,
        )
        for (notice, wording), until in zip(found, later, strict=False)
    ]
