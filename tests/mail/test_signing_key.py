"""The key of our signatures: made once, kept private, published in strings that fit."""

from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key

from coalition.errors import Misconfigured
from coalition.mail.signing_key import create_signing_key, key_file, read_signing_key, record_strings
from coalition.rings import keep_secret
from tests.mail.signatures import a_key


def pem(key: Ed25519PrivateKey | object) -> str:
    assert hasattr(key, "private_bytes")
    found: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return found.decode("ascii")


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first, was_new = create_signing_key(folder, "example.org", "s1")
    second, is_new = create_signing_key(folder, "example.org", "s1")

    assert (was_new, is_new) == (True, False)
    assert first.public == second.public == read_signing_key(folder, "example.org", "s1").public
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [(each.name, each.stat().st_mode & 0o777) for each in folder.iterdir()] == [("dkim-s1.pem", 0o600)]


def test_another_selector_gets_another_key(tmp_path: Path) -> None:
    first, _ = create_signing_key(tmp_path, "example.org", "s1")
    second, is_new = create_signing_key(tmp_path, "example.org", "s2")

    assert is_new
    assert first.public != second.public


def test_the_record_is_the_public_key_in_strings_that_fit() -> None:
    key = a_key()
    strings = record_strings(key.record)

    assert key.record_name == "s1._domainkey.list.example.org"
    assert max(map(len, strings)) <= 255
    assert len(strings) == 2
    start, _, encoded = "".join(strings).partition("p=")
    assert start == "v=DKIM1; k=rsa; "
    public = serialization.load_der_public_key(b64decode(encoded, validate=True))
    assert isinstance(public, RSAPublicKey)
    assert public.public_numbers() == key.private.public_key().public_numbers()
    assert public.key_size == 2048


def test_a_missing_key_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="coalition doctor dkim-key"):
        read_signing_key(tmp_path, "example.org", "s1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem(generate_private_key(65537, 1024)),
        pem(Ed25519PrivateKey.generate()),
    ],
    ids=["empty", "text", "damaged", "short", "another kind"],
)
def test_a_file_that_holds_no_good_key_is_refused(tmp_path: Path, text: str) -> None:
    keep_secret(key_file(tmp_path, "s1"), text)

    with pytest.raises(Misconfigured, match=r"dkim-s1.pem (is damaged|holds a weak key)"):
        read_signing_key(tmp_path, "example.org", "s1")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    create_signing_key(tmp_path, "example.org", "s1")
    key_file(tmp_path, "s1").chmod(0o640)

    with pytest.raises(Misconfigured, match="can be read by others"):
        read_signing_key(tmp_path, "example.org", "s1")
