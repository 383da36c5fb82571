"""Every kind of letter, whole, against the one that was read and accepted: `make letters` accepts anew.

`golden/KIND.eml` are the bytes on the wire, in English. `golden/CODE/KIND.txt` is what a reader of a language sees:
headers, text and HTML, decoded, in one file to read.
"""

import os
from pathlib import Path

import pytest

from coalition.languages import OWN_NAMES
from coalition.mail.smtp import Envelope
from tests.mail.desk import KINDS, Desk, parse, part
from tests.mail.words import Words

GOLDEN = Path(__file__).parent / "golden"

# One of each; the others of `KINDS` differ from these in what no language touches.
SPOKEN_KINDS = (
    "confirm",
    "welcome",
    "already_subscribed",
    "preferences_link",
    "move",
    "moved",
    "move_taken",
    "agree_again",
    "grievance",
    "grievance_answer",
    "digest",
    "digest_long",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_is_the_one_that_was_accepted_to_the_byte(kind: str, desk: Desk) -> None:
    _compare(GOLDEN / f"{kind}.eml", desk.write(kind).message)


@pytest.mark.parametrize("code", OWN_NAMES)
@pytest.mark.parametrize("kind", SPOKEN_KINDS)
def test_a_letter_in_a_language_is_the_one_that_was_accepted(kind: str, code: str, desk: Desk) -> None:
    _compare(GOLDEN / code / f"{kind}.txt", _readable(desk.write(kind, Words(locale=code))))


def test_no_golden_letter_is_left_over() -> None:
    kept = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*") if path.suffix}

    assert kept == {f"{kind}.eml" for kind in KINDS} | {
        f"{code}/{kind}.txt" for code in OWN_NAMES for kind in SPOKEN_KINDS
    }


def test_the_same_facts_make_the_same_bytes_in_another_home(tmp_path: Path, desk: Desk) -> None:
    other = Desk(tmp_path / "home")

    try:
        for kind in ("confirm", "welcome", "digest_long"):
            assert other.write(kind).message == desk.write(kind).message
    finally:
        other.close()


def _readable(envelope: Envelope) -> bytes:
    headers = "".join(f"{name}: {value}\n" for name, value in parse(envelope).items())
    return f"{headers}\n{part(envelope, 'plain')}\n{'=' * 72}\n\n{part(envelope, 'html')}".encode()


def _compare(accepted: Path, found: bytes) -> None:
    if os.environ.get("TEST_ACCEPT"):
        accepted.parent.mkdir(parents=True, exist_ok=True)
        accepted.write_bytes(found)
    assert found.decode().splitlines() == accepted.read_bytes().decode().splitlines(), "read it, then: make letters"
    assert found == accepted.read_bytes()
