"""Which language a page speaks: the address's, the form's or the person's, the browser's, the community's."""

import pytest
from werkzeug.test import TestResponse

from coalition.languages import OWN_NAMES
from tests.house import House, a_subscriber, hidden
from tests.web.doors import digest_link, fresh_link, with_community, without_database
from tests.web.gallery import an_archived_issue, open_confirm_link
from tests.web.reading import parse
from tests.web.speaking import in_language, speak_all

_PUBLIC = ("/", "/join/main", "/privacy", "/preferences", "/archive")


def _spoken(answer: TestResponse) -> str:
    return parse(answer).get("lang", "")


def _prefers(header: str) -> dict[str, str]:
    return {"Accept-Language": header}


@pytest.mark.parametrize("path", _PUBLIC)
def test_the_address_of_a_public_page_stands_above_everything(house: House, path: str) -> None:
    speak_all(house)

    for code in OWN_NAMES:
        assert _spoken(house.browser.get(f"{path}?lang={code}", headers=_prefers("fr"))) == code
    assert _spoken(house.browser.get(f"{path}?lang=FR-ca")) == "fr"


_STRANGE = (
    "",
    "tlh",
    "english",
    "../../etc/passwd",
    "%00",
    "%ff",
    "en'\"><b>",
    "_ar",
    "ar%0a",
    "x" * 4000,
    "-",
    "\u0627",
)


@pytest.mark.parametrize("lang", _STRANGE)
def test_a_language_that_nobody_speaks_is_as_if_none_were_asked_for(house: House, lang: str) -> None:
    for path in (*_PUBLIC, "/nowhere", "/join/main/sent"):
        answer = house.browser.get(f"{path}?lang={lang}")
        assert answer.status_code == (404 if path == "/nowhere" else 200)
        assert _spoken(answer) == "en"
        assert "lang=" not in "".join(
            link.get("href", "") for link in parse(answer).iter("a") if not link.get("hreflang")
        )


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("cy", "cy"),
        ("de-AT, en;q=0.5", "de"),
        ("tlh, es;q=0.1", "es"),
        ("fr;q=0.2, ar;q=0.9", "ar"),
        ("fr;q=0, cy;q=0.1", "cy"),
        ("tlh", "en"),
        ("*", "en"),
        ("", "en"),
        (";;;q=,,=", "en"),
        ("fr;q=nan, de;q=x, \xff", "en"),
        ("a" * 5000, "en"),
    ],
)
def test_where_nothing_else_is_known_the_browser_chooses(house: House, header: str, code: str) -> None:
    for path in ("/privacy", "/preferences", "/archive", "/nowhere"):
        assert _spoken(house.browser.get(path, headers=_prefers(header))) == code


def test_where_the_browser_does_not_say_the_community_does(house: House) -> None:
    browser = with_community(house, locale="es")

    assert _spoken(browser.get("/privacy")) == _spoken(browser.get("/privacy", headers=_prefers("*"))) == "es"
    assert _spoken(browser.get("/privacy", headers=_prefers("ja"))) == "es"


def test_the_first_page_speaks_as_the_browser_prefers_and_a_form_as_it_was_made(house: House) -> None:
    speaking = in_language(house, "cy").browser

    assert _spoken(speaking.get("/")) == "cy"
    assert _spoken(speaking.get("/", headers=_prefers("fr"))) == "fr"
    assert _spoken(speaking.get("/", headers=_prefers("ja"))) == "cy"
    for path in ("/join/main", "/embed/main", "/join/main/sent"):
        assert _spoken(speaking.get(path, headers=_prefers("fr"))) == "cy"


def test_a_form_with_a_wording_of_its_own_speaks_the_language_of_that(house: House) -> None:
    for path in ("/", "/join/main", "/embed/main", "/join/main/sent"):
        answer = house.browser.get(f"{path}?lang=cy", headers=_prefers("fr"))
        assert _spoken(answer) == "en"
        assert "hreflang" not in answer.text
    assert 'href="/privacy?lang=en"' in house.browser.get("/", headers=_prefers("fr")).text


