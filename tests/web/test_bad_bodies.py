"""Bad inputs I10 to I14: hostile text in every field, broken bytes, wrong kinds of bodies, machines."""

from datetime import timedelta

import pytest
from markupsafe import escape

from coalition.clock import utcnow
from coalition.services import topics
from coalition.tokens import Purpose
from tests.house import TOPICS, House, heading
from tests.web.doors import form_stamp
from tests.web.reading import faults_of, field_value
from tests.web.rows import how_many, nothing_changes

_FORM = "application/x-www-form-urlencoded"
_EVIL = (
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "{{7*7}}",
    "{% for x in ().__class__.__base__.__subclasses__() %}x{% endfor %}",
    "${7*7}",
    "#{7*7}",
    "%s%n%(name)s",
    "{0.__class__}",
    "';--",
    "1' OR '1'='1",
    "'; DROP TABLE subscriber;--",
    "../../../etc/passwd",
    "javascript:alert(1)",
    "\\u003cscript\\u003e",
    "</textarea></title><svg/onload=alert(1)>",
)


@pytest.mark.parametrize("evil", _EVIL)
def test_i10_hostile_text_in_any_field_is_only_text(house: House, evil: str) -> None:
    good = {"email": "ada@example.org", "topics": "housing", "stamp": form_stamp(house)}
    answers = [house.browser.post("/join/main", data={**good, "email": evil})]
    for field in ("email", "topics", "stamp", "framed", "homepage", "name", "form_id", evil):
        answers.append(house.browser.post("/join/main", data={**good, field: evil}))
    for header in ("Origin", "Referer", "User-Agent", "Accept-Language", "X-Forwarded-For", "Sec-Fetch-Site"):
        answers.append(house.browser.post("/join/main", data=good, headers={header: evil}))
    answers.append(house.browser.post("/preferences", data={"email": evil}))
    for path in ("/join", "/embed", "/confirm", "/preferences", "/unsubscribe", "/nowhere"):
        answers.append(house.browser.get(f"{path}/{evil.replace('/', '%2F').replace('?', '%3F')}"))
    answers.append(house.browser.get("/join/main/sent", query_string={"framed": evil, "done": evil}))

    for answer in answers:
        assert answer.status_code < 500
        assert faults_of(answer) == []
    [told] = {field_value(answer, "email") for answer in answers if answer.text.count(str(escape(evil))) == 1} - {""}
    assert told == evil  # neither worked out nor cut
    for letter in house.drain():
        assert evil.encode() not in letter.data
    assert how_many(house)["form"] == 1


_NO_TEXT = [
    b"email=%ff%fe@example.org&topics=housing",
    b"email=b\xfcb@example.org&topics=housing",
    b"email=%ED%A0%80bob@example.org&topics=housing",
    b"email=bob%00@example.org&topics=housing",
    b"email=bob@example.org%00&topics=housing",
    b"email=bob@example.org&topics=housing%00",
    b"email=bob@example.org&topics=housing&%ff=x",
    b"email=bob%C0%80@example.org&topics=housing",
    b"email=%EF%BF%BDbob@example.org&topics=housing",
]


def test_i11_bytes_that_are_no_text_are_refused_and_not_turned_into_another_address(house: House) -> None:
    with nothing_changes(house):
        for path in ("/join/main", "/preferences"):
            for body in _NO_TEXT:
                answer = house.browser.post(path, data=body, content_type=_FORM)
                assert (answer.status_code, heading(answer)) == (400, "We could not read that"), body


