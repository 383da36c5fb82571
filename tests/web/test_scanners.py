"""Bad input I18: mail scanners. Looking at any link of any letter, in any state, however often, changes nothing."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from coalition.clock import utcnow
from coalition.tokens import Purpose
from tests.house import House, a_subscriber, link, links_in
from tests.web.doors import digest_link, fresh_link, move_link, put_back_link
from tests.web.gallery import every_page, open_confirm_link
from tests.web.rows import nothing_changes

_PREFETCH: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Purpose": "prefetch"},
    {"Purpose": "preview"},
    {"X-Moz": "prefetch"},
    {"User-Agent": "Scanner"},
)


def _scan(house: House, url: str) -> None:
    """What scanners do with one link."""
    for headers in _PREFETCH:
        for method in ("HEAD", "GET", "OPTIONS", "GET"):
            answer = house.browser.open(url, method=method, headers=headers, buffered=True)
            assert answer.status_code < 500
            assert "Location" not in answer.headers


def _confirm_states(house: House) -> Iterator[str]:
    """Confirm links that are open, expired, superseded, confirmed, denied and made up."""
    url = open_confirm_link(house, "open@example.org")
    nonce = house.resources.tokens.read(Purpose.CONFIRM, url.rpartition("/")[2])
    yield url
    yield house.resources.links.confirm(nonce, utcnow() - timedelta(days=10))
    yes, no = open_confirm_link(house, "yes@example.org"), open_confirm_link(house, "no@example.org")
    house.press(yes, answer="yes")
    house.press(no, answer="no")
    yield from (yes, no)
    yield house.resources.links.confirm("a" * 26, utcnow())


def _reader_states(house: House) -> Iterator[str]:
    """The links of people who read, pause and have left."""
    for name in ("reads", "pauses", "left"):
        address = f"{name}@example.org"
        code = a_subscriber(house, address, ("housing", "events")).code
        yield from (digest_link(house, address), fresh_link(house, address), f"{fresh_link(house, address)}/data")
        yield from (f"/unsubscribe/{code}", f"/unsubscribe/{code}?topic=housing", f"/unsubscribe/{code}?topic=none")
    house.press(digest_link(house, "pauses@example.org"), action="pause", length="14")
    house.press(digest_link(house, "left@example.org"), action="leave")


def _move_states(house: House) -> Iterator[str]:
    """The links of moves that are open, done, refused, taken back, expired and made up."""
    for name in ("open", "done", "no"):
        a_subscriber(house, f"{name}@example.org")
    yield f"{fresh_link(house, 'open@example.org')}/address"
    for name in ("open", "no"):
        yield move_link(house, f"{name}.new@example.org", f"{name}@example.org")
    house.press(link(house.letters_to("no.new@example.org")[-1], "/move/"), answer="no")
    yield put_back_link(house, "done.new@example.org", "done@example.org")
    yield link(house.letters_to("done.new@example.org")[0], "/move/")
    for make in (house.resources.links.move, house.resources.links.put_back):
        yield make("a" * 26, utcnow())
        yield make("a" * 26, utcnow() - timedelta(days=10))


@pytest.mark.parametrize("links", [_confirm_states, _reader_states, _move_states])
def test_i18_looking_at_a_link_in_any_state_changes_nothing(
    house: House, links: Callable[[House], Iterator[str]]
) -> None:
    urls = list(links(house))
    with nothing_changes(house):
        for url in urls:
            _scan(house, url)


def test_i18_every_link_of_every_kind_of_letter_may_be_opened_by_anything(house: House) -> None:
    house.publish("housing", "Rents fall", "They do. [More](https://news.example.org/rents?id=1).")
    house.join("ada@example.org", ("housing", "events"))
    house.browser.post("/preferences", data={"email": "ada@example.org"})
    house.send(house.plan())
    house.drain()
    letters = house.letters_to("ada@example.org")
    ours = [url for letter in letters for url in links_in(letter) if url.startswith("http://localhost/")]
    assert {"confirm", "preferences", "unsubscribe"} <= {url.split("/")[3] for url in ours}
    with nothing_changes(house):
        for url in ours:
            _scan(house, url)


def test_i18_looking_from_then_on_does_not_use_a_link_up(house: House) -> None:
    url = open_confirm_link(house)
    _scan(house, url)
    assert house.press(url, answer="yes").status_code == 200
    assert house.person("open@example.org").state == "active"


def test_i18_a_scanner_that_presses_every_button_subscribes_nobody(house: House) -> None:
    url = open_confirm_link(house)
    house.press(url, answer="yes")
    stamp = house.resources.tokens.make(
        Purpose.PAGE, f"confirm-{house.resources.tokens.read(Purpose.CONFIRM, url.rpartition('/')[2])}"
    )
    house.browser.post(url, data={"answer": "no", "stamp": stamp})
    assert house.person("open@example.org").state == "pending"
    assert "Please press once more" in house.browser.get(url).text


def test_i18_only_two_kinds_of_requests_change_anything(house: House) -> None:
    """Every address of the house, with values that exist: GET, HEAD and OPTIONS leave every row alone."""
    for _ in every_page(house):
        pass
    code = house.person("ada@example.org").code
    values = {
        "slug": "main",
        "code": code,
        "filename": "coalition.css",
        "token": fresh_link(house).rpartition("/")[2],
    }
    with nothing_changes(house):
        for rule in house.app.url_map.iter_rules():
            path = rule.rule.replace("path:", "")
            for name, value in values.items():
                path = path.replace(f"<{name}>", value)
            _scan(house, path)


def test_the_confirm_page_has_two_plain_buttons_and_nothing_that_presses_itself(house: House) -> None:
    page = house.browser.get(open_confirm_link(house)).text
    assert page.count("<button") == 2
    assert "<script" not in page
    assert "http-equiv" not in page
    assert link(house.letters_to("open@example.org")[-1], "/confirm/").startswith("http://localhost/confirm/")
