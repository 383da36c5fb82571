"""The key that letters are signed with (DKIM, RFC 6376), and the DNS record that publishes its other half."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from coalition.community import SELECTOR
from coalition.errors import Misconfigured
from coalition.rings import keep_secret, read_secret

_BITS = 2048  # what RFC 8301 asks for; longer ones cost more at each letter, and many receivers gain nothing
_LONGEST_STRING = 255  # of one string in a TXT record (RFC 1035, section 3.3)


@dataclass(frozen=True)
class SigningKey:
    """A private key, and under which name receivers look up the public one."""

    domain: str
    selector: str
    private: RSAPrivateKey = field(repr=False)

    @property
    def record_name(self) -> str:
        """Where in the DNS the record stands."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """What the record says, as one text."""
        return f"v=DKIM1; k=rsa; p={b64encode(self.public).decode('ascii')}"

    @property
    def public(self) -> bytes:
        """The public key as it stands in the record, decoded."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def pem(self) -> bytes:
        """The private key, for a process that signs."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def is_selector(text: str) -> bool:
    """Whether a text can name a key."""
    return re.fullmatch(SELECTOR, text) is not None


def key_file(folder: Path, selector: str) -> Path:
    """The file of a selector's key. A new key gets a new selector, so the old one stays while letters are under way."""
    return folder / f"dkim-{selector}.pem"


def create_signing_key(folder: Path, domain: str, selector: str) -> tuple[SigningKey, bool]:
    """The key of a selector, made where there is none yet; and whether it was made just now."""
    made = SigningKey(domain, selector, generate_private_key(65537, _BITS))
    is_new = keep_secret(key_file(folder, selector), made.pem.decode("ascii"))
    return (made, True) if is_new else (read_signing_key(folder, domain, selector), False)


def read_signing_key(folder: Path, domain: str, selector: str) -> SigningKey:
    """The key of a selector. Raises Misconfigured where it is missing, open to others, damaged or weak."""
    path = key_file(folder, selector)
    if not path.exists():
        raise Misconfigured(f"There is no key {path} to sign letters with: make it with `coalition doctor dkim-key`.")
    try:
        key = serialization.load_pem_private_key(read_secret(path).encode("ascii"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Misconfigured(f"The key file {path} is damaged: restore it from your backup of the keys.") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _BITS:
        raise Misconfigured(
            f"The key file {path} holds a weak key: letters are signed with RSA of {_BITS} bits or more."
        )
    return SigningKey(domain, selector, key)


def record_strings(record: str) -> list[str]:
    """A record cut into strings as short as the DNS wants them; receivers join them without a space."""
    return [record[start : start + _LONGEST_STRING] for start in range(0, len(record), _LONGEST_STRING)]
