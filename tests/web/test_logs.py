"""Logs hold no address and no link, whatever people do and whatever goes wrong."""

import logging
import re

import pytest

from coalition.models import Request, Subscriber
from tests.house import House, link, links_in
from tests.web.doors import without_database
from tests.web.gallery import every_page


def test_a_whole_journey_leaves_no_address_and_no_link_in_the_logs(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the test's own mail server tells what it takes
    caplog.set_level(logging.INFO)
    house.publish()
    house.join("ada@example.org", ("housing", "events"))
    house.browser.post("/preferences", data={"email": "ada@example.org"})
    house.send(house.plan())
    house.drain()
    letters = house.letters_to("ada@example.org")
    for url in [url for letter in letters for url in links_in(letter)]:
        house.browser.get(url)
        house.browser.post(url, data={"email": "ada@example.org"})
    with without_database(house) as lost:
        lost.post("/join/main", data={"email": "ada@example.org", "topics": "housing"})
        lost.get(link(letters[-1], "/preferences/"))
    _require_silence(house, caplog.text)


def test_no_page_and_no_error_is_logged_with_an_address_or_a_link(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    caplog.set_level(logging.INFO)
    for _ in every_page(house):
        pass
    for evil in ("ada@example.org\r\nX: y", "\x1b[31m", "%0d%0a"):
        house.browser.post("/join/main", data={"email": evil, "topics": evil, "stamp": evil})
    _require_silence(house, caplog.text)


def test_a_visit_is_logged_by_the_pattern_of_its_page(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "coalition.web.access")
    house.browser.get("/preferences/not-a-token-at-all")
    house.browser.post("/unsubscribe/aaaaaaaaaaaaaaaaaaaaaaaaaa?email=ada@example.org")
    house.browser.get("/nowhere/ada@example.org")
    house.browser.open("/", method="ADA@EXAMPLE.ORG")

    assert [record.getMessage() for record in caplog.records] == [
        "GET /preferences/<token> 404",
        "POST /unsubscribe/<code> 404",
        "GET (no page) 404",
        "(other) (no page) 405",
    ]


def _require_silence(house: House, logged: str) -> None:
    with house.database.reading() as session:
        secrets = [person.code for person in session.query(Subscriber)]
        secrets += [request.nonce for request in session.query(Request)]
    assert secrets
    assert "@" not in logged
    assert not re.search(r"[A-Za-z0-9_-]+~[A-Za-z0-9_-]+~", logged)
    assert [secret for secret in secrets if secret in logged] == []
    assert "\x1b" not in logged
