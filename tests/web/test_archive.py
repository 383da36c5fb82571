"""The archive: what has been sent, for everybody, under permanent names and without a personal link."""

import re
from datetime import timedelta

import pytest
import time_machine
from werkzeug.test import TestResponse

from coalition.clock import utcnow
from coalition.models import Cadence, Item
from coalition.services import archive, cancelling, issues, items, topics
from tests.house import House, a_subscriber, heading, link, links_in
from tests.web.doors import with_community
from tests.web.gallery import an_archived_issue
from tests.web.reading import faults_of, parse, words

_PERSONAL = re.compile(r"/(?:confirm|preferences|unsubscribe)/|sample|\b[a-z2-7]{26}\b|@(?!coalition\.example)")


def _listed(answer: TestResponse) -> list[str]:
    """The names of the issues that the archive lists."""
    hrefs = [each.get("href", "") for each in parse(answer).iter("a")]
    return [href.removeprefix("/archive/") for href in hrefs if href.startswith("/archive/")]


def _titles(answer: TestResponse) -> list[str]:
    return [words(each) for each in parse(answer).iter("h3")]


def _name(house: House, issue_id: int) -> str:
    with house.database.reading() as session:
        return archive.name_of(issues.get(session, issue_id))


def _withdraw(house: House, item: Item) -> None:
    with house.database.transaction() as session:
        items.withdraw(session, item.position, utcnow())


def test_an_issue_is_shown_once_its_sending_has_begun(house: House) -> None:
    a_subscriber(house)
    house.publish()
    issue_id = house.plan()
    name = _name(house, issue_id)

    assert _listed(house.browser.get("/archive")) == []
    assert house.browser.get(f"/archive/{name}").status_code == 404
    house.send(issue_id)
    sending = house.browser.get(f"/archive/{name}")
    with house.database.transaction() as session:
        issues.hold(session, issue_id)
    held = house.browser.get(f"/archive/{name}")
    with house.database.transaction() as session:
        issues.resume(session, issue_id)
    house.drain()
    sent = house.browser.get(f"/archive/{name}")

    assert sending.status_code == 200
    assert sending.get_data() == held.get_data() == sent.get_data()
    assert (heading(sent), _titles(sent)) == ("The digest", ["News"])
    assert _listed(house.browser.get("/archive")) == [name]


def test_an_issue_that_goes_later_is_not_shown_before(house: House) -> None:
    a_subscriber(house)
    house.publish()
    issue_id = house.plan()
    with time_machine.travel(utcnow(), tick=False) as clock:
        with house.database.transaction() as session:
            issues.send(session, house.config.community, issue_id, utcnow() + timedelta(hours=2))
        name = _name(house, issue_id)
        assert _listed(house.browser.get("/archive")) == []
        assert house.browser.get(f"/archive/{name}").status_code == 404
        clock.shift(timedelta(hours=2))
        assert _listed(house.browser.get("/archive")) == [name]
        assert house.browser.get(f"/archive/{name}").status_code == 200


def test_a_cancelled_plan_is_not_shown(house: House) -> None:
    a_subscriber(house)
    house.publish()
    issue_id = house.plan()
    cancelling.cancel(house.database, issue_id, utcnow())

    assert _listed(house.browser.get("/archive")) == []
    assert house.browser.get(f"/archive/{_name(house, issue_id)}").status_code == 404


def test_names_say_the_cadence_and_the_period_and_the_newest_comes_first(house: House) -> None:
    a_subscriber(house, "ada@example.org", cadence=Cadence.WEEKLY)
    a_subscriber(house, "bob@example.org", cadence=Cadence.MONTHLY)
    a_subscriber(house, "eve@example.org", cadence=Cadence.AS_IT_HAPPENS)
    item = house.publish()
    with time_machine.travel(utcnow(), tick=False) as clock:
        for cadence in (Cadence.WEEKLY, Cadence.MONTHLY, Cadence.AS_IT_HAPPENS):
            house.send(house.plan(cadence))
            clock.shift(timedelta(minutes=1))
        happened, monthly, weekly = _listed(house.browser.get("/archive"))
        assert {house.browser.get(f"/archive/{name}").status_code for name in (happened, monthly, weekly)} == {200}

    assert re.fullmatch(r"weekly-\d{4}-W\d{2}", weekly)
    assert re.fullmatch(r"monthly-\d{4}-\d{2}", monthly)
    assert re.fullmatch(rf"as-it-happens-.*{item.position}", happened)


def test_nothing_personal_is_on_any_page_or_in_any_feed(house: House) -> None:
    a_subscriber(house)
    name = an_archived_issue(house)
    house.drain()
    [letter] = house.letters_to("ada@example.org")
    personal = [url for url in links_in(letter) if "/unsubscribe/" in url or "/preferences/" in url]
    assert personal

    for path in ("/archive", f"/archive/{name}", "/archive.atom", "/topics/housing.atom"):
        text = house.browser.get(path).text
        assert _PERSONAL.findall(text) == [], path
        assert not [url for url in personal if url.rpartition("/")[2].partition("?")[0] in text]
        assert "housing" in text, path


def test_an_issue_says_the_same_to_everybody(house: House) -> None:
    name = an_archived_issue(house)
    bare = house.browser.get(f"/archive/{name}")
    dressed = house.browser.get(f"/archive/{name}?utm_source=x", headers={"Cookie": "a=b", "Referer": "http://x/"})

    assert bare.get_data() == dressed.get_data()
    assert bare.mimetype == "text/html"


