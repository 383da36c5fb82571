"""For machines: alive, ready, robots, security.txt; and what people see while the database is away."""

from datetime import datetime, timedelta

import pytest

from coalition.clock import utcnow
from tests.house import House, a_subscriber, heading, hidden
from tests.web.doors import digest_link, form_stamp, without_database


def test_a_living_process_says_so_and_nothing_else(house: House) -> None:
    for path in ("/healthz", "/readyz"):
        answer = house.browser.get(path)
        assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/plain", "ok\n")


def test_without_its_database_it_is_alive_and_not_ready(house: House) -> None:
    with without_database(house) as lost:
        assert lost.get("/healthz").status_code == 200
        answer = lost.get("/readyz")
    assert answer.status_code == 503
    assert "sqlite" not in answer.text
    assert "postgres" not in answer.text


def test_without_its_database_every_page_says_come_back(house: House, caplog: pytest.LogCaptureFixture) -> None:
    a_subscriber(house)
    url = digest_link(house).removeprefix("http://localhost")
    stamp, press = form_stamp(house), hidden(house.browser.get(url).text, "stamp")
    with without_database(house) as lost:
        answers = [
            lost.get("/"),
            lost.get("/embed/main"),
            lost.post("/join/main", data={"email": "ada@example.org", "topics": "housing", "stamp": stamp}),
            lost.post("/preferences", data={"email": "ada@example.org"}),
            lost.get(url),
        ]
        left = lost.post(url, data={"action": "leave", "stamp": press})
        assert lost.get("/privacy").status_code == lost.get("/privacy/proof").status_code == 200
        assert lost.get("/privacy?version=1").status_code == 503
        assert lost.get("/preferences").status_code == 200
    for answer in answers:
        assert (answer.status_code, heading(answer)) == (503, "We can't do that just now")
        assert int(answer.headers["Retry-After"]) > 0
    assert (left.status_code, heading(left)) == (200, "You have left")  # leaving works always: it is kept on disk
    assert "can't be used" in caplog.text
    assert "@" not in caplog.text
    assert house.drain() == []


def test_robots_may_read_the_public_pages_alone(house: House) -> None:
    lines = house.browser.get("/robots.txt").text.splitlines()
    assert lines == ["User-agent: *", "Allow: /$", "Allow: /privacy", "Disallow: /"]


def test_security_txt_names_a_person_and_does_not_expire_soon(house: House) -> None:
    answer = house.browser.get("/.well-known/security.txt")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())

    assert answer.mimetype == "text/plain"
    assert fields["Contact"] == "mailto:hello@coalition.example"
    assert fields["Canonical"] == "http://localhost/.well-known/security.txt"
    left = datetime.fromisoformat(fields["Expires"]) - utcnow()
    assert timedelta(days=30) < left < timedelta(days=365)
