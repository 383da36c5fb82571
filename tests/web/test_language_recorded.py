"""What is kept of a language: the very wording somebody saw, and the language that a reader wants."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from coalition.languages import OWN_NAMES, language
from coalition.models import Notice, Request, State, Wording
from coalition.services import consents, forms, wordings
from tests.house import House, a_subscriber, heading, hidden
from tests.services.tampering import unguarded
from tests.themes import dress
from tests.web.doors import digest_link, fresh_link
from tests.web.reading import field_value, parse, words
from tests.web.rows import how_many, nothing_changes
from tests.web.speaking import speak_all

_SAVE = {"action": "save", "topics": "1", "cadence-1": "weekly", "format": "html"}


def _newest(house: House) -> tuple[Request, Wording]:
    """The newest request, with the wording that it names."""
    with house.database.reading() as session:
        request = session.scalars(select(Request).order_by(Request.id.desc())).first()
        assert request is not None
        return request, session.get_one(Wording, request.wording_id)


def _fill_in(house: House, page: TestResponse, address: str = "ada@example.org", **fields: str) -> TestResponse:
    """Send the form of a page as a browser does, with all that is hidden in it."""
    sent = {name: field_value(page, name) for name in ("stamp", "lang")}
    return house.browser.post("/join/main", data={**sent, "email": address, "topics": "housing", **fields})


def _consent_of(page: TestResponse) -> Any:
    """The wording of a page: the element that holds its text."""
    [found] = [
        each
        for each in parse(page).iter("p")
        if each.get("class") in {"consent", "hint"} and each.find("a") is not None
    ]
    return found


@pytest.mark.parametrize("code", OWN_NAMES)
def test_who_signs_up_agrees_to_the_wording_of_the_page_in_its_language(house: House, code: str) -> None:
    speak_all(house)
    page = house.browser.get(f"/?lang={code}")
    done = _fill_in(house, page)
    request, wording = _newest(house)

    [shown] = _consent_of(page).iter("span")
    assert shown.text == wording.text == language(code).gettext(wordings.OURS)
    assert shown.get("lang") == wording.locale == request.locale == code
    assert f" {wording.id})" in words(_consent_of(page))
    assert parse(house.browser.get(done.headers["Location"])).get("lang") == code
    house.drain()
    house.confirm("ada@example.org")
    person = house.person("ada@example.org")
    with house.database.reading() as session:
        [asked] = [each for each in consents.history(session, person.code) if each["event"] == "requested"]
    assert person.locale == asked["locale"] == code
    assert (asked["wording"], asked["wording_sha256"]) == (wording.id, wording.sha256)


def test_a_form_in_our_words_has_a_row_for_every_language_from_the_start(house: House) -> None:
    before = how_many(house)["wording"]
    speak_all(house)

    assert how_many(house)["wording"] == before + len(OWN_NAMES)
    with nothing_changes(house):
        for code in OWN_NAMES:
            house.browser.get(f"/?lang={code}")


def test_a_row_that_is_missing_is_made_with_the_sign_up_and_not_by_looking(house: House) -> None:
    speak_all(house)
    with unguarded(house) as session:
        session.execute(delete(Notice).where(Notice.locale == "cy"))
        session.execute(delete(Wording).where(Wording.locale == "cy"))
    with nothing_changes(house):
        page = house.browser.get("/?lang=cy")
    assert "&nbsp;" not in page.text

    _fill_in(house, page)
    _fill_in(house, page, "bob@example.org")

    request, wording = _newest(house)
    assert (wording.locale, request.locale) == ("cy", "cy")
    assert f"&nbsp;{wording.id})" in house.browser.get("/?lang=cy").text
    assert how_many(house)["request"] == 2


def test_sign_ups_at_the_same_moment_share_the_row_that_they_miss(house: House) -> None:
    speak_all(house)
    with unguarded(house) as session:
        session.execute(delete(Notice).where(Notice.locale == "cy"))
        session.execute(delete(Wording).where(Wording.locale == "cy"))
    page = house.browser.get("/?lang=cy")
    data = {"stamp": field_value(page, "stamp"), "lang": "cy", "topics": "housing"}

    def sign_up(number: int) -> int:
        with house.app.test_client() as browser:
            return browser.post("/join/main", data={**data, "email": f"reader{number}@example.org"}).status_code

    with ThreadPoolExecutor(8) as people:
        assert set(people.map(sign_up, range(16))) == {303}
    with house.database.reading() as session:
        assert len(set(session.scalars(select(Request.wording_id)))) == 1


@pytest.mark.parametrize("former", sorted(wordings.FORMER))
def test_a_form_that_holds_a_former_wording_of_ours_shows_the_present_one(house: House, former: str) -> None:
    with house.database.transaction() as session:
        forms.edit(session, "main", wording=former)
    for code in OWN_NAMES:
        page = house.browser.get(f"/?lang={code}")
        assert language(code).gettext(wordings.OURS) in words(_consent_of(page))


def test_the_communitys_own_wording_takes_the_place_of_ours_in_its_language(house: House) -> None:
    speak_all(house)
    other = dress(house)

    for code, said in (("en", "I want to hear from my street, and know that I can leave."), ("fr", None)):
        _fill_in(other, other.browser.get(f"/?lang={code}"))
        assert _newest(house)[1].text == (said or language(code).gettext(wordings.OURS))


def test_who_saw_another_wording_is_asked_to_press_below_the_present_one(house: House) -> None:
    old = house.browser.get("/join/main")
    with house.database.transaction() as session:
        forms.edit(session, "main", wording="From now on I agree to something else.")
    with nothing_changes(house):
        press = _fill_in(house, old)

    assert heading(press) == "One more press"
    assert "From now on I agree to something else." in press.text
    assert _fill_in(house, press).status_code == 303
    assert _newest(house)[1].text == "From now on I agree to something else."


def test_a_page_of_one_language_is_no_consent_in_another(house: House) -> None:
    speak_all(house)
    with nothing_changes(house):
        press = _fill_in(house, house.browser.get("/join/main"), lang="cy")

    assert parse(press).get("lang") == "cy"
    assert language("cy").gettext(wordings.OURS) in words(_consent_of(press))


def test_errors_and_the_one_more_press_stay_in_the_language_of_the_form(house: House) -> None:
    speak_all(house)
    wrong = house.browser.post("/join/main", data={"email": "x", "lang": "ar"})
    press = house.browser.post("/join/main", data={"email": "ada@example.org", "topics": "housing", "lang": "ar"})
    for page in (wrong, press):
        assert (parse(page).get("lang"), field_value(page, "lang")) == ("ar", "ar")
    assert language("ar").gettext("Choose at least one topic") in wrong.text
    done = _fill_in(house, press, framed="1")
    assert done.headers["Location"] == "/join/main/sent?framed=1&lang=ar"
    assert _newest(house)[0].locale == "ar"


@pytest.mark.parametrize("lang", ["", "tlh", "\u0000", "x" * 3000, "<b>", "ar-"])
def test_a_form_that_names_no_language_of_ours_is_taken_in_its_own(house: House, lang: str) -> None:
    answer = house.browser.post("/join/main", data={"email": "x", "lang": lang})
    asked = house.browser.post("/preferences", data={"email": "x", "lang": lang})

    status = 400 if lang == "\0" else 422
    assert (answer.status_code, asked.status_code) == (status, status)
    assert parse(answer).get("lang") == "en", "the form has a wording of its own, in English"
    assert house.browser.post("/preferences", data={"email": "x", "lang": ["en", "cy"]}).status_code == 400


def test_asking_for_a_link_keeps_the_language_of_the_page(house: House) -> None:
    page = house.browser.get("/preferences?lang=es")
    asked = house.browser.post("/preferences", data={"email": "ada@example.org", "lang": field_value(page, "lang")})

    assert parse(asked).get("lang") == "es"
    with house.database.reading() as session:
        assert session.scalars(select(Request.locale)).all() == ["es"]


# --- the reader's own choice ---


def test_a_reader_chooses_a_language_and_is_answered_in_it_at_once(house: House) -> None:
    a_subscriber(house)
    for make, code in ((digest_link, "ar"), (fresh_link, "cy"), (digest_link, "en")):
        saved = house.press(make(house), **_SAVE, language=code)
        page = house.browser.get(saved.headers["Location"])

        assert house.person("ada@example.org").locale == code
        assert parse(page).get("lang") == code
        assert language(code).gettext("Your choices are saved.") in page.text


def test_the_languages_to_choose_from_are_called_by_their_own_names(house: House) -> None:
    person = a_subscriber(house)
    with house.database.transaction() as session:
        session.merge(person).locale = "de-AT"
    page = house.browser.get(digest_link(house))

    [field] = [each for each in parse(page).iter("select") if each.get("name") == "language"]
    assert {each.get("lang"): each.text for each in field.iter("option")} == OWN_NAMES
    assert [each.get("value") for each in field.iter("option") if "selected" in each.attrib] == ["de"]
    assert ("ar", "rtl") in {(each.get("value"), each.get("dir")) for each in field.iter("option")}
    assert "Deutsch" in words(parse(house.browser.get(f"{fresh_link(house)}/data")))
    house.press(digest_link(house), **_SAVE, language="de")
    assert house.person("ada@example.org").locale == "de-AT", "the choice that was there already"


def test_a_form_that_does_not_speak_of_the_language_leaves_it_alone(house: House) -> None:
    a_subscriber(house)
    house.press(digest_link(house), **_SAVE, language="fr")
    assert house.press(digest_link(house), **_SAVE).status_code == 303

    assert house.person("ada@example.org").locale == "fr"


@pytest.mark.parametrize("wrong", ["", "tlh", "FR", "de-AT", "fr ", "x" * 4000, ["fr", "cy"]])
def test_a_language_that_the_page_does_not_offer_is_refused_and_nothing_is_saved(house: House, wrong: Any) -> None:
    a_subscriber(house)
    stamp = hidden(house.browser.get(digest_link(house)).text, "stamp")
    with nothing_changes(house):
        wish = _SAVE | {"cadence-1": "daily", "language": wrong, "stamp": stamp}
        assert house.browser.post(digest_link(house), data=wish).status_code == 400


def test_who_comes_back_is_spoken_to_in_the_language_in_which_they_asked(house: House) -> None:
    speak_all(house)
    a_subscriber(house)
    house.press(digest_link(house), action="leave")
    _fill_in(house, house.browser.get("/?lang=fr"))
    house.drain()

    assert parse(house.confirm("ada@example.org")).get("lang") == "fr"
    person = house.person("ada@example.org")
    assert (person.state, person.locale) == (State.ACTIVE, "fr")
