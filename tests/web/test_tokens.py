"""Bad input I17: links as mail programs mangle them, and tokens of every purpose before every door."""

import string
from collections.abc import Callable

import pytest
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Grievance, Request
from coalition.rings import Ring
from coalition.services import unsubscribe
from coalition.services.unsubscribe import Channel
from coalition.tokens import Purpose, Tokens, random_code
from tests.house import House, a_subscriber, heading, hidden
from tests.web.doors import digest_link, form_stamp, fresh_link, move_link, put_back_link
from tests.web.gallery import open_confirm_link
from tests.web.rows import how_many, nothing_changes

_BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def _confirm(house: House) -> str:
    return open_confirm_link(house, "bob@example.org")


def _unsubscribe(house: House) -> str:
    return f"http://localhost/unsubscribe/{house.person('ada@example.org').code}"


_LINKS = [_confirm, digest_link, fresh_link, _unsubscribe, move_link, put_back_link]


@pytest.mark.parametrize("make", _LINKS)
def test_i17_a_link_survives_what_mail_programs_add_to_it(house: House, make: Callable[[House], str]) -> None:
    a_subscriber(house)
    url = make(house)
    good = house.browser.get(url)
    for end in (".", ",", ")", ">", "]", "'", '"', "!", ");", ".>", "?", "?utm_source=digest&x=1", "/", "%3E"):
        answer = house.browser.get(url + end)
        assert (answer.status_code, heading(answer)) == (200, heading(good)), end
    head, token = url.rsplit("/", 1)
    assert house.browser.get(f"{head}/{token.replace('~', '%7E')}").status_code == 200
    assert house.browser.get(f"{head}/{token.replace('~', '%7e')}").status_code == 200


@pytest.mark.parametrize("make", _LINKS)
def test_i17_a_link_that_is_not_whole_leads_to_a_neutral_404(house: House, make: Callable[[House], str]) -> None:
    a_subscriber(house)
    head, token = make(house).rsplit("/", 1)
    broken = [token[:-1], token[:-10], token[1:], token[:10], token + "A", token + token, "A" + token, token[::-1],
              token + "=", token + "%00", token + "%0d%0aX: y", token[:-1] + "%C3%A4", "a" * 100_000, "%ff%fe",
              "..", "%2e%2e%2f", "*", "null", "undefined", "{token}"]  # fmt: skip
    if "~" in token:
        value, moment, signature = token.split("~")
        broken += [token.lower(), token.upper(), token.swapcase(), f"{value}~{moment}~{signature[:-2]}AA",
                   f"{value}~{moment[::-1]}~{signature}", f"{value}~{signature}", f"~{moment}~{signature}",
                   f"{value}A~{moment}~{signature}", token.replace("~", "."), token.replace("~", "-")]  # fmt: skip
    with nothing_changes(house):
        for each in broken:
            looked, pressed = house.browser.get(f"{head}/{each}"), house.browser.post(f"{head}/{each}", data={"a": "b"})
            assert looked.status_code == 404, each
            assert pressed.status_code == 404, each


def test_i17_all_spellings_of_a_token_mean_one_request(house: House) -> None:
    url = _confirm(house)
    last = _BASE64.index(url[-1])
    spellings = [url[:-1] + _BASE64[last & ~3 | bits] for bits in range(4)]
    for spelling in spellings:
        assert house.press(spelling, answer="yes").status_code == 200
    house.drain()

    assert how_many(house)["subscription"] == 2
    assert [letter["Subject"] for letter in house.letters_to("bob@example.org")][1:] == [
        "Welcome to Coalition of Collaborators"
    ]


def test_i17_the_unsubscribe_code_may_come_in_capitals(house: House) -> None:
    code = a_subscriber(house).code
    assert house.browser.post(f"/unsubscribe/{code.upper()}").status_code == 200
    assert house.person("ada@example.org").state == "left"


