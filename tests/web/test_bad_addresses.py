"""Bad inputs I1 to I9: what people and machines type where an address belongs."""

import pytest
from werkzeug.test import TestResponse

from coalition.models import Format
from tests.house import House, a_subscriber, heading
from tests.web.doors import form_stamp
from tests.web.rows import how_many, nothing_changes

_REFUSED = {
    "I1 CR LF and a header": "bob@example.org\r\nBcc: x@example.net",
    "I1 LF at the end": "bob@example.org\n",
    "I1 CR": "bob@example.org\rx",
    "I1 line separator": "bob@example.org\u2028Bcc: x@example.net",
    "I1 next line": "bob@example.org\x85Bcc: x@example.net",
    "I1 vertical tab": "bob@exa\x0bmple.org",
    "I1 escape": "bob@exa\x1b[31mmple.org",
    "I2 two with a comma": "a@example.org,b@example.org",
    "I2 two with a semicolon": "a@example.org;b@example.org",
    "I2 two with a space": "a@example.org b@example.org",
    "I2 with a name": "Bob <b@example.org>",
    "I2 in brackets": "<b@example.org>",
    "I2 a comment": "b(hello)@example.org",
    "I2 quoted": '"b c"@example.org',
    "I2 routed": "@example.net:b@example.org",
    "I2 a percent hack": "a@b@example.org",
    "I3 a local part of 65": f"{'a' * 65}@example.org",
    "I3 a label of 64": f"bob@{'a' * 64}.org",
    "I3 255 octets": f"{'a' * 60}@{'.'.join(['b' * 60] * 3)}.{'c' * 7}.org",
    "I3 10 kB": f"{'a' * 10_000}@example.org",
    "I4 a no-break space": "bob\u00a0@example.org",
    "I4 a no-break space at the end": "bob@example.org\u00a0",
    "I4 a zero-width space": "bob\u200b@example.org",
    "I4 a zero-width joiner at the start": "\u200dbob@example.org",
    "I4 a byte order mark": "\ufeffbob@example.org",
    "I4 right-to-left override": "bob\u202e@example.org",
    "I4 a soft hyphen": "bo\u00adb@example.org",
    "I4 an ideographic space": "bob@example.org\u3000",
    "I4 a Hangul filler": "bob\u3164@example.org",
    "I7 letters beyond ASCII": "üser@example.org",
    "I7 wide letters": "\uff42ob@example.org",
    "I8 .test": "bob@example.test",
    "I8 .invalid": "bob@example.invalid",
    "I8 localhost": "bob@localhost",
    "I8 .localhost": "bob@x.localhost",
    "I8 .local": "bob@printer.local",
    "I8 a literal": "bob@[127.0.0.1]",
    "I8 an IPv6 literal": "bob@[IPv6:::1]",
    "I8 a number": "bob@127.0.0.1",
    "I8 no dot": "bob@example",
    "I8 a trailing dot": "bob@example.org.",
    "I8 two dots": "bob@example..org",
    "I8 a leading dot": ".bob@example.org",
    "I8 an underscore": "bob@exa_mple.org",
    "I8 a wide at sign": "bob\uff20example.org",
    "I8 a wide full stop": "bob@example\uff0eorg\u2060",
    "I9 a formula with spaces": "=cmd|' /C calc'!A0@example.org",
    "nothing": "",
    "only spaces": "   ",
    "no at sign": "bob",
    "only an at sign": "@",
    "no local part": "@example.org",
    "our own address": "hello@coalition.example",
    "our own address in capitals": "HELLO@Coalition.Example",
}


def _sign_up(house: House, address: str) -> TestResponse:
    data = {"email": address, "topics": "housing", "stamp": form_stamp(house)}
    return house.browser.post("/join/main", data=data)


def test_what_is_no_address_is_told_beside_the_field_and_nothing_is_kept(house: House) -> None:
    for name, typed in _REFUSED.items():
        with nothing_changes(house):
            answer = _sign_up(house, typed)
        assert answer.status_code == 422, name
        assert 'id="email-error"' in answer.text, name
        assert "<title>Error: " in answer.text, name
    assert house.drain() == []


def test_asking_for_a_link_refuses_the_same_addresses(house: House) -> None:
    for name, typed in _REFUSED.items():
        if "our own" in name:
            continue
        with nothing_changes(house):
            answer = house.browser.post("/preferences", data={"email": typed})
        assert answer.status_code == 422, name
        assert 'id="email-error"' in answer.text, name


@pytest.mark.parametrize("size", [20_000, 100_000])
def test_i3_a_field_of_many_kilobytes_is_too_much(house: House, size: int) -> None:
    with nothing_changes(house):
        answer = _sign_up(house, "a" * size)
    assert answer.status_code == 413
    assert heading(answer) == "That was too much"


@pytest.mark.parametrize("typed", [" ada@example.org", "ada@example.org  ", "\tada@example.org\t"])
def test_i4_spaces_around_an_address_are_no_part_of_it(house: House, typed: str) -> None:
    assert _sign_up(house, typed).status_code == 303
    assert [each.recipient for each in house.drain()] == ["ada@example.org"]


def test_i5_capitals_make_no_second_person(house: House) -> None:
    first, second = _sign_up(house, "Ada@EXAMPLE.org"), _sign_up(house, "ada@example.org")
    house.drain()

    assert (first.status, first.get_data()) == (second.status, second.get_data())
    assert how_many(house)["subscriber"] == 1
    assert [each.recipient for each in house.relay.received] == ["Ada@example.org"]


def test_i6_an_international_domain_is_one_person_in_either_spelling(house: House) -> None:
    assert _sign_up(house, "bob@bücher.example").status_code == 303
    assert _sign_up(house, "bob@xn--bcher-kva.example").status_code == 303
    house.drain()

    assert how_many(house)["subscriber"] == 1
    assert [each.recipient for each in house.relay.received] == ["bob@xn--bcher-kva.example"]


def test_i8_a_lookalike_domain_only_reaches_its_own_mailbox(house: House) -> None:
    a_subscriber(house, "bob@paypal.com", form=Format.TEXT)
    assert _sign_up(house, "bob@\u0440\u0430ypal.com").status_code == 303
    assert [each.recipient for each in house.drain()] == ["bob@xn--ypal-43d9g.com"]


@pytest.mark.parametrize("typed", ["=1+1@example.org", "=cmd|'/C_calc'!A0@example.org", "+ada@example.org"])
def test_i9_a_formula_that_is_an_address_is_kept_letter_for_letter(house: House, typed: str) -> None:
    assert _sign_up(house, typed).status_code == 303
    assert [each.recipient for each in house.drain()] == [typed]


def test_what_was_typed_is_given_back_to_be_corrected(house: House) -> None:
    answer = house.browser.post("/join/main", data={"email": "ada@exam ple.org", "topics": "events"})
    assert 'value="ada@exam ple.org"' in answer.text
    assert 'id="topic-events" name="topics" value="events" checked' in answer.text
    assert 'id="topic-housing" name="topics" value="housing">' in answer.text


def test_no_topic_of_several_is_told_beside_the_boxes(house: House) -> None:
    with nothing_changes(house):
        answer = house.browser.post("/join/main", data={"email": "ada@example.org"})
    assert answer.status_code == 422
    assert "Choose at least one topic" in answer.text
    assert 'id="topics-error"' in answer.text
    assert 'value="ada@example.org"' in answer.text
