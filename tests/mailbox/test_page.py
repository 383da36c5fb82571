"""What a newcomer sees of the letters."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from coalition.clock import utcnow
from coalition.mailbox.page import create_page
from coalition.mailbox.store import Store
from tests.mailbox.letters import HTML, TEXT, a_letter


def test_an_empty_mailbox_says_what_to_do_next(store: Store) -> None:
    page = create_page(store, site_url="http://127.0.0.1:8000/").test_client().get("/").text

    assert "No letters yet" in page
    assert '<a href="http://127.0.0.1:8000/">Open the sign-up page</a>' in page
    assert "Empty the mailbox" not in page


def test_the_list_shows_subject_recipient_and_first_words(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", a_letter(subject="First & foremost").as_bytes())
    store.keep("", "grace@example.org", a_letter(subject="", text="word " * 100).as_bytes())

    page = browser.get("/").text

    assert "First &amp; foremost" in page
    assert "ada@example.org" in page
    assert "Hello, confirm here:</p>" in page
    assert page.index("(no subject)") < page.index("First &amp; foremost")
    assert "word word\N{NO-BREAK SPACE}…" in page
    assert "Nothing left this machine" in page


def test_a_letter_is_new_for_two_minutes(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", a_letter().as_bytes())

    assert ">New<" in browser.get("/").text
    with time_machine.travel(utcnow() + timedelta(minutes=2, seconds=1)):
        assert ">New<" not in browser.get("/").text


def test_a_letter_of_another_day_is_listed_with_its_day(store: Store, browser: FlaskClient) -> None:
    with time_machine.travel("2026-11-03 12:05:00+00:00"):
        store.keep("", "ada@example.org", a_letter().as_bytes())

    with time_machine.travel("2026-11-23 12:05:00+00:00"):
        assert "3 November, " in browser.get("/").text


def test_the_list_says_how_many_letters_have_gone() -> None:
    store = Store(kept=2)
    for _ in range(5):
        store.keep("", "ada@example.org", a_letter().as_bytes())

    assert "3 older ones have gone" in create_page(store).test_client().get("/").text


def test_the_page_looks_again_by_itself_only_when_asked(browser: FlaskClient) -> None:
    assert "Refresh" not in browser.get("/").headers
    assert browser.get("/?watch=on").headers["Refresh"] == "5"


def test_a_letter_opens_as_html_in_a_frame_wide_or_as_on_a_phone(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", a_letter().as_bytes())

    wide, phone = browser.get("/letters/1").text, browser.get("/letters/1?width=phone").text

    frame = 'src="/letters/1/html" title="The letter" sandbox="allow-popups allow-popups-to-escape-sandbox"'
    assert f'<iframe class="sheet" {frame}' in wide
    assert f'<iframe class="sheet phone" {frame}' in phone


def test_the_html_is_the_letters_own_with_its_links_opening_elsewhere(store: Store, browser: FlaskClient) -> None:
    letter = store.keep("", "ada@example.org", a_letter().as_bytes())

    shown = browser.get("/letters/1/html")

    assert shown.text.replace('<base target="_blank">', "") == letter.html
    assert shown.mimetype == "text/html"


def test_the_text_has_clickable_links(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", a_letter().as_bytes())

    page = browser.get("/letters/1/text").text

    assert '<a href="http://127.0.0.1:8000/confirm/abc" target="_blank" rel="noopener noreferrer">' in page


def test_the_source_and_the_headers_are_there_to_read(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", a_letter(subject="Grüße").as_bytes())

    assert "MIME-Version: 1.0\n" in browser.get("/letters/1/source").text
    headers = browser.get("/letters/1/headers").text
    assert '<th scope="row">Subject</th><td>Grüße</td>' in headers


@pytest.mark.parametrize(
    ("raw", "tab"),
    [
        (a_letter(html=None).as_bytes(), "Text"),
        (b"Content-Type: text/html\r\n\r\n<p>x", "HTML"),
        (b"Content-Type: application/pdf\r\n\r\nx", "Source"),
        (b"", "Text"),
    ],
)
def test_a_letter_opens_with_the_best_that_it_has(store: Store, browser: FlaskClient, raw: bytes, tab: str) -> None:
    store.keep("", "ada@example.org", raw)

    assert f'aria-current="page">{tab}</a>' in browser.get("/letters/1").text


@pytest.mark.parametrize("path", ["", "/text", "/source", "/headers", ".json", ".eml"])
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(range(256)) * 40,
        b"Subject: <script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=x\r\n",
        b"To: =?utf-16?q?=D8=00?=\r\nSubject: \xff\xfe\r\n\r\n\xff",
    ],
    ids=["nothing", "junk", "script", "broken-mime", "surrogates"],
)
def test_a_hostile_letter_is_shown_and_never_obeyed(store: Store, browser: FlaskClient, raw: bytes, path: str) -> None:
    store.keep("", "ada@example.org", raw)

    listed, shown = browser.get("/"), browser.get(f"/letters/1{path}")

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert shown.mimetype != "text/html" or "<script" not in shown.text
    assert "<script" not in listed.text


def test_the_letters_next_to_it_are_one_step_away(store: Store, browser: FlaskClient) -> None:
    for _ in range(3):
        store.keep("", "ada@example.org", a_letter().as_bytes())

    page = browser.get("/letters/2").text

    assert '<a href="/letters/3">Newer</a>' in page
    assert '<a href="/letters/1">Older</a>' in page


def test_a_letter_that_is_not_here_gets_a_kind_answer(browser: FlaskClient) -> None:
    for path in ("/letters/7", "/letters/7/html", "/letters/7.eml"):
        answer = browser.get(path)

        assert answer.status_code == 404
        assert "This letter isn&#39;t here" in answer.text


def test_a_letter_without_html_has_no_html_to_frame(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", a_letter(html=None).as_bytes())

    assert browser.get("/letters/1/html").status_code == 404


@pytest.mark.parametrize("sender", ["b+nonce.trace.mark@bounces.example.org", ""])
def test_a_letter_shows_where_it_would_come_back_to(store: Store, browser: FlaskClient, sender: str) -> None:
    store.keep(sender, "ada@example.org", a_letter().as_bytes())

    page = browser.get("/letters/1").text

    assert ("<dt>Back to</dt>" in page) is bool(sender)
    assert sender in page


def test_scripts_get_everything_as_json(store: Store, browser: FlaskClient) -> None:
    store.keep("bounces@example.org", "ada@example.org", a_letter().as_bytes())
    store.keep("bounces@example.org", "grace@example.org", a_letter().as_bytes())

    letter = browser.get("/letters/1.json").json
    listed = browser.get("/letters.json").json
    to_ada = browser.get("/letters.json?to=ada@example.org").json

    assert letter is not None
    assert letter["to"] == "ada@example.org"
    assert letter["subject"] == "Please confirm"
    assert letter["text"] == TEXT
    assert letter["html"].rstrip() == HTML
    assert ["Subject", "Please confirm"] in letter["headers"]
    assert letter["links"] == {
        "text": ["http://127.0.0.1:8000/confirm/abc"],
        "html": ["http://127.0.0.1:8000/confirm/abc?a=1&b=2"],
    }
    assert listed is not None
    assert [one["id"] for one in listed["letters"]] == [2, 1]
    assert to_ada == {"letters": [letter], "gone": 0}


def test_a_letter_can_be_saved_for_a_real_mail_program(store: Store, browser: FlaskClient) -> None:
    raw = a_letter().as_bytes()
    store.keep("", "ada@example.org", raw)

    saved = browser.get("/letters/1.eml")

    assert saved.data == raw
    assert saved.headers["Content-Disposition"] == "attachment; filename=letter-1.eml"


def test_the_button_empties_the_mailbox(store: Store, browser: FlaskClient) -> None:
    store.keep("", "ada@example.org", a_letter().as_bytes())

    answer = browser.post("/clear")

    assert (answer.status_code, answer.location) == (303, "/")
    assert store.letters() == []


def test_the_page_says_that_it_answers(browser: FlaskClient) -> None:
    assert browser.get("/healthz").text == "ok\n"