def _doors(house: House) -> dict[str, tuple[str, set[Purpose], Callable[[str], bool]]]:
    """For each door: the value it would take, the purposes it opens for, and whether a token opened it."""
    code = a_subscriber(house).code
    get, post = house.browser.get, house.browser.post
    url = _confirm(house)
    nonce = house.resources.tokens.read(Purpose.CONFIRM, url.rsplit("/", 1)[1])
    weak = digest_link(house)
    a_subscriber(house, "dora@example.org")
    back = put_back_link(house, "dora.new@example.org", "dora@example.org")
    moved = house.resources.tokens.read(Purpose.PUT_BACK, back.rsplit("/", 1)[1])
    a_subscriber(house, "emil@example.org")
    moving_url = move_link(house, "emil.new@example.org", "emil@example.org")
    moving = house.resources.tokens.read(Purpose.MOVE, moving_url.rsplit("/", 1)[1])
    other = a_subscriber(house, "carl@example.org")
    with house.database.transaction() as session:
        left = unsubscribe.leave_all(session, other, Channel.PAGE, utcnow())

    gil = a_subscriber(house, "gil@example.org")
    gils = f"{fresh_link(house, 'gil@example.org')}/forget"

    def signs_up(stamp: str) -> bool:
        address = f"{random_code()}@example.org"
        post("/join/main", data={"email": address, "topics": "housing", "stamp": stamp})
        with house.database.reading() as session:
            return not session.scalars(select(Request.over_limit).order_by(Request.id.desc())).first()

    def complains(stamp: str) -> bool:
        before = how_many(house)["grievance"]
        post("/privacy/grievance", data={"email": f"{random_code()}@example.org", "text": "Why?", "stamp": stamp})
        with house.database.reading() as session:
            query = select(Grievance.doubtful).order_by(Grievance.id.desc())
            return how_many(house)["grievance"] > before and not session.scalars(query).first()

    def undoes(press: str) -> bool:
        answer = post(f"/unsubscribe/{other.code}", data={"action": "undo", "undo": press})
        return heading(answer) == "Good to have you back"

    return {
        "confirm": (nonce, {Purpose.CONFIRM}, lambda token: get(f"/confirm/{token}").status_code == 200),
        "preferences": (
            f"{code}-1",
            {Purpose.PREFERENCES, Purpose.FRESH},
            lambda token: get(f"/preferences/{token}").status_code == 200,
        ),
        "data": (f"{code}-1", {Purpose.FRESH}, lambda token: get(f"/preferences/{token}/data").status_code == 200),
        "my data": (
            f"{code}-1",
            {Purpose.FRESH},
            lambda token: get(f"/preferences/{token}/data.json").status_code == 200,
        ),
        "forget": (f"{code}-1", {Purpose.FRESH}, lambda token: get(f"/preferences/{token}/forget").status_code == 200),
        "address": (
            f"{code}-1",
            {Purpose.FRESH},
            lambda token: get(f"/preferences/{token}/address").status_code == 200,
        ),
        "move": (moving, {Purpose.MOVE}, lambda token: get(f"/move/{token}").status_code == 200),
        "put back": (moved, {Purpose.PUT_BACK}, lambda token: get(f"/moved/{token}").status_code == 200),
        "unsubscribe": (code, set(), lambda token: get(f"/unsubscribe/{token}").status_code == 200),
        "sign-up": (house.resources.tokens.read(Purpose.FORM, form_stamp(house)), {Purpose.FORM}, signs_up),
        "undo": (unsubscribe.press_value(other, left), {Purpose.UNDO}, undoes),
        "button of the preferences": (
            f"preferences-{code}",
            {Purpose.PAGE},
            lambda token: post(weak, data={"action": "pause", "length": "14", "stamp": token}).status_code == 303,
        ),
        "button of forgetting": (
            f"forget-{gil.code}",
            {Purpose.PAGE},
            lambda token: heading(post(gils, data={"stamp": token})) == "You are forgotten",
        ),
        "complaint": ("page_grievance", {Purpose.FORM}, complains),
        "button of a move": (
            f"move-{moving}",
            {Purpose.PAGE},
            lambda token: "Please press once more" not in post(moving_url, data={"answer": "?", "stamp": token}).text,
        ),
        "button of putting back": (
            f"moved-{moved}",
            {Purpose.PAGE},
            lambda token: "Please press once more" not in post(back, data={"stamp": token}).text,
        ),
        "button of confirm": (
            f"confirm-{nonce}",
            {Purpose.PAGE},
            lambda token: "Please press once more" not in post(url, data={"answer": "?", "stamp": token}).text,
        ),
    }


def test_i17_a_token_opens_the_doors_of_its_own_purpose_and_no_other(house: House) -> None:
    for name, (value, purposes, opens) in _doors(house).items():
        opened = {purpose for purpose in Purpose if opens(house.resources.tokens.make(purpose, value))}
        assert opened == purposes, name


def test_i17_a_token_that_is_cut_folded_or_forged_opens_no_door(house: House) -> None:
    others = Tokens(Ring("tokens", ((1, bytes(range(32))),)))
    for name, (value, purposes, opens) in _doors(house).items():
        for purpose in purposes:
            good = house.resources.tokens.make(purpose, value)
            made, moment, signature = good.split("~")
            forged = others.make(purpose, value)
            bad = {good[:-1], good[1:], good.rpartition("~")[0], f"{made}~{moment}~", f"{good}A", good.upper(),
                   good.lower(), good.swapcase(), f"{made}~{moment}~{signature[::-1]}", forged,
                   f"{made}~{forged.split('~')[1]}~{forged.split('~')[2]}"} - {good}  # fmt: skip
            assert {each for each in bad if opens(each)} == set(), name
            assert opens(good), name


def test_i17_the_stamp_of_one_page_is_none_of_another_or_of_another_person(house: House) -> None:
    a_subscriber(house)
    a_subscriber(house, "bob@example.org")
    hers = hidden(house.browser.get(digest_link(house)).text, "stamp")
    confirms = hidden(house.browser.get(open_confirm_link(house)).text, "stamp")
    with nothing_changes(house):
        for stamp in (hers, confirms, ""):
            answer = house.browser.post(digest_link(house, "bob@example.org"), data={"action": "leave", "stamp": stamp})
            assert "Please press once more" in answer.text
