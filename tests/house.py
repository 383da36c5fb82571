"""A whole Coalition for one test, and the verbs of the people around it."""

import email
import email.policy
import re
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from coalition.address import Address
from coalition.app import create_app
from coalition.clock import utcnow
from coalition.community import SAMPLE
from coalition.config import Config, read_config
from coalition.mail.smtp import SmtpClient
from coalition.models import Cadence, Format, Item, Source, State, Subscriber
from coalition.resources import Resources, open_resources, prepare
from coalition.services import drafts, forms, issues, items, planning, subscriptions, topics
from coalition.services.outbox import ledger
from coalition.services.outbox.sender import Sender
from coalition.tokens import random_code
from tests.relay import CatchAll, Received

WORDING = "I would like to get news on the topics I ticked, by e-mail. I can leave with one press at any time."
TOPICS = ("housing", "events", "tools")

# A test signs up more people in a second than a community does in a day.
COMMUNITY = re.sub(
    r"(network_10_minutes|network_day|neighbourhood_hour|form_hour|world_hour) = \d+", r"\1 = 100000", SAMPLE
)
COMMUNITY = COMMUNITY.replace("form_seconds = 2 ", "form_seconds = 0 ").replace("Exampleton", "Exampletown")


@dataclass(frozen=True)
class Template:
    """A migrated installation with topics and a form, to copy houses from."""

    home: Path
    url: str

    @classmethod
    def make(cls, home: Path, url: str) -> "Template":
        """Make it in an empty database."""
        (home / "community.toml").write_text(COMMUNITY, "utf-8")
        config = read_config({"COALITION_HOME": str(home), "COALITION_DATABASE_URL": url})
        prepare(config)
        resources = open_resources(config)
        with resources.database.transaction() as session:
            for slug in TOPICS:
                topics.add(session, slug, slug.capitalize(), f"All about {slug}.")
            forms.add(
                session,
                "main",
                topics=TOPICS,
                wording=WORDING,
                locale="en",
                cadence=Cadence.WEEKLY,
                origins=["https://partner.example.org"],
                thanks_url=None,
            )
        resources.database.close()
        return cls(home, url)

    def copy_sqlite(self, home: Path) -> str:
        """Copy the database file into a new home. Returns its URL."""
        home.mkdir(parents=True)
        shutil.copy(self.home / "coalition.db", home / "coalition.db")
        return f"sqlite:///{home / 'coalition.db'}"


def sqlite_template(home: Path) -> Template:
    """A template in a file."""
    return Template.make(home, f"sqlite:///{home / 'coalition.db'}")


