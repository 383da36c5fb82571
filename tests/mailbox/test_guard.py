"""Other sites stay out of the mailbox, and letters stay in their frame."""

import re

import pytest
from flask.testing import FlaskClient

from coalition.mailbox.store import Store
from tests.mailbox.letters import a_letter

PATHS = ["/", "/letters/1", "/letters/1/text", "/letters/1/html", "/letters.json", "/mailbox.css", "/nowhere"]


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "localhost:8001", "[::1]:8001", "localhost", "LOCALHOST:1"])
def test_this_machine_is_answered(browser: FlaskClient, host: str) -> None:
    assert browser.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "127.0.0.1.example.org",
        "localhost.example.org:8001",
        "example.org:80@127.0.0.1",
        "",
        "::1",
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_a_strangers_name_for_this_machine_is_refused(store: Store, browser: FlaskClient, host: str, path: str) -> None:
    store.keep("", "ada@example.org", a_letter().as_bytes())

    answer = browser.get(path, headers={"Host": host})

    assert answer.status_code == 400
    assert "ada@example.org" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
    ],
)
def test_no_other_page_can_press_the_button(store: Store, browser: FlaskClient, headers: dict[str, str]) -> None:
    store.keep("", "ada@example.org", b"")

    answer = browser.post("/clear", headers={"Host": "127.0.0.1:8001", **headers})

    assert answer.status_code == 403
    assert len(store.letters()) == 1


def test_its_own_page_can_press_the_button(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", b"")
    own = {"Host": "127.0.0.1:8001", "Origin": "http://127.0.0.1:8001", "Sec-Fetch-Site": "same-origin"}

    browser.post("/clear", headers=own)

    assert store.letters() == []


def test_looking_at_the_button_empties_nothing(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", b"")

    assert browser.get("/clear").status_code == 405
    assert len(store.letters()) == 1


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_strict_about_itself(store: Store, browser: FlaskClient, path: str) -> None:
    store.keep("", "ada@example.org", a_letter().as_bytes())

    headers = browser.get(path).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", ["/", "/letters/1", "/letters/1/text", "/letters/1/headers", "/letters/9"])
def test_a_page_has_nothing_inline_and_nothing_from_elsewhere(store: Store, browser: FlaskClient, path: str) -> None:
    store.keep("", "ada@example.org", a_letter(text="x").as_bytes())

    answer = browser.get(path)

    assert re.findall(r"<script|<style|\sstyle=|\son\w+=", answer.text) == []
    assert re.findall(r'(?:src|href)="https?:', answer.text) == []
    policy = answer.headers["Content-Security-Policy"]
    assert "style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_a_letters_html_may_style_itself_and_nothing_more(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", a_letter().as_bytes())

    policy = browser.get("/letters/1/html").headers["Content-Security-Policy"]

    assert policy.split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data: cid:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    ]
