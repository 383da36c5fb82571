"""Which language a letter speaks: that of whoever reads it, or of the page on which a stranger just asked."""

import pytest
from sqlalchemy import update

from coalition.address import Address
from coalition.clock import utcnow
from coalition.languages import language
from coalition.models import Cadence, Form, Kind, Subscriber
from coalition.services import requests, topics
from coalition.services.requests import Wish
from tests.house import House, a_subscriber

ADA = "ada@example.org"


def ask(house: House, kind: Kind, locale: str, address: str = ADA) -> None:
    """Ask on a page in a language."""
    with house.database.transaction() as session:
        wish = Wish(
            kind=kind,
            locale=locale,
            topics=(topics.get(session, "housing").id,),
            cadence=Cadence.WEEKLY,
        )
        vault = house.resources.vault
        requests.write_down(session, vault, Address.parse(address), wish, over_limit=False, now=utcnow())


def a_reader(house: House, locale: str) -> Subscriber:
    """Somebody who gets housing weekly, in a language."""
    person = a_subscriber(house, ADA)
    with house.database.transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == person.id).values(locale=locale))
    return person


def spoken(house: House) -> list[tuple[str, str]]:
    """The letters to Ada: language and subject."""
    house.drain()
    return [(each["Content-Language"], each["Subject"]) for each in house.letters_to(ADA)]


def subject(code: str, text: str) -> str:
    return language(code).gettext(text) % {"community": "Coalition of Collaborators"}


@pytest.mark.parametrize("code", ["cy", "ar"])
def test_a_stranger_is_answered_in_the_language_of_the_page(house: House, code: str) -> None:
    ask(house, Kind.SIGNUP, code)

    assert spoken(house) == [(code, subject(code, "Please confirm: news from %(community)s"))]
    assert house.person(ADA).locale == code


def test_a_welcome_speaks_as_the_confirm_letter_did(house: House) -> None:
    with house.database.transaction() as session:
        session.execute(update(Form).values(locale="de"))

    house.join(ADA)

    assert [code for code, _ in spoken(house)] == ["de", "de"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.SIGNUP, "You are already subscribed to %(community)s"),
        (Kind.LINK, "Your link to %(community)s"),
    ],
)
def test_who_is_known_is_answered_in_the_language_they_chose(house: House, kind: Kind, text: str) -> None:
    a_reader(house, "fr")

    ask(house, kind, "en")

    assert spoken(house) == [("fr", subject("fr", text))]
    assert house.person(ADA).locale == "fr"


@pytest.mark.parametrize(("locale", "code"), [("es", "es"), ("de-AT", "de"), ("tlh", "en")])
def test_a_digest_speaks_to_each_reader_in_the_language_they_chose(house: House, locale: str, code: str) -> None:
    a_reader(house, locale)
    house.publish()

    house.send(house.plan(subject=""))

    [(found, said)] = spoken(house)
    assert found == code
    assert said.startswith(
        language(code).gettext("News from %(community)s: %(rhythm)s digest of %(day)s").partition("%")[0]
    )
