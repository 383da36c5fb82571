"""Every page that Coalition can show, by name: pages a visitor opens, answers to buttons, and errors."""

from collections.abc import Iterator
from datetime import timedelta

from werkzeug.test import TestResponse

from coalition.clock import utcnow
from coalition.links import SAMPLE_CODE
from coalition.models import Cadence, Format
from coalition.services import archive, forms, issues, purposes, topics
from coalition.tokens import Purpose
from tests.house import House, a_subscriber, hidden, link
from tests.web.doors import (
    digest_link,
    form_stamp,
    fresh_link,
    move_link,
    put_back_link,
    with_community,
    without_database,
)


def every_page(house: House) -> Iterator[tuple[str, TestResponse]]:
    """Name and answer of each page, on a house that this populates."""
    yield from _public(house)
    yield from _confirming(house)
    yield from _choosing(house)
    yield from _moving(house)
    yield from _agreeing_again(house)
    yield from _leaving(house)
    yield from _errors(house)
    yield from _archive(house)


def open_confirm_link(house: House, address: str = "open@example.org") -> str:
    """The link in a confirm letter that nobody has answered."""
    house.sign_up(address, ("housing", "events"))
    house.drain()
    return link(house.letters_to(address)[-1], "/confirm/")


def _public(house: House) -> Iterator[tuple[str, TestResponse]]:
    get, post = house.browser.get, house.browser.post
    with house.database.transaction() as session:
        forms.add(
            session,
            "narrow",
            topics=["tools"],
            wording="",
            locale=house.config.community.locale,
            cadence=Cadence.DAILY,
            origins=[],
            thanks_url=None,
        )
    for path in ("/", "/join/main", "/join/narrow", "/embed/main", "/embed/narrow", "/join/main/sent"):
        yield path, get(path)
    yield "sent, framed", get("/join/main/sent?framed=1")
    yield "errors", post("/join/main", data={"email": "x"})
    yield "errors, framed", post("/join/main", data={"email": "x", "framed": "1"})
    yield "errors of one topic", post("/join/narrow", data={"email": "ada@example.org", "topics": "housing"})
    yield "press", post("/join/main", data={"email": "new@example.org", "topics": "tools"})
    yield "press, framed", post("/join/main", data={"email": "new@example.org", "topics": "tools", "framed": "1"})
    yield "signed up", house.sign_up("new@example.org")
    with house.database.transaction() as session:
        topics.add(
            session, "health", "Health", "Living well.", explicit="I agree that you keep that I want news about health."
        )
        forms.edit(session, "narrow", topics=["tools", "health"])
    yield "special", get("/join/narrow")
    yield "press, special", post("/join/narrow", data={"email": "new@example.org", "topics": "health"})
    special = {"email": "new@example.org", "topics": "health", "stamp": form_stamp(house, "narrow")}
    yield "errors, special", post("/join/narrow", data=special)
    with house.database.transaction() as session:
        forms.edit(session, "narrow", topics=["tools"])
        topics.close(session, "health")
    yield "/privacy", get("/privacy")
    yield "/privacy?version=1", get("/privacy?version=1")
    yield "/privacy/proof", get("/privacy/proof")
    yield "/privacy/grievance", get("/privacy/grievance")
    yield "complained wrongly", post("/privacy/grievance", data={"email": "x", "text": ""})
    complaint = {"email": "bob@example.org", "text": "You wrote to me twice."}
    yield "complained late", post("/privacy/grievance", data=complaint)
    yield "complained", get("/privacy/grievance?done=sent")
    yield "/preferences", get("/preferences")
    yield "asked wrongly", post("/preferences", data={"email": "x"})
    yield "asked", post("/preferences", data={"email": "x@example.org"})
    for path in ("/healthz", "/readyz", "/robots.txt", "/.well-known/security.txt", "/static/coalition.css"):
        yield path, get(path, buffered=True)


def _confirming(house: House) -> Iterator[tuple[str, TestResponse]]:
    url = open_confirm_link(house)
    nonce = house.resources.tokens.read(Purpose.CONFIRM, url.rpartition("/")[2])
    yield "confirm", house.browser.get(url)
    yield "confirm, no stamp", house.browser.post(url, data={"answer": "yes"})
    yield "confirm, expired", house.browser.get(house.resources.links.confirm(nonce, utcnow() - timedelta(days=4)))
    yield "confirm, superseded", _superseded(house)
    yield "resent", house.press(url, answer="resend")
    denied = open_confirm_link(house, "no@example.org")
    stamp = hidden(house.browser.get(denied).text, "stamp")
    yield "denied", house.press(denied, answer="no")
    yield "contrary", house.browser.post(denied, data={"answer": "yes", "stamp": stamp})
    yield "confirmed", house.press(open_confirm_link(house, "yes@example.org"), answer="yes")
    gone = open_confirm_link(house, "gone@example.org")
    house.press(gone, answer="yes")
    house.browser.post(f"/unsubscribe/{house.person('gone@example.org').code}")
    yield "confirmed and left", house.browser.get(gone)
    yield "data, with a history", house.browser.get(f"{fresh_link(house, 'gone@example.org')}/data")
    yield "gone", house.browser.get("/confirm/aaaaaaaaaaaaaaaaaaaaaaaaaaaa")


