"""Return paths: short, told to nobody, made by nobody else. Standard F27."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.address import Address
from coalition.community import read_community
from coalition.mail.return_paths import ReturnPaths
from coalition.rings import Ring
from coalition.tokens import Tokens, random_code

OLD, NEW, FOREIGN = (bytes(range(start, start + 32)) for start in (1, 60, 120))
COMMUNITY = read_community(Path("no such file"))[0]
KEY, OTHER_KEY = bytes(range(32)), bytes(range(100, 132))


def paths(*keys: bytes, domain: str = "bounces.example.org") -> ReturnPaths:
    ring = Ring("tokens", tuple(enumerate(keys or (NEW,), start=1)))
    return ReturnPaths(Tokens(ring), replace(COMMUNITY, bounce_domain=domain))


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=50)
def test_a_return_path_is_short_and_names_one_delivery_and_its_address(key: bytes) -> None:
    nonce = random_code()

    made = paths().to(nonce, key)

    local, _, domain = made.partition("@")
    assert domain == "bounces.example.org"
    assert len(local) <= 64
    assert Address.parse(made).written == made
    [found] = paths().read(f"<{made}>, somebody@example.org")
    assert found.nonce == nonce
    assert found.leads_from([OTHER_KEY, key])
    assert not found.leads_from([key[:4] + bytes([key[4] ^ 1]) + key[5:]])


def test_a_change_of_case_on_the_way_does_no_harm() -> None:
    made = paths().to(random_code(), KEY)

    assert len(paths().read(made)) == 1
    assert paths().read(made.upper()) == paths().read(made)


def test_who_knows_the_message_id_still_can_not_make_its_return_path() -> None:
    nonce = random_code()
    made = paths().to(nonce, KEY)
    mark = made.partition("@")[0].rpartition(".")[2]

    forged = [
        f"b+{nonce}@bounces.example.org",
        made.replace(mark, "a" * 20),
        made.replace(nonce, random_code()),
        made.replace(made.split(".")[1], "a" * 10),
        paths(FOREIGN).to(nonce, KEY),
    ]

    assert [each for each in forged if paths().read(each)] == []


@given(st.text(max_size=400))
@settings(max_examples=200)
def test_anything_else_is_none_of_ours(text: str) -> None:
    assert not paths().read(text)
    assert not paths().read(f"b+{text}@bounces.example.org")


@pytest.mark.parametrize("domain", ["other.example.org", "bounces.example.org.evil.example", ""])
def test_a_return_path_of_another_domain_is_none_of_ours(domain: str) -> None:
    made = paths().to(random_code(), KEY)

    assert not paths().read(made.partition("@")[0] + "@" + domain)


def test_a_letter_that_left_before_the_keys_were_rotated_still_comes_back() -> None:
    made = paths(OLD).to(random_code(), KEY)

    assert paths(OLD, NEW).read(made)
    assert not paths(NEW).read(made)


def test_without_a_domain_for_bounces_letters_come_back_to_the_sender() -> None:
    assert paths(domain="").to(random_code(), KEY) == COMMUNITY.sender.written