def test_i11_broken_bytes_in_a_multipart_form_are_refused_too(house: House) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nb\xfcb@example.org\r\n--x--\r\n'
    with nothing_changes(house):
        answer = house.browser.post("/join/main", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400


_CHARSETS = ["latin-1", "iso-8859-1", "utf-16", "utf-7", "nonsense"]


def test_i11_another_charset_is_refused(house: House) -> None:
    for charset in _CHARSETS:
        with nothing_changes(house):
            answer = house.browser.post("/join/main", data=b"email=a", content_type=f"{_FORM}; charset={charset}")
        assert answer.status_code == 415, charset


_TWICE = [
    ("/join/main", "email=a@example.org&email=b@example.org&topics=housing"),
    ("/join/main", "email=a@example.org&email=a@example.org&topics=housing"),
    ("/join/main", "email=a@example.org&topics=housing&stamp=x&stamp=y"),
    ("/join/main", "email=a@example.org&topics=housing&framed=1&framed=0"),
    ("/join/main?email=b@example.org", "email=a@example.org&topics=housing"),
    ("/join/main?topics=tools", "email=a@example.org&topics=housing"),
    ("/join/main", "topics=housing"),
    ("/join/main?email=a@example.org", "topics=housing"),
    ("/preferences", "email=a@example.org&email=b@example.org"),
    ("/preferences?email=b@example.org", "email=a@example.org"),
    ("/preferences", ""),
]


def test_i12_a_field_that_comes_twice_or_not_at_all_is_refused(house: House) -> None:
    for path, body in _TWICE:
        with nothing_changes(house):
            answer = house.browser.post(path, data=body, content_type=_FORM)
        assert answer.status_code == 400, (path, body)


_MULTIPART = "multipart/form-data; boundary=x"
_PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
_OTHER_KINDS: list[tuple[set[int], str | None, bytes]] = [
    ({415}, "application/json", b'{"email": "ada@example.org", "topics": ["housing"]}'),
    ({415}, "text/plain", b"email=ada@example.org&topics=housing"),
    ({415}, None, b"email=ada@example.org&topics=housing"),
    ({415}, "application/xml", b"<email>ada@example.org</email>"),
    ({415}, ";;;", b"email=ada@example.org"),
    ({400}, "multipart/form-data", b"email=ada@example.org"),
    ({400}, _MULTIPART, b"--y\r\nnothing of a form"),
    ({400}, _MULTIPART, b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nada@ex'),
    (
        {400},
        _MULTIPART,
        b'--x\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\nada@example.org\r\n--x--\r\n',
    ),
    ({413}, _MULTIPART, _PART * 200 + b"--x--\r\n"),
    ({413}, _MULTIPART, _PART * 1001 + b"--x--\r\n"),
    ({413}, _FORM, b"email=" + b"a" * 10_000_000),
    ({413, 415}, "application/json", b'"' + b"a" * 10_000_000 + b'"'),
    ({400}, _FORM, b"&" * 8_000),
]


def test_i13_a_body_of_another_kind_is_refused(house: House) -> None:
    with nothing_changes(house):
        for path in ("/join/main", "/preferences"):
            for statuses, content_type, body in _OTHER_KINDS:
                answer = house.browser.post(path, data=body, content_type=content_type)
                assert answer.status_code in statuses, (content_type, body[:80])


@pytest.mark.parametrize("stamp", ["of another form", "too fast", "forged", "of another page"])
def test_i14_a_machine_gets_the_answer_of_everybody_and_no_letter(house: House, stamp: str) -> None:
    tokens, now = house.resources.tokens, utcnow()
    right = tokens.read(Purpose.FORM, form_stamp(house))
    stamps = {
        "of another form": tokens.make(Purpose.FORM, right.replace("main", "other"), now - timedelta(minutes=5)),
        "too fast": tokens.make(Purpose.FORM, right, now + timedelta(minutes=2)),
        "forged": form_stamp(house)[:-5] + "AAAAA",
        "of another page": tokens.make(Purpose.PAGE, right, now - timedelta(minutes=5)),
    }
    person = house.sign_up("ada@example.org")
    machine = house.browser.post(
        "/join/main", data={"email": "bob@example.org", "topics": "housing", "stamp": stamps[stamp]}
    )

    assert (machine.status, list(machine.headers), machine.get_data()) == (
        person.status, list(person.headers), person.get_data()
    )  # fmt: skip
    assert [each.recipient for each in house.drain()] == ["ada@example.org"]
    assert how_many(house)["request"] == 2


def test_i14_who_fills_in_the_hidden_field_gets_the_answer_of_everybody_and_no_letter(house: House) -> None:
    data = {"topics": "housing", "stamp": form_stamp(house)}
    person = house.browser.post("/join/main", data={**data, "email": "ada@example.org", "homepage": ""})
    machine = house.browser.post("/join/main", data={**data, "email": "bob@example.org", "homepage": "spam"})

    assert (machine.status, list(machine.headers)) == (person.status, list(person.headers))
    assert [each.recipient for each in house.drain()] == ["ada@example.org"]


def test_i14_the_hidden_field_of_a_form_on_another_site_tells_a_machine_as_well(house: House) -> None:
    person = house.sign_up("ada@example.org")
    machine = house.browser.post(
        "/join/main", data={"email": "bob@example.org", "topics": "housing", "homepage": "https://spam.example"}
    )

    assert (machine.status, list(machine.headers)) == (person.status, list(person.headers))
    assert [each.recipient for each in house.drain()] == ["ada@example.org"]


@pytest.mark.parametrize("topics_", [["housing"], []])
def test_a_form_whose_topics_were_all_closed_meanwhile_takes_no_sign_up(house: House, topics_: list[str]) -> None:
    data = {"email": "ada@example.org", "topics": topics_, "stamp": form_stamp(house)}
    with house.database.transaction() as session:
        for slug in TOPICS:
            topics.close(session, slug)
    with nothing_changes(house):
        answer = house.browser.post("/join/main", data=data)
    assert answer.status_code == 422
    assert "nothing to sign up for" in answer.text
