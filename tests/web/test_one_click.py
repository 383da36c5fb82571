"""Bad input I19, trap Z11, RFC 8058: one-click leaving takes whatever a mail program sends, and answers 200 itself."""

from typing import Any

import pytest
from sqlalchemy import update

from coalition.models import State, Subscriber
from tests.house import House, a_subscriber, heading, hidden
from tests.web.rows import nothing_changes

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    "multipart/form-data; boundary=x",
)

_BODIES: dict[str, dict[str, Any]] = {
    "urlencoded": {"data": {"List-Unsubscribe": "One-Click"}},
    "multipart": {"data": _MULTIPART[0], "content_type": _MULTIPART[1]},
    "empty": {},
    "empty, with a type": {"data": b"", "content_type": _FORM},
    "no type": {"data": b"List-Unsubscribe=One-Click"},
    "text/plain": {"data": b"List-Unsubscribe=One-Click", "content_type": "text/plain"},
    "JSON": {"json": {"List-Unsubscribe": "One-Click"}},
    "a broken type": {"data": b"List-Unsubscribe=One-Click", "content_type": ";;;"},
    "broken multipart": {"data": b"--y\r\nno", "content_type": "multipart/form-data; boundary=x"},
    "multipart without boundary": {"data": b"--y\r\nno", "content_type": "multipart/form-data"},
    "broken bytes": {"data": b"\xff\xfe=\xfc&%ff%00", "content_type": _FORM},
    "latin-1": {"data": b"List-Unsubscribe=One-Click", "content_type": f"{_FORM}; charset=latin-1"},
    "extra fields": {"data": {"List-Unsubscribe": "One-Click", "a": "b", "email": "x@example.net", "stamp": "x"}},
    "1,001 parts": {"data": b"".join(
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' for _ in range(1001)) + b"--x--\r\n",
        "content_type": "multipart/form-data; boundary=x"},
    "100 kB": {"data": b"a=" + b"x" * 100_000, "content_type": _FORM},
    "a cookie": {"headers": {"Cookie": "session=x; a=b"}},
    "another site": {"headers": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}},
    "a null origin": {"headers": {"Origin": "null"}},
    "a query": {"query_string": {"utm_source": "digest", "topic": "housing", "action": "undo"}},
}  # fmt: skip


def test_i19_one_click_leaves_whatever_the_body_is(house: House) -> None:
    for number, (name, body) in enumerate(_BODIES.items()):
        code = a_subscriber(house, f"a{number}@example.org", topics_=("housing", "events")).code
        answer = house.browser.post(f"/unsubscribe/{code}", **body)

        assert (answer.status_code, heading(answer)) == (200, "You have left"), name
        assert "Set-Cookie" not in answer.headers, name
        assert house.person(f"a{number}@example.org").state is State.LEFT, name


def test_i19_twice_is_as_good_as_once(house: House) -> None:
    code = a_subscriber(house).code
    house.browser.post(f"/unsubscribe/{code}")
    with nothing_changes(house):
        for _ in range(3):
            answer = house.browser.post(f"/unsubscribe/{code}", data={"List-Unsubscribe": "One-Click"})
            assert (answer.status_code, heading(answer)) == (200, "You have left")


def test_i19_after_erasure_it_still_answers_200(house: House) -> None:
    person = a_subscriber(house)
    house.browser.post(f"/unsubscribe/{person.code}")
    emptied = {"state": State.ERASED, "address_sealed": None, "address_key": None}
    with house.database.transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == person.id).values(emptied))
    with nothing_changes(house):
        assert house.browser.get(f"/unsubscribe/{person.code}").status_code == 200
        for data in ({"List-Unsubscribe": "One-Click"}, {"action": "pause", "length": "14"}, {"action": "all"}):
            assert house.browser.post(f"/unsubscribe/{person.code}", data=data).status_code == 200