def _superseded(house: House) -> TestResponse:
    """Of two sign-ups at once, only the newer letter counts."""
    house.sign_up("twice@example.org")
    house.drain()
    first = link(house.letters_to("twice@example.org")[-1], "/confirm/")
    nonce = house.resources.tokens.read(Purpose.CONFIRM, first.rpartition("/")[2])
    house.press(house.resources.links.confirm(nonce, utcnow() - timedelta(days=4)), answer="resend")
    with house.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE request SET over_limit = false")
    house.drain()
    return house.browser.get(first)


def _choosing(house: House) -> Iterator[tuple[str, TestResponse]]:
    a_subscriber(house, topics_=("housing", "tools"), form=Format.TEXT)
    weak, fresh = digest_link(house), fresh_link(house)
    with house.database.transaction() as session:
        topics.close(session, "tools")
    yield "preferences", house.browser.get(weak)
    yield "preferences, fresh", house.browser.get(fresh)
    for note in ("saved", "paused", "resumed", "link", "nonsense"):
        yield f"preferences, {note}", house.browser.get(f"{weak}?done={note}")
    yield "preferences, no stamp", house.browser.post(weak, data={"action": "leave"})
    yield "pause refused", house.press(weak, action="pause", length="date", day="yesterday")
    yield "paused", house.press(weak, action="pause", length="14")
    yield "preferences, on a break", house.browser.get(weak)
    yield "needs a fresh link", house.browser.get(f"{weak}/data")
    yield "data", house.browser.get(f"{fresh}/data")
    person = house.person("ada@example.org")
    old = utcnow() - timedelta(days=101)
    yield "too old", house.browser.get(house.resources.links.preferences(person.code, person.epoch, old))
    stamp = hidden(house.browser.get(weak).text, "stamp")
    yield "left by the preferences", house.press(weak, action="leave")
    yield "left again", house.browser.post(weak, data={"action": "leave", "stamp": stamp})
    yield "preferences, left", house.browser.get(weak)
    yield "preferences, left, fresh", house.browser.get(fresh)
    yield "forget, needs a fresh link", house.browser.get(f"{weak}/forget")
    a_subscriber(house, "gwen@example.org")
    forget = f"{fresh_link(house, 'gwen@example.org')}/forget"
    yield "forget", house.browser.get(forget)
    yield "forget, no stamp", house.browser.post(forget, data={"stamp": "old"})
    yield "forgotten", house.press(forget)
    wish = {"action": "save", "topics": "1", "cadence-1": "weekly", "format": "html", "stamp": stamp}
    yield "return refused", house.browser.post(weak, data=wish)


def _agreeing_again(house: House) -> Iterator[tuple[str, TestResponse]]:
    a_subscriber(house, "ewa@example.org", ("events",))
    with house.database.transaction() as session:
        purposes.change(session, "events", "Concerts of our partners.", utcnow() + timedelta(seconds=1))
        purposes.ask_again(session, utcnow() + timedelta(seconds=2))
    yield "preferences, asked again", house.browser.get(digest_link(house, "ewa@example.org"))
    yield "data, asked again", house.browser.get(f"{fresh_link(house, 'ewa@example.org')}/data")


def _moving(house: House) -> Iterator[tuple[str, TestResponse]]:
    a_subscriber(house, "cyd@example.org")
    a_subscriber(house, "dan@example.org")
    fresh = fresh_link(house, "cyd@example.org")
    yield "address", house.browser.get(f"{fresh}/address")
    yield "address, no stamp", house.browser.post(f"{fresh}/address", data={"email": "x"})
    yield "address, wrong", house.press(f"{fresh}/address", email="x")
    yield "address, needs a fresh link", house.browser.get(f"{digest_link(house, 'cyd@example.org')}/address")
    yield "move asked", house.press(f"{fresh}/address", email="cyd.first@example.org")
    yield "link used up", house.browser.get(fresh)
    house.drain()
    first = link(house.letters_to("cyd.first@example.org")[-1], "/move/")
    url = move_link(house, "cyd.new@example.org", "cyd@example.org")
    nonce = house.resources.tokens.read(Purpose.MOVE, url.rpartition("/")[2])
    yield "move", house.browser.get(url)
    yield "move, no stamp", house.browser.post(url, data={"answer": "yes"})
    yield "move, superseded", house.browser.get(first)
    yield "move, expired", house.browser.get(house.resources.links.move(nonce, utcnow() - timedelta(days=4)))
    yield "move, denied", house.press(url, answer="no")
    yield "move, contrary", house.press(url, answer="yes")
    back = put_back_link(house, "dan.new@example.org", "dan@example.org")
    moved = link(house.letters_to("dan.new@example.org")[-1], "/move/")
    yield "moved", house.browser.get(moved)
    yield "data, moved", house.browser.get(f"{fresh_link(house, 'dan.new@example.org')}/data")
    yield "put back?", house.browser.get(back)
    yield "put back", house.press(back)
    yield "nothing to put back", house.browser.get(back)
    yield "move gone", house.browser.get(moved)


