"""A digest that was forwarded: whoever got it may change or end what its reader gets, and learns nothing more."""

import re

from tests.house import House, html_of, links_in, text_of

ADA = "ada.lovelace@sundial.example.org"


def test_a_friend_who_got_a_digest_forwarded_learns_no_address_and_can_neither_see_move_nor_erase(house: House) -> None:
    house.join(ADA)
    house.publish()
    house.send(house.plan())
    house.drain()
    letter = house.letters_to(ADA)[-1]
    before = house.person(ADA)
    urls = {*links_in(letter), *re.findall(r'href="(http://localhost/[^"]+)"', html_of(letter))}
    choices = [url for url in urls if "/preferences/" in url]
    assert choices
    assert "sundial" not in text_of(letter) + html_of(letter)

    for url in urls:
        answer = house.browser.get(url)
        assert answer.status_code == 200
        assert "lovelace" not in answer.text
        assert "sundial" not in answer.text
    for url in choices:
        for door, refusal in (("data", 405), ("address", 403), ("forget", 403)):  # the data can only be looked at
            assert house.browser.get(f"{url}/{door}").status_code == 403
            pressed = house.browser.post(f"{url}/{door}", data={"email": "eve@example.org", "stamp": "x"})
            assert pressed.status_code == refusal

    house.drain()
    after = house.person(ADA)
    assert (after.address_key, after.state, after.epoch) == (before.address_key, before.state, before.epoch)
    assert house.letters_to("eve@example.org") == []
