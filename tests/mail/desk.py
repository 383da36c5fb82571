"""A desk where letters are written from fixed facts: the real Composer over a real database, nothing left to chance."""

import email.policy
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from hashlib import sha256
from itertools import count
from pathlib import Path

from coalition.address import Address
from coalition.community import SAMPLE, Community
from coalition.config import read_config
from coalition.mail.letters import Letters
from coalition.mail.smtp import Envelope
from coalition.models import Cadence, Format, Issue, Kind, Letter, Phase, Request, State, Subscriber, Variant
from coalition.resources import open_resources, prepare
from coalition.services import drafts, editions, items, topics
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.looking import Ready
from coalition.vault import RING_NAMES

WRITTEN = datetime(2026, 3, 12, 8, 5, tzinfo=UTC)
ASKED = WRITTEN - timedelta(minutes=2)
CODE = "abcdefghijklmnopqrstuvwxyz"
NONCE = "nonce234567nonce234567nonc"
PRIVACY = "https://list.example.org/privacy"
UNSUBSCRIBE = f"https://list.example.org/unsubscribe/{CODE}"

_COMMUNITY = SAMPLE.replace("coalition.example", "list.example.org").replace("Exampleton", "Exampletown")


@dataclass(frozen=True)
class Words:
    """What people wrote that ends up in letters."""

    community: str = "Coalition of Collaborators"
    topic: str = "Housing"
    title: str = "Rents fall"
    text: str = "They really do. [The figures](https://www.example.org/rents?year=2026&by=town) are out."
    url: str | None = "https://www.example.org/news/rents"
    subject: str = "News of the week"
    intro: str = "Hello everybody,\n\n## What came in\n\nmore than ever."


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
        self._numbers = count(1)
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
            self._written[case] = WRITERS[kind](self, case[1])
        return self._written[case]

    def service(
        self, letter: Letter, words: Words, *, origin: str | None = None, form: Format = Format.HTML
    ) -> Envelope:
        """A letter that answers somebody's press of a button."""
        request = Request(kind=Kind.SIGNUP, nonce=NONCE, cadence=Cadence.WEEKLY, locale="en", created_at=ASKED)
        ready = replace(_ready(letter, form), request=request, topics=(words.topic, "Events"), origin=origin)
        return self._composer(words).compose(ready)

    def digest(self, words: Words, form: Format = Format.HTML, *, test: bool = False) -> Envelope:
        """A digest of one item, to a reader or as a test letter to staff."""
        ready = replace(_ready(Letter.DIGEST, form), variant_id=self.variant(words, [words], form))
        return self._composer(words).compose(replace(ready, person=None) if test else ready)

    def digest_of(self, news: list[Words]) -> Envelope:
        """A digest of many items in one topic."""
        ready = replace(_ready(Letter.DIGEST, Format.HTML), variant_id=self.variant(news[0], news))
        return self._composer(news[0]).compose(ready)

    def variant(self, words: Words, news: list[Words], form: Format = Format.HTML) -> int:
        """Publish items in one topic and make an issue of them. Returns the number of its variant."""
        slug = _slug(words.topic)
        with self.resources.database.transaction() as session:
            if slug not in {topic.slug for topic in topics.all_of(session)}:
                topics.add(session, slug, words.topic, "Homes and rents.")
            written = [drafts.read(_file(each, slug)) for each in news]
            made = [items.publish(session, draft, WRITTEN).item for draft in written]
            issue = Issue(
                cadence=Cadence.WEEKLY,
                period_key=str(next(self._numbers)),
                through_position=made[-1].position,
                subject=words.subject,
                intro_md=words.intro,
                salt=b"",
                state=Phase.PLANNED,
                created_at=WRITTEN,
            )
            session.add(issue)
            session.flush()
            ids = [each.id for each in made]
            variant = Variant(issue_id=issue.id, signature="s", items=ids, from_positions={}, locale="en", format=form)
            session.add(variant)
            session.flush()
            editions.write_fragments(session, self._letters(words), issue)
            return variant.id

    def _community(self, words: Words) -> Community:
        return replace(self.resources.config.community, name=words.community)

    def _letters(self, words: Words) -> Letters:
        return Letters(self._community(words), self.resources.links)

    def _composer(self, words: Words) -> Composer:
        config = replace(self.resources.config, community=self._community(words))
        return Composer(config, self.resources.database, self.resources.links, self._letters(words))


