"""A desk where letters are written from fixed facts: the real Composer over a real database, nothing left to chance."""

import email.policy
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path

import time_machine

from coalition.address import Address
from coalition.community import SAMPLE, Community
from coalition.config import read_config
from coalition.mail.letters import Letters
from coalition.mail.smtp import Envelope
from coalition.models import Cadence, Format, Issue, Kind, Letter, Phase, Request, State, Subscriber, Variant
from coalition.resources import open_resources, prepare
from coalition.rings import RING_NAMES
from coalition.services import drafts, editions, items, topics
from coalition.services.grievances import Told
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.ready import Ready
from tests.mail.words import Words, plenty

WRITTEN = datetime(2026, 3, 12, 8, 5, tzinfo=UTC)
ASKED = WRITTEN - timedelta(minutes=2)
CODE = "abcdefghijklmnopqrstuvwxyz"
NONCE = "nonce234567nonce234567nonc"
PRIVACY = "https://list.example.org/privacy"
UNSUBSCRIBE = f"https://list.example.org/unsubscribe/{CODE}"

_COMMUNITY = SAMPLE.replace("coalition.example", "list.example.org").replace("Exampleton", "Exampletown")


class Desk:
    """Writes every kind of letter, as the sender would, to ada@example.org."""

    def __init__(self, home: Path) -> None:
        """Everything random is fixed: keys here, codes and moments in the facts below."""
        home.mkdir()
        (home / "keys").mkdir()
        for name in RING_NAMES:
            path = home / "keys" / f"{name}.key"
            path.write_text(f"1 {urlsafe_b64encode(sha256(name.encode()).digest()).decode()}\n")
            path.chmod(0o600)
        (home / "community.toml").write_text(_COMMUNITY, "utf-8")
        settings = {"HOME": str(home), "BASE_URL": "https://list.example.org", "SMTP_URL": "smtp://127.0.0.1"}
        config = read_config({f"COALITION_{name}": value for name, value in settings.items()})
        prepare(config)
        self.resources = open_resources(config)
        self._written: dict[tuple[str, Words], Envelope] = {}

    def with_community(self, community: Community) -> "Desk":
        """The same desk with other facts of the community."""
        other = copy(self)
        other.resources = replace(self.resources, config=replace(self.resources.config, community=community))
        other._written = {}
        return other

    def close(self) -> None:
        """Give the database back."""
        self.resources.database.close()

    def write(self, kind: str, words: Words | None = None) -> Envelope:
        """One letter of this kind; asked again, the one that was written before."""
        case = (kind, words or Words())
        if case not in self._written:
            with time_machine.travel(WRITTEN, tick=False):
                self._written[case] = WRITERS[kind](self, case[1])
        return self._written[case]

    def service(
        self, letter: Letter, words: Words, *, origin: str | None = None, form: Format = Format.HTML
    ) -> Envelope:
        """A letter that answers somebody's press of a button."""
        request = Request(kind=Kind.SIGNUP, nonce=NONCE, cadence=Cadence.WEEKLY, created_at=ASKED, answered_at=WRITTEN)
        ready = _ready(letter, words, form)._replace(request=request, topics=(words.topic, "Events"), origin=origin)
        return self._composer(words).compose(ready)

    def about_a_grievance(self, letter: Letter, words: Words) -> Envelope:
        """A letter to somebody who complained; they may be nobody's subscriber."""
        told = Told(7, ASKED, f"{words.text}\n\n{words.title}")
        return self._composer(words).compose(_ready(letter, words, Format.HTML)._replace(person=None, grievance=told))

    def asking_again(self, words: Words) -> Envelope:
        """A letter to somebody who agreed to what a topic was for before."""
        ready = _ready(Letter.AGREE_AGAIN, words, Format.HTML)._replace(purposes=((words.topic, words.title),))
        return self._composer(words).compose(ready)

    def digest(self, words: Words, form: Format = Format.HTML, *, test: bool = False) -> Envelope:
        """A digest of one item, to a reader or as a test letter to staff."""
        return self.digest_of([words], form, test=test)

    def digest_of(self, news: list[Words], form: Format = Format.HTML, *, test: bool = False) -> Envelope:
        """A digest of many items. What is not an item's own is the first one's."""
        words = news[0]
        ready = _ready(Letter.DIGEST, words, form)._replace(variant_id=self.variant(words, news, form))
        ready = ready._replace(person=None) if test else ready._replace(since=_since(news))
        return self._composer(words).compose(ready)

    def variant(self, words: Words, news: list[Words], form: Format = Format.HTML) -> int:
        """Publish items and make an issue of them, with more of the first topic in the archive where there are many.

        Returns the number of the issue's variant.
        """
        with self.resources.database.transaction() as session:
            known = {topic.slug for topic in topics.all_of(session)}
            for name in dict.fromkeys(each.topic for each in news):
                if _slug(name) not in known:
                    topics.add(session, _slug(name), name, "Homes and rents.")
            made = [items.publish(session, drafts.read(_file(each)), WRITTEN).item for each in news]
            issue = Issue(
                cadence=Cadence.WEEKLY,
                period_key="2026-W11",
                through_position=made[-1].position,
                subject=words.subject,
                intro_md=words.intro,
                salt=b"",
                state=Phase.CANCELLED,  # out of the way, so that the next letter can be of the same week
                created_at=WRITTEN,
                dealt_at=WRITTEN,
            )
            session.add(issue)
            session.flush()
            variant = Variant(
                issue_id=issue.id,
                signature="s",
                items=[each.id for each in made],
                from_positions={},
                more={str(made[0].topic_id): 3} if len(made) > 1 else {},
                locale=words.locale,
                format=form,
            )
            session.add(variant)
            session.flush()
            editions.write_fragments(session, self._letters(words), issue)
            return variant.id

    def _community(self, words: Words) -> Community:
        return replace(self.resources.config.community, name=words.community, locale=words.written_in)

    def _letters(self, words: Words) -> Letters:
        return Letters(self._community(words), self.resources.links)

    def _composer(self, words: Words) -> Composer:
        config = replace(self.resources.config, community=self._community(words))
        return Composer(config, self.resources.database, self.resources.links, self._letters(words))


