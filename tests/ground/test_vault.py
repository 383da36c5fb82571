"""The vault: what it seals opens only unaltered, with its key, for the row it was made for."""

import os
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from coalition.address import Address
from coalition.errors import CoalitionError, Misconfigured
from coalition.rings import RING_NAMES, Ring, RingFile, create_rings, put_in_place, read_ring, write_beside
from coalition.vault import Vault

ADA, BOB = Address.parse("Ada@example.org"), Address.parse("bob@example.org")
ONE, TWO, THREE = (bytes(range(start, start + 32)) for start in (1, 60, 120))


def _ring(name: str, *keys: tuple[int, bytes]) -> Ring:
    return Ring(name, keys)


def _vault(*, sealing: Ring | None = None, lookup: Ring | None = None) -> Vault:
    return Vault(sealing or _ring("sealing", (1, ONE)), lookup or _ring("lookup", (1, TWO)))


def test_an_address_opens_as_it_was_written() -> None:
    vault = _vault()

    assert vault.open(vault.seal(ADA), vault.key(ADA)) == ADA


def test_the_same_address_is_sealed_differently_each_time() -> None:
    vault = _vault()

    sealed = {vault.seal(ADA) for _ in range(100)}

    assert len(sealed) == 100
    assert not any(b"example" in each for each in sealed)


def test_another_rows_seal_does_not_open() -> None:
    vault = _vault()

    with pytest.raises(CoalitionError):
        vault.open(vault.seal(ADA), vault.key(BOB))
    with pytest.raises(CoalitionError):
        vault.open_text(vault.seal_text("x", b"one"), b"two")


def test_an_altered_seal_does_not_open() -> None:
    vault = _vault()
    sealed = vault.seal(ADA)

    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(CoalitionError):
            vault.open(bytes(altered), vault.key(ADA))
    for short in (b"", sealed[:1], sealed[:12], sealed[:-1], sealed + b"x"):
        with pytest.raises(CoalitionError):
            vault.open(short, vault.key(ADA))


def test_after_rotation_old_seals_open_and_new_ones_use_the_new_key() -> None:
    before = _vault()
    after = _vault(sealing=_ring("sealing", (1, ONE), (2, THREE)))
    old = before.seal(ADA)

    assert after.open(old, after.key(ADA)) == ADA
    assert after.seal(ADA)[0] == 2
    without = _vault(sealing=_ring("sealing", (2, THREE)))
    with pytest.raises(CoalitionError):
        without.open(old, without.key(ADA))


def test_what_another_program_sealed_with_a_new_key_opens_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coalition.rings._LATELY_SECONDS", 3600.0)
    create_rings(tmp_path)
    ours = Vault(RingFile(tmp_path, "sealing"), _ring("lookup", (1, TWO)))
    write_beside(tmp_path, ours.sealing.with_a_new_key())
    put_in_place(tmp_path, "sealing")
    theirs = Vault(RingFile(tmp_path, "sealing"), _ring("lookup", (1, TWO)))

    assert ours.open(theirs.seal(ADA), ours.key(ADA)) == ADA


def test_a_look_up_finds_rows_of_every_key_and_makes_new_ones_with_the_newest() -> None:
    before = _vault()
    after = _vault(lookup=_ring("lookup", (1, TWO), (2, THREE)))

    assert after.keys(ADA)[0] == after.key(ADA)
    assert before.key(ADA) in after.keys(ADA)
    assert before.key(ADA) != after.key(ADA)
    assert after.open(before.seal(ADA), before.key(ADA)) == ADA


def test_a_look_up_key_is_the_persons_not_the_spellings() -> None:
    vault = _vault()

    assert vault.key(ADA) == vault.key(Address.parse("aDA@EXAMPLE.org"))
    assert vault.key(ADA) != vault.key(BOB)


def test_hashes_of_one_value_for_different_purposes_differ() -> None:
    vault = _vault()

    made = {vault.pseudonym("network", ADA.compared), vault.pseudonym("mailbox", ADA.compared), vault.key(ADA)}
    assert len(made) == 3


def test_fingerprints_recognise_keys_and_give_nothing_away() -> None:
    ring = _ring("tokens", (1, ONE), (2, TWO))

    assert len(set(ring.fingerprints)) == 2
    assert ring.fingerprints == _ring("sealing", (7, ONE), (9, TWO)).fingerprints
    assert ONE.hex()[:8] not in "".join(ring.fingerprints)
    assert ring.newest == (2, TWO)


def test_fresh_rings_are_strong_different_and_the_owners_alone(tmp_path: Path) -> None:
    create_rings(tmp_path / "keys")

    rings = [read_ring(tmp_path / "keys", name) for name in RING_NAMES]
    assert len({ring.newest[1] for ring in rings}) == 3
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert sorted(os.listdir(tmp_path / "keys")) == ["lookup.key", "sealing.key", "tokens.key"]


def test_a_key_is_never_replaced_and_a_missing_one_is_made(tmp_path: Path) -> None:
    create_rings(tmp_path)
    (tmp_path / "sealing.key").unlink()
    before = (tmp_path / "tokens.key").read_text()

    create_rings(tmp_path)

    assert (tmp_path / "tokens.key").read_text() == before
    assert read_ring(tmp_path, "sealing").newest


def test_no_key_is_shown_by_accident(tmp_path: Path) -> None:
    create_rings(tmp_path)
    ring = read_ring(tmp_path, "tokens")

    assert repr(ring.newest[1]) not in repr(ring)
    assert "keys" not in repr(ring)


def _line(number: object, key: bytes) -> str:
    return f"{number} {urlsafe_b64encode(key).decode()}\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("hello", "is damaged"),
        ("1 short", "is damaged"),
        (_line(0, ONE), "is damaged"),
        (_line(256, ONE), "is damaged"),
        (_line("x", ONE), "is damaged"),
        ("1 a b\n", "is damaged"),
        (_line(1, ONE[:31]), "weak key"),
        (_line(1, ONE + b"x"), "weak key"),
        (_line(1, bytes(32)), "weak key"),
        (_line(1, b"changeme" * 4), "weak key"),
        (_line(1, ONE) + _line(1, TWO), "same number"),
        ("é", "can't be read"),
    ],
)
def test_a_bad_key_file_is_told_by_its_fault_and_never_by_its_key(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens.key"
    path.write_text(content, "utf-8")
    path.chmod(0o600)

    with pytest.raises(Misconfigured, match=told) as caught:
        read_ring(tmp_path, "tokens")

    assert str(path) in str(caught.value)
    assert urlsafe_b64encode(ONE).decode() not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_may_read_is_refused_with_the_cure(mode: int, tmp_path: Path) -> None:
    create_rings(tmp_path)
    (tmp_path / "tokens.key").chmod(mode)

    with pytest.raises(Misconfigured, match=r"chmod 600 .*tokens\.key"):
        read_ring(tmp_path, "tokens")


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"sealing\.key can't be read"):
        read_ring(tmp_path, "sealing")