def test_pages_of_a_person_speak_the_persons_language(house: House) -> None:
    arabic = in_language(house, "ar")
    url = open_confirm_link(arabic)
    assert _spoken(house.browser.get(url, headers=_prefers("fr"))) == "ar"
    assert _spoken(house.press(url, answer="yes")) == "ar"

    person = house.person("open@example.org")
    paths = [digest_link(house, "open@example.org"), fresh_link(house, "open@example.org")]
    paths += [f"{paths[1]}/data", f"{paths[0]}/data", f"/unsubscribe/{person.code}"]
    assert {_spoken(house.browser.get(path, headers=_prefers("fr"))) for path in paths} == {"ar"}
    assert {_spoken(house.browser.get(f"{path}?lang=de")) for path in paths} == {"de"}
    left = house.browser.post(f"/unsubscribe/{person.code}", data={"action": "all"})
    undone = house.browser.post(
        f"/unsubscribe/{person.code}", data={"action": "undo", "undo": hidden(left.text, "undo")}
    )
    assert (_spoken(left), _spoken(undone)) == ("ar", "ar")


def test_an_error_speaks_as_the_page_would_have(house: House) -> None:
    arabic = in_language(house, "ar")
    a_subscriber(arabic)

    assert _spoken(house.browser.post("/join/main", data={})) == "ar"
    assert _spoken(house.browser.post("/privacy?lang=cy", headers=_prefers("fr"))) == "cy"
    stranger = house.browser.post(digest_link(house), headers={"Origin": "https://evil.example"} | _prefers("fr"))
    assert (stranger.status_code, _spoken(stranger)) == (403, "fr")
    with without_database(house) as lost:
        assert _spoken(lost.get("/", headers=_prefers("de"))) == "de"


def test_links_between_public_pages_carry_the_language_and_nothing_keeps_it(house: House) -> None:
    speak_all(house)
    for path in _PUBLIC:
        answer = house.browser.get(f"{path}?lang=cy")
        links = {link.get("href", "") for link in parse(answer).iter("a") if not link.get("hreflang")}
        own = {link for link in links if link.startswith("/") and not link.endswith(".atom")}
        assert len(own) >= 4
        assert {link for link in own if "lang=cy" not in link} == set()
        assert "Set-Cookie" not in answer.headers
        assert "lang=" not in "".join(link.get("href", "") for link in parse(answer).iter("link"))
    plain = house.browser.get("/privacy?lang=cy", headers=_prefers("cy")).text
    assert 'href="/archive"' in plain, "what the browser prefers needs no telling"


def test_a_public_page_offers_its_other_languages_by_their_own_names(house: House) -> None:
    speak_all(house)
    name = an_archived_issue(house)
    for path in (*_PUBLIC, f"/archive/{name}"):
        page = parse(house.browser.get(f"{path}?lang=ar&x=1"))
        switch = [link for link in page.iter("a") if link.get("hreflang")]
        assert {link.get("lang"): link.text for link in switch} == OWN_NAMES
        assert [link.get("lang") for link in switch if link.get("aria-current") == "true"] == ["ar"]
        for link in switch:
            code = link.get("lang", "")
            assert link.get("hreflang") == code
            assert link.get("dir") == ("rtl" if code == "ar" else "ltr")
            assert link.get("href") == f"{path}?lang={code}"
            assert _spoken(house.browser.get(link.get("href", ""))) == code


def test_pages_of_a_person_answers_and_errors_offer_no_other_language(house: House) -> None:
    a_subscriber(house)
    speak_all(house)
    code = house.person("ada@example.org").code
    paths = (digest_link(house), f"/unsubscribe/{code}", "/join/main/sent", "/embed/main", "/archive/none", "/nowhere")
    for answer in (*map(house.browser.get, paths), house.browser.post("/join/main", data={"email": "x"})):
        assert "hreflang" not in answer.text


def test_an_answer_names_its_language_and_says_when_the_browser_chose(house: House) -> None:
    for path in (*_PUBLIC, "/nowhere"):
        answer = house.browser.get(path, headers=_prefers("de"))
        assert answer.headers["Content-Language"] == _spoken(answer)
        assert answer.headers["Vary"] == "Accept-Language"
    for path in ("/healthz", "/theme.css", "/mark.svg", "/archive.atom"):
        answer = house.browser.get(path)
        assert not {"Vary", "Content-Language"} & set(answer.headers.keys())