def _slug(topic: str) -> str:
    return topic.lower() if re.fullmatch("[A-Za-z]{1,40}", topic) else f"t-{sha256(topic.encode()).hexdigest()[:20]}"


def _file(words: Words) -> str:
    url = f"url: {words.url}\n" if words.url else ""
    return f"---\ntitle: {words.title}\ntopic: {_slug(words.topic)}\n{url}---\n{words.text}\n"


def _since(news: list[Words]) -> dict[str, datetime]:
    """A reader who chose one topic after the other, a month apart."""
    slugs = dict.fromkeys(_slug(each.topic) for each in news)
    return {slug: WRITTEN - timedelta(days=39 + 30 * number) for number, slug in enumerate(slugs)}


def _ready(letter: Letter, words: Words, form: Format) -> Ready:
    person = Subscriber(
        code=CODE,
        locale=words.locale,
        format=form,
        epoch=1,
        state=State.ACTIVE,
        created_at=ASKED - timedelta(days=40),
        confirmed_at=ASKED - timedelta(days=39),
    )
    return Ready(
        delivery_id=1,
        letter=letter,
        nonce=NONCE,
        dated_at=WRITTEN,
        recipient=Address.parse("ada@example.org"),
        locale=words.locale,
        person=person,
    )


def a_digest(desk: Desk, words: Words, topics: int = 1, form: Format = Format.HTML) -> tuple[Composer, Ready]:
    """A digest of so many topics that could be composed now, and who composes it."""
    news = [replace(words, topic=f"Topic {number}") for number in range(topics)]
    ready = _ready(Letter.DIGEST, words, form)._replace(variant_id=desk.variant(words, news, form), since=_since(news))
    return desk._composer(words), ready


WRITERS: dict[str, Callable[[Desk, Words], Envelope]] = {
    "confirm": lambda desk, words: desk.service(Letter.CONFIRM, words),
    "confirm_from_a_known_site": lambda desk, words: desk.service(
        Letter.CONFIRM, words, origin="https://partner.example.org"
    ),
    "welcome": lambda desk, words: desk.service(Letter.WELCOME, words),
    "welcome_as_text": lambda desk, words: desk.service(Letter.WELCOME, words, form=Format.TEXT),
    "already_subscribed": lambda desk, words: desk.service(Letter.ALREADY_SUBSCRIBED, words),
    "preferences_link": lambda desk, words: desk.service(Letter.PREFERENCES_LINK, words),
    "move": lambda desk, words: desk.service(Letter.MOVE, words),
    "moved": lambda desk, words: desk.service(Letter.MOVED, words),
    "move_taken": lambda desk, words: desk.service(Letter.MOVE_TAKEN, words),
    "agree_again": lambda desk, words: desk.asking_again(words),
    "grievance": lambda desk, words: desk.about_a_grievance(Letter.GRIEVANCE, words),
    "grievance_answer": lambda desk, words: desk.about_a_grievance(Letter.GRIEVANCE_ANSWER, words),
    "digest": lambda desk, words: desk.digest(words),
    "digest_long": lambda desk, words: desk.digest_of(plenty(words)),
    "digest_as_text": lambda desk, words: desk.digest(words, Format.TEXT),
    "digest_as_a_test": lambda desk, words: desk.digest(words, test=True),
}
KINDS = tuple(WRITERS)
DIGESTS = tuple(kind for kind in KINDS if kind.startswith("digest"))
WITH_HTML = tuple(kind for kind in KINDS if not kind.endswith("as_text"))


def parse(envelope: Envelope) -> EmailMessage:
    """A composed letter, readable."""
    message = message_from_bytes(envelope.message, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(envelope: Envelope, subtype: str) -> str:
    """One part of a letter as a reader's program shows it."""
    body = parse(envelope).get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def raw_headers(envelope: Envelope) -> list[tuple[str, str]]:
    """The headers of the whole message as they stand on the wire, folded lines joined."""
    head = envelope.message.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n ", " ").replace("\r\n\t", " ")
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in head.split("\r\n"))]
