"""Bad input I20, E2, E3: whose page a button must stand on, and which buttons may stand anywhere."""

import pytest

from coalition.clock import utcnow
from coalition.models import State
from coalition.tokens import LIFETIME, Purpose
from tests.house import House, a_subscriber, heading, hidden
from tests.web.doors import digest_link, fresh_link
from tests.web.gallery import open_confirm_link
from tests.web.reading import faults_of
from tests.web.rows import nothing_changes

_FOREIGN = {
    "fetched cross-site": {"Sec-Fetch-Site": "cross-site"},
    "fetched same-site": {"Sec-Fetch-Site": "same-site"},
    "fetched by nonsense": {"Sec-Fetch-Site": "x"},
    "fetched cross-site, our Origin": {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    "another Origin": {"Origin": "https://evil.example"},
    "another port": {"Origin": "http://localhost:8080"},
    "another host that begins alike": {"Origin": "http://localhost.evil.example"},
    "another host that ends alike": {"Origin": "http://evil-localhost"},
    "a user part": {"Origin": "http://localhost@evil.example"},
    "null": {"Origin": "null"},
    "empty": {"Origin": ""},
    "a broken Origin": {"Origin": "http://["},
    "two Origins": {"Origin": "http://localhost, https://evil.example"},
}
_OWN: dict[str, dict[str, str]] = {
    "neither header": {},
    "our Origin": {"Origin": "http://localhost"},
    "fetched by us": {"Sec-Fetch-Site": "same-origin"},
    "typed by hand": {"Sec-Fetch-Site": "none"},
    "both": {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
}


def test_i20_a_button_on_a_page_of_others_does_nothing(house: House) -> None:
    a_subscriber(house)
    buttons = {
        open_confirm_link(house): {"answer": "yes"},
        digest_link(house): {"action": "leave"},
        fresh_link(house): {"action": "leave"},
    }
    for url, data in buttons.items():
        data["stamp"] = hidden(house.browser.get(url).text, "stamp")
        with nothing_changes(house):
            for name, headers in _FOREIGN.items():
                answer = house.browser.post(url, data=data, headers=headers)
                assert (answer.status_code, heading(answer)) == (403, "That button was not on our page"), name


@pytest.mark.parametrize("headers", _OWN.values(), ids=_OWN)
def test_i20_a_button_on_our_page_works_whatever_the_browser_tells(house: House, headers: dict[str, str]) -> None:
    a_subscriber(house)
    for url, data in {open_confirm_link(house): {"answer": "yes"}, digest_link(house): {"action": "leave"}}.items():
        data["stamp"] = hidden(house.browser.get(url).text, "stamp")
        assert house.browser.post(url, data=data, headers=headers).status_code == 200
    assert house.person("open@example.org").state is State.ACTIVE
    assert house.person("ada@example.org").state is State.LEFT


@pytest.mark.parametrize("stamp", ["missing", "empty", "old", "forged", "of the future", "twice, wrong first"])
def test_i20_a_button_without_a_good_stamp_shows_its_page_again(house: House, stamp: str) -> None:
    a_subscriber(house)
    url, weak = open_confirm_link(house), digest_link(house)
    for each, subject, data in (
        (url, f"confirm-{house.resources.tokens.read(Purpose.CONFIRM, url.rpartition('/')[2])}", {"answer": "yes"}),
        (weak, f"preferences-{house.person('ada@example.org').code}", {"action": "leave"}),
    ):
        fields: dict[str, str | list[str]] = dict(data)
        good, now = house.resources.tokens.make(Purpose.PAGE, subject), utcnow()
        made: dict[str, str | list[str]] = {
            "empty": "",
            "old": house.resources.tokens.make(Purpose.PAGE, subject, now - LIFETIME[Purpose.PAGE] * 2),
            "forged": good[:-4] + "AAAA",
            "of the future": house.resources.tokens.make(Purpose.PAGE, subject, now + LIFETIME[Purpose.PAGE]),
            "twice, wrong first": ["x", good],
        }
        if stamp in made:
            fields["stamp"] = made[stamp]
        with nothing_changes(house):
            again = house.browser.post(each, data=fields)
        assert again.status_code == 200
        assert "nothing was changed. Please press once more." in again.text
        assert faults_of(again) == []
        new = hidden(again.text, "stamp")
        assert house.browser.post(each, data={**data, "stamp": new}).status_code == 200
    assert house.person("open@example.org").state is State.ACTIVE
    assert house.person("ada@example.org").state is State.LEFT


def test_a_form_on_any_site_may_sign_up(house: House) -> None:
    sites = [*_FOREIGN.values(), *_OWN.values()]
    stamp = hidden(house.browser.get("/join/main").text, "stamp")
    for number, headers in enumerate(sites):
        data = {"email": f"a{number}@example.org", "topics": "housing", "stamp": stamp}
        referrer = {"Referer": "https://site.example/page?x=1"}
        assert house.browser.post("/join/main", data=data, headers={**headers, **referrer}).status_code == 303, headers
    assert {each.recipient for each in house.drain()} == {f"a{number}@example.org" for number in range(len(sites))}


_REFERRERS = ["http://[", "https://a b", "x", "https://", "about:blank", "https://[::1", "\x00"]


def test_a_referrer_that_is_none_stops_no_sign_up(house: House) -> None:
    for referrer in _REFERRERS:
        data = {"email": "ada@example.org", "topics": "housing"}
        answer = house.browser.post("/join/main", data=data, headers={"Referer": referrer, "Origin": "null"})
        assert (answer.status_code, heading(answer)) == (200, "One more press"), referrer
        data["stamp"] = hidden(answer.text, "stamp")
        assert house.browser.post("/join/main", data=data, headers={"Referer": referrer}).status_code == 303, referrer


def test_e2_only_sign_up_and_one_click_and_asking_take_buttons_from_anywhere(house: House) -> None:
    a_subscriber(house)
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    values = {
        "slug": "main",
        "code": house.person("ada@example.org").code,
        "token": fresh_link(house).rpartition("/")[2],
    }
    open_to_all = set()
    for rule in house.app.url_map.iter_rules():
        path = rule.rule
        for name, value in values.items():
            path = path.replace(f"<{name}>", value)
        if (
            "POST" in (rule.methods or ())
            and house.browser.post(path, data={"a": "b"}, headers=foreign).status_code != 403
        ):
            open_to_all.add(rule.rule)
    assert open_to_all == {"/join/<slug>", "/preferences", "/unsubscribe/<code>"}