class House:
    """One Coalition, a browser without scripts, and a mail server that takes everything."""

    def __init__(self, resources: Resources, relay: CatchAll) -> None:
        self.resources, self.relay = resources, relay
        self.config: Config = resources.config
        self.database = resources.database
        self.app: Flask = create_app(resources)
        self.browser: FlaskClient = self.app.test_client()

    @classmethod
    def move_in(cls, home: Path, template: Template, url: str) -> "House":
        """Make a house from a copied database, with the template's keys and community."""
        home.mkdir(parents=True, exist_ok=True)
        shutil.copytree(template.home / "keys", home / "keys")
        shutil.copy(template.home / "community.toml", home / "community.toml")
        relay = CatchAll().__enter__()
        config = read_config(
            {
                "COALITION_HOME": str(home),
                "COALITION_DATABASE_URL": url,
                "COALITION_BASE_URL": "http://localhost",
                "COALITION_SMTP_URL": f"smtp://127.0.0.1:{relay.port}",
            }
        )
        return cls(open_resources(config), relay)

    def on(self, url: str) -> "House":
        """The same house with another database in it, as after a backup was brought back."""
        return House(open_resources(replace(self.config, database_url=url)), self.relay)

    def close(self) -> None:
        """Give everything back; the ledger must add up whatever a test did."""
        with self.database.reading() as session:
            faults = ledger.check(session)
        self.database.close()
        self.relay.__exit__(None, None, None)
        assert faults == []

    # --- staff ---

    def publish(self, topic: str = "housing", title: str = "News", text: str = "Some news.") -> Item:
        """Publish an item."""
        draft = drafts.read(f"---\ntitle: {title}\ntopic: {topic}\n---\n{text}\n")
        with self.database.transaction() as session:
            return items.publish(session, draft, utcnow()).item

    def plan(self, cadence: Cadence = Cadence.WEEKLY, subject: str = "The digest", intro: str = "") -> int:
        """Plan the issue that is due. Returns its number."""
        made = planning.plan(
            self.database,
            self.resources.letters,
            self.config.community,
            cadence,
            subject=subject,
            intro_md=intro,
            now=utcnow(),
        )
        return made.issue_id

    def send(self, issue_id: int) -> None:
        """Let an issue go; `drain` then sends it."""
        with self.database.transaction() as session:
            issues.send(session, self.config.community, issue_id, utcnow())

    # --- the sender ---

    def sender(self) -> Sender:
        """A sender that gives letters to this house's mail server."""
        relay = self.config.relay
        assert relay is not None
        # Over one connection letters come in the order in which they were queued.
        return self.resources.sender(SmtpClient(relay, connections=1))

    def drain(self) -> list[Received]:
        """Send everything that is due now. Returns what the mail server took meanwhile."""
        before = len(self.relay.received)
        sender = self.sender()
        sender.drain()
        sender.close()
        return self.relay.received[before:]

    # --- people ---

    def sign_up(self, address: str, topics: tuple[str, ...] = ("housing",), form: str = "main") -> TestResponse:
        """Fill in the hosted form as a person would."""
        stamp = hidden(self.browser.get(f"/join/{form}").text, "stamp")
        return self.browser.post(f"/join/{form}", data={"email": address, "topics": list(topics), "stamp": stamp})

    def press(self, url: str, **fields: object) -> TestResponse:
        """Open a page and press one of its buttons, with the page's own stamp."""
        page = self.browser.get(url)
        assert page.status_code == 200, page.text
        data = dict(fields)
        if 'name="stamp"' in page.text:
            data.setdefault("stamp", hidden(page.text, "stamp"))
        return self.browser.post(url, data=data)

    def confirm(self, address: str) -> TestResponse:
        """Press "yes" on the page that the newest confirm letter leads to."""
        return self.press(link(self.letters_to(address)[-1], "/confirm/"), answer="yes")

    def join(self, address: str, topics: tuple[str, ...] = ("housing",)) -> None:
        """The whole way in: sign up, read the letter, confirm; the welcome letter is sent too."""
        self.sign_up(address, topics)
        self.drain()
        assert self.confirm(address).status_code == 200
        self.drain()

    def letters_to(self, address: str) -> list[EmailMessage]:
        """All letters that went to an address, oldest first."""
        return [parse(each) for each in self.relay.received if each.recipient == address]

    def person(self, address: str) -> Subscriber:
        """The row of the person with this address."""
        with self.database.reading() as session:
            keys = self.resources.vault.keys(Address.parse(address))
            return session.scalars(select(Subscriber).where(Subscriber.address_key.in_(keys))).one()


def a_subscriber(
    house: House,
    address: str = "ada@example.org",
    topics_: tuple[str, ...] = ("housing",),
    *,
    cadence: Cadence = Cadence.WEEKLY,
    form: Format = Format.HTML,
    cursor: int | None = None,
) -> Subscriber:
    """Somebody who confirmed a month ago, made directly."""
    vault, parsed, now = house.resources.vault, Address.parse(address), utcnow()
    with house.database.transaction() as session:
        person = Subscriber(
            code=random_code(),
            address_sealed=vault.seal(parsed),
            address_key=vault.key(parsed),
            locale=house.config.community.locale,
            format=form,
            timezone=None,
            weekday=None,
            hour=None,
            pause_until=None,
            epoch=1,
            state=State.ACTIVE,
            created_at=now - timedelta(days=30),
            confirmed_at=now - timedelta(days=30),
        )
        session.add(person)
        session.flush()
        for slug in topics_:
            topic = topics.get(session, slug)
            subscriptions.begin(
                session, house.config.community, person, topic.id, cadence, Source.SIGNUP, now, cursor=cursor
            )
        return person


def parse(received: Received) -> EmailMessage:
    """A received message, readable."""
    message = email.message_from_bytes(received.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(letter: EmailMessage) -> str:
    """The text of a letter."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def html_of(letter: EmailMessage) -> str:
    """The HTML of a letter."""
    body = letter.get_body(("html",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def links_in(letter: EmailMessage) -> list[str]:
    """Every URL that stands alone on a line of the letter's text, in order."""
    return re.findall(r"^(https?://\S+)$", text_of(letter), re.MULTILINE)


def link(letter: EmailMessage, part: str) -> str:
    """The one URL of a letter that holds this part."""
    found = sorted({url for url in links_in(letter) if part in url and "?topic=" not in url})
    assert len(found) == 1, f"{part} is in {len(found)} links"
    return found[0]


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no field {name}"
    return found[1]


def heading(response: TestResponse) -> str:
    """The one h1 of a page, as text."""
    found = re.findall(r"<h1>(.*?)</h1>", response.text, re.DOTALL)
    assert len(found) == 1
    return " ".join(re.sub(r"<[^>]+>", "", found[0]).split())
