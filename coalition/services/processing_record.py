"""The record of processing (GDPR, article 30): what is done with whose data, read from the configuration and tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.config import Config, Security, is_loopback
from coalition.languages import language
from coalition.models import Feed, Form
from coalition.services import notices, retention, topics
from coalition.services.grievances import ANSWER_WITHIN

_SECURITY = {
    Security.PLAIN: "without encryption on the way",
    Security.STARTTLS: "by TLS (STARTTLS), certificate checked",
    Security.TLS: "by TLS, certificate checked",
}


@dataclass(frozen=True)
class Part:
    """One question of the law, and what is to be said about it."""

    question: str
    answers: list[str]


@dataclass(frozen=True)
class Record:
    """The whole record at a moment."""

    community: str
    made_at: datetime
    parts: list[Part]


def record(session: Session, config: Config, now: datetime) -> Record:
    """Everything that is known here. What staff do elsewhere with the data has to be added by hand."""
    return Record(config.community.name, now, list(_parts(session, config)))


def _parts(session: Session, config: Config) -> Iterator[Part]:
    community = config.community
    yield Part(
        "Controller",
        [
            f"{community.controller}, {community.postal_address}",
            f"Contact: {community.reply_to.written}",
            f"Pages: {config.base_url}",
        ],
    )
    yield Part("Purposes", _purposes(session))
    yield Part(
        "Ground",
        [
            "Consent (article 6(1)(a); PECR regulation 22(2)), by a press on a page that only the mailbox can reach.",
            "No soft opt-in: nobody is written to who did not ask.",
            *(
                ["Explicit consent (article 9(2)(a)) for special topics, with a wording of each topic's own."]
                if any(topic.explicit_id for topic in topics.all_of(session))
                else []
            ),
            "Legal obligation (article 6(1)(c)): answering complaints, and proving consent.",
        ],
    )
    yield Part("Whose data", ["Subscribers, people who asked to be, people who complained, staff (by login name)."])
    yield Part(
        "What data",
        [
            "E-mail address, sealed (AES-256-GCM) and found by keyed hash (HMAC-SHA-256). Nothing else is required.",
            "Choices: topics, rhythm, language, form of the letters, hour, break.",
            "Consent: wording, form, site, moments. No network address.",
            "Which letters went and what mail servers answered; which came back. Not who opens or follows what.",
            "Complaints and answers, sealed.",
            "What staff looked at, exported or changed.",
        ],
    )
    yield Part("Recipients and processors", _recipients(session, config))
    yield Part(
        "Transfers to other countries",
        ["None by Coalition itself. Where the hosts above stand outside your country, write down here on what ground."],
    )
    yield Part("Kept for", [language("en").gettext(each.told) % each.numbers for each in retention.PERIODS])
    yield Part("Measures", _measures(session, config))


def _purposes(session: Session) -> list[str]:
    found = [
        f"Sending news about {topic.name}: {topic.description}"
        + (" Special category (article 9)." if topic.explicit_id else "")
        + ("" if topic.open else " Closed: no new subscriptions.")
        for topic in topics.all_of(session)
    ]
    return [*found, "Answering requests and complaints about personal data."]


def _recipients(session: Session, config: Config) -> list[str]:
    relay = config.relay
    if relay is None:
        mail = "No mail server: letters stay on this machine, in the local mailbox."
    else:
        place = " (this machine)" if is_loopback(relay.host) else ""
        mail = (
            f"Mail server {relay.host}{place}, {_SECURITY[relay.security]}: every address written to, and the letter."
        )
    return [mail, _database(config), *_sites(session), *_feeds(session)]


def _database(config: Config) -> str:
    url = urlsplit(config.database_url)
    if url.scheme.startswith("sqlite"):
        return "Database: a file on this machine."
    return f"Database server {url.hostname or 'on this machine'}: everything, addresses sealed; the keys are not there."


def _sites(session: Session) -> list[str]:
    """Sites that show a form: visitors type there, and what they type comes here only."""
    origins = sorted({origin for form in session.scalars(select(Form)) for origin in form.origins})
    return [f"Form shown in a frame on {origin}: that site learns nothing of what is typed." for origin in origins]


def _feeds(session: Session) -> list[str]:
    hosts = sorted(
        {urlsplit(url).hostname or url for url in session.scalars(select(Feed.url).where(Feed.ended_at.is_(None)))}
    )
    return [f"News is read from {host}: it learns nothing about anybody." for host in hosts]


def _measures(session: Session, config: Config) -> list[str]:
    kept = notices.versions(session, config.community.locale)
    return [
        "Addresses are sealed in the database; the keys lie apart from it.",
        "Consent is a chain of hashes that anybody can check; triggers refuse changes.",
        "No cookies, no trackers, nothing loaded from other hosts.",
        "Erasing is at once and complete; a journal outside the database keeps it so after a restore.",
        f"Complaints are acknowledged at once and answered within {ANSWER_WITHIN.days} days.",
        f"Pages are served over {'https' if config.secure else 'http: not fit for the public'}.",
        "Letters are signed here (DKIM)."
        if config.community.dkim_selector
        else "Signing letters is left to the mail server.",
        *([f"Privacy notice: version {kept[0].number}, since {kept[0].since:%Y-%m-%d}."] if kept else []),
    ]
