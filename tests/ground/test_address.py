"""Addresses at the door: what is taken, as what, and what is refused in words for the person who typed it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.address import Address
from coalition.errors import BadAddress

TAKEN = {
    "ada@example.org": "ada@example.org",
    " \tada@example.org \t": "ada@example.org",
    "Ada@EXAMPLE.Org": "Ada@example.org",
    "ada+news@example.org": "ada+news@example.org",
    "a.d.a@example.org": "a.d.a@example.org",
    "o'neil@example.org": "o'neil@example.org",
    "=1+1@example.org": "=1+1@example.org",
    "ada@bücher.example": "ada@xn--bcher-kva.example",
    "ada@BÜCHER.example": "ada@xn--bcher-kva.example",
    "ada@bu\u0308cher.example": "ada@xn--bcher-kva.example",
    "ada@xn--bcher-kva.example": "ada@xn--bcher-kva.example",
    "ada@\u0440aypal.com": "ada@xn--aypal-uye.com",  # a Cyrillic first letter: another domain, and shown as such
    "a" * 64 + "@example.org": "a" * 64 + "@example.org",
    "abuse@example.org": "abuse@example.org",
    "ada@sub-1.example.org": "ada@sub-1.example.org",
    "{{7*7}}@example.org": "{{7*7}}@example.org",
}

REFUSED = [
    "",
    "   ",
    "ada",
    "ada@",
    "@example.org",
    "ada@example",
    "ada@@example.org",
    "ada@example..org",
    "ada@example.org.",
    ".ada@example.org",
    "ada.@example.org",
    "a..da@example.org",
    "ada@-example.org",
    "ada@exa_mple.org",
    # two, or a name beside it
    "ada@example.org,bob@example.org",
    "ada@example.org;bob@example.org",
    "ada@example.org bob@example.org",
    "Ada <ada@example.org>",
    "<ada@example.org>",
    "mailto:ada@example.org, b",
    '"ada, bob@example.org"@example.org',
    '"ada"@example.org',
    "ada(comment)@example.org",
    # headers and other invisible guests
    "ada@example.org\r\nBcc: eve@example.org",
    "ada@example.org\nBcc: eve@example.org",
    "ada\x00@example.org",
    "ada@example.org\x00",
    "ada\x85@example.org",
    "ada\u2028@example.org",
    "ada\x0b@example.org",
    "a da@example.org",
    "ada@exam ple.org",
    "ada\u00a0@example.org",
    "\u00a0ada@example.org",
    "ada\u200b@example.org",
    "\ufeffada@example.org",
    "ada\u202e@example.org",
    "ada@example\u00ad.org",
    "ada\ud800@example.org",
    "ada\ue000@example.org",
    # too long
    "a" * 65 + "@example.org",
    "ada@" + "b" * 64 + ".org",
    "a@" + ".".join(["b" * 60] * 4) + ".org.example",
    "a" * 100_000 + "@example.org",
    "ada@" + "é" * 60 + ".org",
    # not only a to z before the @
    "üser@example.org",
    "ада@example.org",
    # nowhere
    "ada@localhost",
    "ada@example.test",
    "ada@example.invalid",
    "ada@printer.local",
    "ada@[127.0.0.1]",
    "ada@127.0.0.1",
    "ada@[IPv6:::1]",
    "ada@xn--zzzzzz--.example",
    '"><script>@example.org',
]


@pytest.mark.parametrize("typed", TAKEN)
def test_an_address_is_taken_as_it_can_be_sent_to(typed: str) -> None:
    address = Address.parse(typed)

    assert address.written == TAKEN[typed]
    assert address.written.isascii()
    assert address.compared == address.written.lower()


@pytest.mark.parametrize("typed", REFUSED, ids=lambda typed: repr(typed[:40]))
def test_what_is_not_one_address_is_refused_in_one_line(typed: str) -> None:
    with pytest.raises(BadAddress) as caught:
        Address.parse(typed)

    assert str(caught.value).isprintable()
    assert 10 < len(str(caught.value)) < 120
    assert len(typed) < 15 or typed not in str(caught.value)


def test_an_address_whose_last_letter_makes_it_255_long_is_refused() -> None:
    domain = ".".join(["b" * 60, "c" * 60, "d" * 60]) + ".org"  # 186

    assert len(Address.parse("a" * 64 + "@e" + domain[4:]).written) <= 254
    with pytest.raises(BadAddress):
        Address.parse("a" * 64 + "@eeeee." + domain)


def test_two_spellings_of_one_mailbox_are_compared_as_one() -> None:
    for one, other in (
        ("Bob@EXAMPLE.org", "bob@example.org"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("BOB@BÜCHER.EXAMPLE", "bob@bücher.example"),
    ):
        assert Address.parse(one).compared == Address.parse(other).compared


def test_tags_and_dots_are_other_peoples_addresses_but_one_mailbox_for_limits() -> None:
    plain, tagged = Address.parse("ada.l@gmail.com"), Address.parse("Ad.al+x+y@googlemail.com")

    assert plain.compared != tagged.compared
    assert plain.mailbox == tagged.mailbox == "adal@gmail.com"
    assert Address.parse("ada.l@example.org").mailbox == "ada.l@example.org"
    assert Address.parse("+tag@example.org").mailbox == "+tag@example.org"


def test_a_mask_shows_only_first_letters() -> None:
    assert Address.parse("ada@mail.example.org").masked == "a•••@m•••.org"


def test_no_log_shows_an_address_by_accident() -> None:
    assert "ada" not in repr(Address.parse("ada@example.org"))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.tuples(st.text(max_size=20), st.text(max_size=20)).map("@".join)))
def test_whatever_is_typed_is_an_address_or_a_sentence(typed: str) -> None:
    try:
        address = Address.parse(typed)
    except BadAddress:
        return

    assert address.written.isascii()
    assert address.written.isprintable()
    assert address.written.count("@") == 1
    assert Address.parse(address.written) == address
