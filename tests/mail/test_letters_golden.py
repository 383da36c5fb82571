"""Every kind of letter, whole, against the one that was read and accepted: `make letters` accepts anew."""

import os
from pathlib import Path

import pytest
import time_machine

from tests.mail.desk import KINDS, WRITTEN, Desk, part

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("kind", KINDS)
@time_machine.travel(WRITTEN, tick=False)
def test_a_letter_is_the_one_that_was_accepted(kind: str, desk: Desk) -> None:
    envelope = desk.write(kind)

    forms = {"eml": envelope.message, "txt": part(envelope, "plain").encode()}
    if b"text/html" in envelope.message:
        forms["html"] = part(envelope, "html").encode()
    if os.environ.get("TEST_ACCEPT"):
        _accept(kind, forms)
    for ending, found in forms.items():
        accepted = (GOLDEN / f"{kind}.{ending}").read_bytes()
        assert found.decode().splitlines() == accepted.decode().splitlines(), "read it, then: make letters"
        assert found == accepted


def test_no_golden_letter_is_left_over() -> None:
    kept = {path.stem for path in GOLDEN.iterdir() if path.suffix in {".eml", ".txt", ".html"}}

    assert kept == set(KINDS)


@time_machine.travel(WRITTEN, tick=False)
def test_the_same_facts_make_the_same_bytes_in_another_home(tmp_path: Path, desk: Desk) -> None:
    other = Desk(tmp_path / "home")

    try:
        for kind in ("confirm", "welcome"):
            assert other.write(kind).message == desk.write(kind).message
    finally:
        other.close()


def _accept(kind: str, forms: dict[str, bytes]) -> None:
    GOLDEN.mkdir(exist_ok=True)
    for ending, found in forms.items():
        (GOLDEN / f"{kind}.{ending}").write_bytes(found)