def _slug(topic: str) -> str:
    return topic.lower() if re.fullmatch("[A-Za-z]{1,40}", topic) else f"t-{sha256(topic.encode()).hexdigest()[:20]}"


def _file(words: Words, topic: str) -> str:
    url = f"url: {words.url}\n" if words.url else ""
    return f"---\ntitle: {words.title}\ntopic: {topic}\n{url}---\n{words.text}\n"


def _ready(letter: Letter, form: Format) -> Ready:
    person = Subscriber(
        code=CODE,
        locale="en",
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
        locale="en",
        person=person,
    )


WRITERS: dict[str, Callable[[Desk, Words], Envelope]] = {
    "confirm": lambda desk, words: desk.service(Letter.CONFIRM, words),
    "confirm_from_a_known_site": lambda desk, words: desk.service(
        Letter.CONFIRM, words, origin="https://partner.example.org"
    ),
    "welcome": lambda desk, words: desk.service(Letter.WELCOME, words),
    "welcome_as_text": lambda desk, words: desk.service(Letter.WELCOME, words, form=Format.TEXT),
    "already_subscribed": lambda desk, words: desk.service(Letter.ALREADY_SUBSCRIBED, words),
    "preferences_link": lambda desk, words: desk.service(Letter.PREFERENCES_LINK, words),
    "digest": lambda desk, words: desk.digest(words),
    "digest_as_text": lambda desk, words: desk.digest(words, Format.TEXT),
    "digest_as_a_test": lambda desk, words: desk.digest(words, test=True),
}
KINDS = tuple(WRITERS)
DIGESTS = tuple(kind for kind in KINDS if kind.startswith("digest"))
WITH_HTML = tuple(kind for kind in KINDS if not kind.endswith("as_text"))

HOSTILE = {
    "plain": Words(),
    "accents": Words("Verein für Räume", "Größe", "Über die Höhe der Mieten in Städten", "Schöne Grüße, é à ß."),
    "cjk": Words(
        "協力者の連合" * 12, "住宅", "家賃が下がる" * 30, "本当に。" * 200, subject="住宅 ニュース " * 12 + "完"
    ),
    "rtl": Words("שיתוף פעולה", "דיור", "שכר הדירה יורד", "זה נכון. " * 30, subject="חדשות השבוע"),
    "emoji": Words("Coalition 🤝", "Homes 🏠", "Rents 📉👩🏽‍🔧", "Down ⬇️ " * 40, subject="🏠 " * 40 + "."),
    "long": Words("x" * 400, "y" * 400, "z" * 200, "w" * 900 + "\n\n" + "v " * 2000, subject="s" * 150),
    "mailbox": Words('Bob, "the" Builder of every single thing, Inc <bob@evil.example>', "a\\b", "Bob; Eve: <x>", "x"),
    "quotes": Words('A "quoted" \\ name', '"><script>alert(1)</script>', "'; DROP TABLE item; --", "</td></table>"),
    "templates": Words("{{7*7}}", "{% raw %}", "${7*7} #{7*7}", "{{ slots.unsubscribe }} %s %(x)s", subject="{{7*7}}"),
    "lines": Words(text="one\n\n.\n\n..two\n\nFrom the start\n\n-- \n\n.\n\n> quoted\n\n=?utf-8?q?x?= = =3D =20"),
    "code": Words(text="```\nFrom: x\n.\n" + "a" * 900 + "\n```\n\n1. a\n2. b\n\n> c", title="`code` *stars* & <b>"),
}


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