def test_an_undo_button_does_not_bring_back_who_was_erased_meanwhile(house: House) -> None:
    person = a_subscriber(house)
    left = house.browser.post(f"/unsubscribe/{person.code}", data={"action": "all"})
    emptied = {"state": State.ERASED, "address_sealed": None, "address_key": None}
    with house.database.transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == person.id).values(emptied))
    with nothing_changes(house):
        undo = {"action": "undo", "undo": hidden(left.text, "undo")}
        answer = house.browser.post(f"/unsubscribe/{person.code}", data=undo)
    assert answer.status_code == 200
    assert heading(answer) != "Good to have you back"


def test_i19_an_unknown_code_is_404_and_so_is_what_is_none(house: House) -> None:
    with nothing_changes(house):
        for code in ("a" * 26, "a" * 25, "a" * 27, "a" * 25 + "1", "A" * 25 + "é", "1", "%00" * 26, "a" * 10_000):
            assert house.browser.post(f"/unsubscribe/{code}").status_code == 404
            assert house.browser.get(f"/unsubscribe/{code}").status_code == 404


@pytest.mark.parametrize("path", ["/unsubscribe/{}", "/unsubscribe/{}/", "/unsubscribe/{}?", "/unsubscribe//{}"])
def test_z11_the_answer_is_never_a_redirect(house: House, path: str) -> None:
    code = a_subscriber(house).code
    for method in ("POST", "GET", "HEAD"):
        answer = house.browser.open(path.format(code), method=method)
        assert answer.status_code in {200, 404}
        assert "Location" not in answer.headers
    if "//" not in path:
        assert house.person("ada@example.org").state is State.LEFT


def test_a_topic_that_is_none_leaves_everything_rather_than_nothing(house: House) -> None:
    code = a_subscriber(house, topics_=("housing", "events")).code
    house.browser.post(f"/unsubscribe/{code}", data={"action": "topic", "topic": "';--"})
    assert house.person("ada@example.org").state is State.LEFT


def test_leaving_one_topic_keeps_the_others(house: House) -> None:
    code = a_subscriber(house, topics_=("housing", "events")).code
    answer = house.browser.post(f"/unsubscribe/{code}", data={"action": "topic", "topic": "housing"})
    assert heading(answer) == "You have left Housing"
    assert house.person("ada@example.org").state is State.ACTIVE


def test_the_undo_button_of_one_person_does_nothing_for_another(house: House) -> None:
    hers, his = a_subscriber(house).code, a_subscriber(house, "bob@example.org").code
    left = house.browser.post(f"/unsubscribe/{hers}")
    house.browser.post(f"/unsubscribe/{his}")
    with nothing_changes(house):
        undo = {"action": "undo", "undo": hidden(left.text, "undo")}
        assert house.browser.post(f"/unsubscribe/{his}", data=undo).status_code == 404


def test_an_undo_that_was_used_brings_back_no_later_leaving(house: House) -> None:
    code = a_subscriber(house).code
    first = hidden(house.browser.post(f"/unsubscribe/{code}").text, "undo")
    house.browser.post(f"/unsubscribe/{code}", data={"action": "undo", "undo": first})
    house.publish("housing", "News of meanwhile")
    house.send(house.plan())
    house.drain()
    house.browser.post(f"/unsubscribe/{code}")
    with nothing_changes(house):
        house.browser.post(f"/unsubscribe/{code}", data={"action": "undo", "undo": first})
    assert house.person("ada@example.org").state is State.LEFT


def test_leaving_works_for_a_reader_on_a_break(house: House) -> None:
    code = a_subscriber(house).code
    answer = house.browser.post(f"/unsubscribe/{code}", data={"action": "pause", "length": "14"})
    assert heading(answer) == "Your break is saved"
    assert house.person("ada@example.org").pause_until is not None
    house.browser.post(f"/unsubscribe/{code}")
    assert house.person("ada@example.org").state is State.LEFT
