"""A house that collects what comes back, and the servers and readers who send it."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from coalition.clock import utcnow
from coalition.community import read_community
from coalition.mail import reports
from coalition.mail.return_paths import ReturnPaths
from coalition.models import Bounce, Cadence, Delivery, Fate, Scope, SetAside, Subscriber, Suppression
from coalition.services.bounces import Done
from coalition.tokens import random_code
from tests.house import House, a_subscriber
from tests.mail.came_back import came_back
from tests.relay import Received

SERVER = "mx.list.example.org"
ADA, GRACE = "ada@example.org", "grace@example.org"


def collect(house: House) -> None:
    """Let letters come back to bounces.example.org, and believe what our own mail server says of signatures."""
    path = house.config.home / "community.toml"
    text = path.read_text("utf-8").replace('bounce_domain = ""', 'bounce_domain = "bounces.example.org"')
    path.write_text(text.replace('authserv_id = ""', f'authserv_id = "{SERVER}"'), "utf-8")
    community, faults = read_community(path)
    assert faults == []
    house.config = replace(house.config, community=community)
    house.resources = replace(house.resources, config=house.config)


def a_reader(house: House, address: str = ADA) -> Subscriber:
    """Somebody who gets every item as it happens."""
    return a_subscriber(house, address, cadence=Cadence.AS_IT_HAPPENS)


def an_issue(house: House) -> list[Received]:
    """A new item, sent to every such reader."""
    house.send(a_plan(house))
    return house.drain()


def a_plan(house: House) -> int:
    """A new item, planned for every such reader. Returns the number of the issue."""
    house.publish(title=f"News {random_code()}")
    return house.plan(Cadence.AS_IT_HAPPENS)


def bounced(letter: Received, name: str = "postfix") -> bytes:
    """The report that a server of this kind sends about a letter."""
    [message_id] = [
        line.partition(b":")[2].strip().decode()
        for line in letter.data.split(b"\r\n")
        if line.lower().startswith(b"message-id:")
    ]
    return came_back(name, letter.sender, letter.recipient, message_id)


def deal(house: House, *messages: bytes, now: datetime | None = None) -> list[Done]:
    """Deal with messages, one after the other."""
    desk, done = house.resources.bounces(), []
    for raw in messages:
        report = reports.read(raw, authserv_id=house.config.community.authserv_id)
        with house.database.transaction() as session:
            done.append(desk.deal_with(session, raw, report, now or utcnow()))
    return done


def suppressions(house: House) -> dict[str, tuple[Scope, str]]:
    """Who is suppressed, by code."""
    with house.database.reading() as session:
        return {row.code or "": (row.scope, row.reason) for row in session.scalars(select(Suppression))}


def fates(house: House) -> list[Fate]:
    """What is recorded, oldest first."""
    with house.database.reading() as session:
        return list(session.scalars(select(Bounce.fate).order_by(Bounce.id)))


def set_aside(house: House) -> list[SetAside]:
    """What is set aside, oldest first."""
    with house.database.reading() as session:
        return list(session.scalars(select(SetAside).order_by(SetAside.id)))


def let_it_have_gone(house: House, letter: Received, moment: datetime) -> None:
    """Let a letter have gone at another moment."""
    [path] = ReturnPaths(house.resources.tokens, house.config.community).read(letter.sender)
    with house.database.transaction() as session:
        session.scalars(select(Delivery).where(Delivery.nonce == path.nonce)).one().ended_at = moment
