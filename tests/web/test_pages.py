"""The rules of every page: a strict document, one heading, labels, nothing inline, nothing from elsewhere."""

import pytest

from tests.house import House
from tests.web.gallery import every_page
from tests.web.reading import faults_of, parse


def test_every_page_keeps_the_rules(house: House) -> None:
    faults = {name: faults for name, answer in every_page(house) if (faults := faults_of(answer))}
    assert faults == {}


def test_every_page_is_the_one_it_is_called(house: House) -> None:
    statuses = {name: answer.status_code for name, answer in every_page(house)}
    expected = {
        "signed up": 303, "paused": 303, "gone": 404, "needs a fresh link": 403, "too old": 410, "errors": 422,
        "errors, framed": 422, "errors of one topic": 422, "asked wrongly": 422, "complained wrongly": 422,
        "errors, special": 422, "pause refused": 422, "return refused": 422,
        "404 of a form": 404, "strange host": 400, "503 of readyz": 503,
        "archive, not public": 404, "feed, not public": 404, "address, wrong": 422, "address, needs a fresh link": 403,
        "link used up": 410, "move, expired": 410, "move gone": 404,
        "forget, needs a fresh link": 403, "break, away": 503,
    } | {str(status): status for status in (400, 403, 404, 405, 413, 415, 429, 503)}  # fmt: skip
    assert statuses == {name: expected.get(name, 200) for name in statuses}


def test_an_unexpected_error_is_told_on_a_page_that_says_nothing_of_it(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    address = "ada@example.org"

    def fail() -> str:
        raise RuntimeError(address)

    house.app.add_url_rule("/broken", "broken", fail)
    answer = house.browser.get("/broken")

    assert answer.status_code == 500
    assert faults_of(answer) == []
    assert "ada@" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text
    assert "RuntimeError" not in answer.text


@pytest.mark.parametrize("path", ["/embed/main", "/join/main/sent?framed=1"])
def test_a_framed_page_is_the_form_alone(house: House, path: str) -> None:
    document = parse(house.browser.get(path))
    assert [each.tag for each in document.iter() if each.tag in {"header", "footer", "nav"}] == []
    assert all(link.get("target") == "_blank" for link in document.iter("a"))


def test_the_address_field_is_made_for_addresses(house: House) -> None:
    for path in ("/", "/join/main", "/embed/main", "/preferences"):
        [field] = [each for each in parse(house.browser.get(path)).iter("input") if each.get("name") == "email"]
        wanted = {"type": "email", "autocomplete": "email", "inputmode": "email", "autocapitalize": "off",
                  "spellcheck": "false", "maxlength": "254"}  # fmt: skip
        assert {name: field.get(name) for name in wanted} == wanted
        assert int(field.get("size", "0")) >= 30


def test_nothing_is_ticked_beforehand(house: House) -> None:
    for path in ("/", "/join/main", "/embed/main"):
        boxes = [each for each in parse(house.browser.get(path)).iter("input") if each.get("type") == "checkbox"]
        assert len(boxes) == 3
        assert not any("checked" in box.attrib for box in boxes)
