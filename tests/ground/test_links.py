"""Links: every public URL comes from the configured base URL, carries no address, and fits a line. Trap Z10."""

import inspect
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine

from coalition.errors import BadToken
from coalition.links import SAMPLE_CODE, Links
from coalition.rings import Ring
from coalition.tokens import Purpose, Tokens, random_code

NOW = datetime(2026, 3, 12, 8, tzinfo=UTC)
TOKENS = Tokens(Ring("tokens", ((1, bytes(range(32))),)))
LINKS = Links("https://list.example.org", TOKENS)
FACTS = {"form": "main", "request_nonce": "a" * 26, "made_at": NOW, "code": "b" * 26, "epoch": 1, "nonce": "c" * 26}
FACTS |= {"issue": "weekly-2026-W11", "topic": "housing"}
VERBS = [name for name, _ in inspect.getmembers(Links, inspect.isfunction) if not name.startswith("_")]


def _make(verb: str, links: Links = LINKS) -> str:
    made = getattr(links, verb)
    return str(made(**{name: FACTS[name] for name in inspect.signature(made).parameters}))


@pytest.mark.parametrize("verb", VERBS)
def test_z10_each_link_begins_with_the_configured_base(verb: str) -> None:
    url = urlsplit(_make(verb))

    assert (url.scheme, url.netloc) == ("https", "list.example.org")
    assert (url.query, url.fragment) == ("", "topic-housing" if verb == "archived" else "")
    assert "@" not in url.path
    assert len(_make(verb)) < 200
    assert _make(verb)[-1].isalnum() or verb == "signup"


@pytest.mark.parametrize("verb", VERBS)
def test_the_same_facts_make_the_same_link(verb: str) -> None:
    assert _make(verb) == _make(verb)


def test_a_link_to_leave_needs_no_key_and_fits_one_header_line() -> None:
    url = _make("unsubscribe")

    assert url == _make("unsubscribe", Links(LINKS.base_url, Tokens(Ring("tokens", ((1, bytes(range(60, 92))),)))))
    assert len(f"List-Unsubscribe: <{url}>") <= 98
    assert len(f"<{url}>") <= 76


@time_machine.travel(NOW + timedelta(minutes=1), tick=False)
def test_strong_and_weak_links_to_the_preferences_are_not_each_other() -> None:
    weak, strong = (_make(verb).rpartition("/")[2] for verb in ("preferences", "fresh"))

    assert TOKENS.read(Purpose.PREFERENCES, weak) == f"{'b' * 26}-1"
    assert TOKENS.read(Purpose.FRESH, strong) == f"{'b' * 26}-1-{'c' * 26}"
    for purpose, token in ((Purpose.PREFERENCES, strong), (Purpose.FRESH, weak)):
        with pytest.raises(BadToken):
            TOKENS.read(purpose, token)


def test_the_sample_readers_code_has_the_shape_of_a_code_and_is_never_drawn() -> None:
    assert len(SAMPLE_CODE) == len(random_code())
    assert set(SAMPLE_CODE) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_the_host_is_the_one_that_visitors_use() -> None:
    assert LINKS.host == "list.example.org"
    assert Links("http://127.0.0.1:8000", TOKENS).host == "127.0.0.1:8000"