def test_what_is_withdrawn_is_gone_and_the_page_stays_where_it_was(house: House) -> None:
    a_subscriber(house, topics_=("housing", "events"))
    first, second = house.publish("housing", "Rents fall"), house.publish("events", "A meeting")
    issue_id = house.plan()
    house.send(issue_id)
    page = f"/archive/{_name(house, issue_id)}"

    assert _titles(house.browser.get(page)) == ["Rents fall", "A meeting"]
    _withdraw(house, first)
    assert _titles(house.browser.get(page)) == ["A meeting"]
    assert "Housing" not in house.browser.get(page).text
    _withdraw(house, second)
    empty = house.browser.get(page)
    assert (empty.status_code, _titles(empty), faults_of(empty)) == (200, [], [])
    assert "withdrawn" in empty.text


def test_a_letter_over_the_cap_leads_to_what_it_could_not_hold(house: House) -> None:
    a_subscriber(house, topics_=("housing", "events"))
    cap = house.config.community.items_per_topic
    published = [house.publish("housing", f"Rents {number}") for number in range(cap)]
    over = [house.publish("housing", f"More {number}") for number in range(2)]
    house.publish("events", "A meeting")
    issue_id = house.plan()
    house.send(issue_id)
    house.drain()

    url = link(house.letters_to("ada@example.org")[-1], "/archive/")
    assert url == f"http://localhost/archive/{_name(house, issue_id)}#topic-housing"
    page = house.browser.get(url)
    everything = [each.title for each in (*published, *over)]
    assert _titles(page) == [*everything, "A meeting"]
    [chapter] = [each for each in parse(page).iter() if each.get("id") == "topic-housing"]
    assert words(chapter) == "Housing"

    closed = with_community(house, public=False)
    page = closed.get(url)
    assert _titles(page) == everything
    assert "A meeting" not in page.text
    assert faults_of(page) == []
    assert page.headers["X-Robots-Tag"] == "noindex"
    _withdraw(house, over[0])
    assert _titles(closed.get(url)) == [each.title for each in (*published, over[1])]


def test_where_the_archive_is_not_public_nothing_else_is(house: House) -> None:
    a_subscriber(house)
    house.publish()
    issue_id = house.plan()
    house.send(issue_id)
    closed = with_community(house, public=False)

    for path in ("/archive", f"/archive/{_name(house, issue_id)}", "/archive.atom", "/topics/housing.atom"):
        assert house.browser.get(path).status_code == 200, path
        assert closed.get(path).status_code == 404, path


@pytest.mark.parametrize(("path", "offers"), [("/", True), ("/join/main", True), ("/embed/main", False)])
def test_the_archive_and_its_feeds_are_offered_where_they_are_public(house: House, path: str, offers: bool) -> None:
    public, closed = house.browser.get(path).text, with_community(house, public=False).get(path).text

    assert (">What has been sent</a>" in public) is offers
    assert ("Rather no address?" in public) is offers
    assert ('type="application/atom+xml"' in public) is offers
    for part in ("What has been sent", "Rather no address?", "atom", "/archive"):
        assert part not in closed


def test_text_of_staff_stays_text(house: House) -> None:
    a_subscriber(house)
    text = "<script>alert(1)</script> ![x](https://evil.example/x.png) [x](javascript:alert(1)) {{ 7*7 }}\n\n# Big"
    house.publish("housing", "<b>Rents</b> & {{ 7*7 }}", text)
    issue_id = house.plan(subject="<i>The</i> week", intro="<script>x</script>\n\n# Hello")
    house.send(issue_id)
    listed, page = house.browser.get("/archive"), house.browser.get(f"/archive/{_name(house, issue_id)}")

    assert faults_of(listed) == faults_of(page) == []
    assert _titles(page) == ["<b>Rents</b> & {{ 7*7 }}"]
    assert words(next(parse(page).iter("h1"))) == "<i>The</i> week"
    assert "evil.example/x.png" not in [each.get("src") for each in parse(page).iter()]
    assert not [each for each in parse(page).iter("a") if "javascript" in each.get("href", "")]


_HOSTILE = (
    "weekly", "weekly-", "weekly-9999-W99", "-", "yearly-2026", "WEEKLY-2026-W48", "weekly-%00", "weekly-%ff",
    "weekly-2026-W48%00", "weekly-%0a2026", "weekly-2026-W48%20", "weekly-%25", "weekly-_", "%2e%2e", "..",
    "weekly-2026-W48'%20OR%20'1'='1", "as-it-happens-" + "9" * 300, "weekly-" + "x" * 5000, "weekly-²", "1", "%F0%9F",
    "weekly-%EF%BC%92026-W48", "sample", "weekly-%e2%80%ae", "weekly-2026-W48.atom", "a%2fb",
)  # fmt: skip


def test_a_name_that_no_issue_has_is_not_found(house: House) -> None:
    an_archived_issue(house)
    for name in _HOSTILE:
        assert house.browser.get(f"/archive/{name}").status_code == 404, name
        assert house.browser.get(f"/topics/{name}.atom").status_code == 404, name


def test_a_topic_that_is_closed_stays_readable(house: House) -> None:
    name = an_archived_issue(house)
    with house.database.transaction() as session:
        topics.close(session, "housing")

    assert "Rents fall, 0" in house.browser.get(f"/archive/{name}").text
    assert "Rents fall, 0" in house.browser.get("/topics/housing.atom").text
