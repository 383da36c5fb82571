"""E5 and the form's own policies: who may frame what, and where a form may end."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coalition.errors import BadContent
from coalition.models import Cadence
from coalition.services import forms
from tests.house import WORDING, House, hidden
from tests.web.doors import with_community
from tests.web.gallery import every_page

_PARTNER = "https://partner.example.org"
_THANKS = "https://partner.example.org/thanks?from=us"


def _ancestors(answer: TestResponse) -> str:
    return answer.headers["Content-Security-Policy"].split("frame-ancestors ")[1]


def _frameable(house: House) -> set[str]:
    """The pages that a browser would show in a frame of some site."""
    return {name for name, answer in every_page(house) if _ancestors(answer) != "'none'"}


def test_e5_only_the_form_its_answers_and_their_errors_may_be_framed(house: House) -> None:
    assert _frameable(house) == {
        "/embed/main", "/embed/narrow", "/join/main/sent", "sent, framed", "errors", "errors, framed",
        "errors of one topic", "errors, special", "press", "press, framed", "press, special", "signed up",
        "400", "413", "415", "429",
    }  # fmt: skip


def test_e5_a_frame_is_for_the_sites_of_its_own_form(house: House) -> None:
    _add(house, "other", origins=["https://other.example.org:8443"])
    for path in ("/embed/main", "/join/main/sent"):
        assert _ancestors(house.browser.get(path)) == f"'self' {_PARTNER}"
    assert _ancestors(house.browser.get("/embed/other")) == "'self' https://other.example.org:8443"
    assert _ancestors(house.browser.get("/embed/nowhere")) == "'none'"
    assert _ancestors(house.browser.get("/join/main")) == "'none'"
    assert _ancestors(house.browser.get("/")) == "'none'"


def test_e5_a_framed_page_may_be_loaded_by_others_and_no_other_page_may(house: House) -> None:
    assert house.browser.get("/embed/main").headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert house.browser.get("/").headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "X-Frame-Options" not in house.browser.get("/embed/main").headers


def test_an_error_in_a_frame_is_shown_in_that_frame(house: House) -> None:
    def refused(browser: FlaskClient, **request: object) -> str:
        answer = browser.open("/join/main", method="POST", **request)  # type: ignore[arg-type]  # a body of any kind
        assert answer.status_code >= 400
        return _ancestors(answer)

    good = {"email": "ada@example.org", "topics": "housing", "stamp": hidden(house.browser.get("/").text, "stamp")}
    assert {
        refused(house.browser, data={"framed": "1"}),
        refused(house.browser, json={}),
        refused(house.browser, data={"email": "x" * 20_000}),
        refused(house.browser, data={"email": "x", "framed": "1"}),
        refused(with_community(house, world_hour=0), data=good),
    } == {f"'self' {_PARTNER}"}


def test_the_framed_flow_stays_framed(house: House) -> None:
    page = house.browser.get("/embed/main")
    data = {"email": "ada@example.org", "topics": "housing", "framed": "1"}
    wrong = house.browser.post("/join/main", data={**data, "email": "x"})
    press = house.browser.post("/join/main", data=data)
    done = house.browser.post("/join/main", data={**data, "stamp": hidden(page.text, "stamp")})
    sent = house.browser.get(done.headers["Location"])

    assert done.headers["Location"] == "/join/main/sent?framed=1"
    for answer in (page, wrong, press, sent):
        assert '<body class="framed">' in answer.text
    assert hidden(wrong.text, "framed") == hidden(press.text, "framed") == "1"
    hosted = house.browser.post("/join/main", data={"email": "x"})
    assert '<body class="framed">' not in hosted.text


def test_a_thank_you_page_ends_the_form_and_is_named_in_its_policy(house: House) -> None:
    _add(house, "thanks", thanks_url=_THANKS)
    for path in ("/join/thanks", "/embed/thanks"):
        page = house.browser.get(path)
        assert f"form-action 'self' {_PARTNER};" in page.headers["Content-Security-Policy"]
    done = house.sign_up("ada@example.org", form="thanks")
    assert (done.status_code, done.headers["Location"]) == (303, _THANKS)
    assert "form-action 'self';" in house.browser.get("/join/main").headers["Content-Security-Policy"]
    assert "form-action 'self';" in house.browser.get("/preferences").headers["Content-Security-Policy"]


_HOSTILE_ORIGINS = [
        "https://evil.example;", "https://evil.example; script-src *", "https://a.example https://b.example",
        "https://*.example.org", "*", "data:", "data:text/html,x", "blob:https://a.example", "javascript:alert(1)",
        "https://a.example\n", "https://a.example\r\nX: y", "\nhttps://a.example", "https://a.example\t", "'self'",
        "'none'", "https:", "https://", "//a.example", "a.example", "ftp://a.example", "https://a.example/path",
        "https://a.example?x", "https://a.example#x", "https://user@a.example", "https://a.example:x",
        "https://a.example:99999", "https://a.example,https://b.example", "https://a.example'", 'https://a.example"',
        "https://<script>", "https://a.example%3b", "https://a_b|c", "https://a.example\\b", "https://[", "null", "",
        "https://a.example;x", "https://a(b).example", "https://{{7*7}}", "https://a.example\x00",
    ]  # fmt: skip


def test_e5_a_hostile_origin_gets_into_no_form(house: House) -> None:
    for origin in _HOSTILE_ORIGINS:
        with pytest.raises(BadContent):
            forms.require_origin(origin)
        with pytest.raises(BadContent):
            _add(house, "hostile", origins=[origin])
        assert house.browser.get("/embed/hostile").status_code == 404


_HOSTILE_ADDRESSES = [
        "https://evil.example;script-src", "https://a.example, b", "javascript:alert(1)", "//evil.example", "/thanks",
        "https://a.example;/thanks", "https://a.example'/x", "https://*/x", "https://a.example\n/x", "http://a.example",
        "data:text/html,x", "https://user:pass@a.example/", "https://[", "https://a.example:x/", "https:///x",
        "https://a example/", "https://a.example\\@b.example", "https://@a.example/x", "https://<a>/",
    ]  # fmt: skip


def test_e5_a_hostile_thank_you_address_gets_into_no_form(house: House) -> None:
    for url in _HOSTILE_ADDRESSES:
        with pytest.raises(BadContent):
            _add(house, "hostile", thanks_url=url)


@pytest.mark.parametrize(
    "origin", ["https://www.example.org", "http://localhost:8000", "https://xn--bcher-kva.example"]
)
def test_an_honest_origin_is_kept_as_browsers_write_it(origin: str) -> None:
    assert forms.require_origin(origin) == origin
    assert forms.require_origin(f"{origin}/") == origin


def _add(house: House, slug: str, *, origins: list[str] | None = None, thanks_url: str | None = None) -> None:
    with house.database.transaction() as session:
        forms.add(
            session,
            slug,
            topics=("housing",),
            wording=WORDING,
            locale="en",
            cadence=Cadence.WEEKLY,
            origins=origins or [],
            thanks_url=thanks_url,
        )
