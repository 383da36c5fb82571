"""Limits: those of a mailbox can't be seen from outside, all others say when to come back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from coalition.address import Address
from coalition.errors import TooMany
from coalition.models import Kind, Rate
from coalition.services import limits
from tests.house import House

# The start of a window of every length.
START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=30 * 690)


def count(
    house: House,
    address: str = "ada@example.org",
    *,
    at: datetime = START,
    network: str = "192.0.2.1",
    form: str = "main",
    kind: Kind = Kind.SIGNUP,
    **most: int,
) -> bool:
    """Count one request. Returns whether its mailbox has had enough."""
    allowed = replace(house.config.community.limits, **most)
    with house.database.transaction() as session:
        return limits.count(
            session,
            house.resources.vault,
            allowed,
            kind=kind,
            address=Address.parse(address),
            form=form,
            network=network,
            now=at,
        )


def test_a_mailbox_gets_one_letter_in_a_quarter_of_an_hour(house: House) -> None:
    over = [count(house, at=START + timedelta(minutes=minutes)) for minutes in (0, 1, 14, 15)]

    assert over == [False, True, True, True]  # the fourth is over the day's limit


def test_a_mailbox_gets_three_letters_a_day_and_five_a_month(house: House) -> None:
    hours = [0, 1, 2, 3, 24, 25, 26]
    over = [count(house, at=START + timedelta(hours=each)) for each in hours]

    assert over == [False, False, False, True, False, True, True]
    assert not count(house, at=START + timedelta(days=30))


@pytest.mark.parametrize(
    "spelling",
    ["ada.lovelace@gmail.com", "AdaLovelace+news@gmail.com", "a.d.a.lovelace+x+y@googlemail.com"],
)
def test_dots_and_tags_make_no_other_mailbox(house: House, spelling: str) -> None:
    assert not count(house, "adalovelace@gmail.com")

    assert count(house, spelling)


def test_dots_elsewhere_are_another_mailbox(house: House) -> None:
    assert not count(house, "ada.lovelace@example.org")

    assert not count(house, "adalovelace@example.org")
    assert count(house, "ada.lovelace+news@example.org")


def test_a_link_and_a_sign_up_are_counted_apart(house: House) -> None:
    assert not count(house, kind=Kind.SIGNUP)

    assert not count(house, kind=Kind.LINK)


@pytest.mark.parametrize(
    ("most", "other", "seconds"),
    [
        ("network_10_minutes", {"network": "192.0.2.2"}, 600),
        ("network_day", {"network": "192.0.2.2"}, 86400),
        ("neighbourhood_hour", {"network": "198.51.100.1"}, 3600),
        ("form_hour", {"form": "other"}, 3600),
    ],
)
def test_a_limit_that_is_not_the_mailboxs_says_when_to_come_back(
    house: House, most: str, other: dict[str, str], seconds: int
) -> None:
    for number in range(2):
        count(house, f"reader{number}@example.org", **{most: 2})  # type: ignore[arg-type]  # names of limits

    with pytest.raises(TooMany) as caught:
        count(house, "ada@example.org", **{most: 2})  # type: ignore[arg-type]

    assert seconds - 1 <= caught.value.retry_after <= seconds + 1
    assert not count(house, "ada@example.org", **{most: 2}, **other)  # type: ignore[arg-type]
    later = START + timedelta(seconds=caught.value.retry_after)
    assert not count(house, "bea@example.org", at=later, **{most: 2})  # type: ignore[arg-type]


def test_the_whole_world_has_a_limit(house: House) -> None:
    count(house, "bea@example.org", network="198.51.100.1", form="other", world_hour=1)

    with pytest.raises(TooMany):
        count(house, world_hour=1)


def test_what_is_refused_is_not_counted(house: House) -> None:
    count(house, "bea@example.org", world_hour=1)
    for _ in range(5):
        with pytest.raises(TooMany):
            count(house, world_hour=1)

    with house.database.reading() as session:
        assert session.scalar(select(func.max(Rate.count))) == 1


def test_neighbours_by_ipv6_share_a_network(house: House) -> None:
    count(house, "bea@example.org", network="2001:db8::1", network_day=1)

    with pytest.raises(TooMany):
        count(house, network="2001:db8::ffff:1", network_day=1)
    assert not count(house, network="2001:db8:0:1::1", network_day=1)


def test_a_mapped_address_is_the_ipv4_address(house: House) -> None:
    count(house, "bea@example.org", network="192.0.2.1", network_day=1)

    with pytest.raises(TooMany):
        count(house, network="::ffff:192.0.2.1", network_day=1)