def _leaving(house: House) -> Iterator[tuple[str, TestResponse]]:
    code = a_subscriber(house, "bob@example.org", ("housing", "tools")).code
    sample = house.resources.links.preferences(SAMPLE_CODE, 1, utcnow())
    url = f"/unsubscribe/{code}"
    yield "unsubscribe", house.browser.get(url)
    yield "unsubscribe, topic", house.browser.get(f"{url}?topic=housing")
    yield "break", house.browser.post(url, data={"action": "pause", "length": "30"})
    yield "left topic", house.browser.post(url, data={"action": "topic", "topic": "housing"})
    left = house.browser.post(url, data={"action": "all"})
    yield "left", left
    yield "left twice", house.browser.post(url)
    yield "undone", house.browser.post(url, data={"action": "undo", "undo": hidden(left.text, "undo")})
    yield "undone too late", house.browser.post(url, data={"action": "undo", "undo": "x"})
    with without_database(house) as lost:
        yield "unsubscribe, away", lost.get(url)
        yield "break, away", lost.post(url, data={"action": "pause", "length": "30"})
        yield "left, away", lost.post(url)
    for path in (f"/unsubscribe/{SAMPLE_CODE}", sample, f"{sample}/data", f"{sample}/address", f"{sample}/forget"):
        yield f"sample {path[-5:]}", house.browser.get(path)


def _errors(house: House) -> Iterator[tuple[str, TestResponse]]:
    browser = house.browser
    yield "400", browser.post("/join/main", data={"framed": "1"})
    yield "403", browser.post(digest_link(house, "bob@example.org"), headers={"Origin": "https://evil.example"})
    yield "404", browser.get("/nowhere")
    yield "404 of a form", browser.get("/embed/nowhere")
    yield "405", browser.delete("/join/main")
    yield "413", browser.post("/join/main", data={"email": "x" * 20_000})
    yield "415", browser.post("/join/main", json={})
    stamp = form_stamp(house)
    data = {"email": "a@example.org", "topics": "housing", "stamp": stamp}
    yield "429", with_community(house, world_hour=0).post("/join/main", data=data)
    yield "strange host", browser.get("/", headers={"Host": "evil.example"})
    with without_database(house) as lost:
        yield "503", lost.post("/join/main", data=data)
        yield "503 of readyz", lost.get("/readyz")


def _archive(house: House) -> Iterator[tuple[str, TestResponse]]:
    yield "archive, empty", house.browser.get("/archive")
    name = an_archived_issue(house)
    for path in ("/archive", f"/archive/{name}", "/archive.atom", "/topics/housing.atom"):
        yield path, house.browser.get(path)
    yield "proof, with a digest", house.browser.get("/privacy/proof")
    closed = with_community(house, public=False)
    yield "form, archive not public", closed.get("/join/main")
    yield "archive, not public", closed.get("/archive")
    yield "feed, not public", closed.get("/archive.atom")
    yield "over a cap, not public", closed.get(f"/archive/{name}")


def an_archived_issue(house: House) -> str:
    """The permanent name of an issue with all that one can hold: more than fits a letter, links, headings, code."""
    a_subscriber(house, "reader@example.org", ("housing", "events"))
    study = "Because *rents* fall, says [a study](https://www.example.org/study)."
    long = f"## Why\n\n{study}\n\n- one\n- two\n\n~~~\n{'x' * 200}\n~~~"
    for number in range(13):
        house.publish("housing", f"Rents fall, {number}", long)
    house.publish("events", "A meeting", f"> Come!\n\n1. Talk\n2. Eat\n\n***\n\nhttps://www.example.org/{'y' * 90}")
    issue_id = house.plan(subject="The week", intro="Hello, *all*.\n\n# A word before")
    house.send(issue_id)
    with house.database.reading() as session:
        return archive.name_of(issues.get(session, issue_id))
