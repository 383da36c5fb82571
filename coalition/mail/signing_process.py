"""Signs hashes until its input ends: started by `coalition.mail.signing` as a program of its own, once for each core.

A signature in Python keeps all other threads waiting, so threads would sign no faster than one. What comes in is the
length of a key, the key, and then hashes of 32 bytes; what goes out are their signatures in order, all of one length.
"""

import os
import signal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key

HASH_BYTES = 32
LENGTH_BYTES = 4
_AT_ONCE = 4  # signatures that go out together; more would keep the sender waiting

_PADDING, _HASHED = PKCS1v15(), Prehashed(hashes.SHA256())


def sign(key: RSAPrivateKey, digest: bytes) -> bytes:
    """The signature of a SHA-256 hash, as DKIM's rsa-sha256 wants it."""
    return key.sign(digest, _PADDING, _HASHED)


def main() -> None:
    """Serve standard input. Signals are for whoever started us; the end of the input is the end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    length = int.from_bytes(_exactly(LENGTH_BYTES), "big")
    key = load_pem_private_key(_exactly(length), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the key is not of RSA")
    waiting = b""
    while came := os.read(0, HASH_BYTES * _AT_ONCE - len(waiting)):
        waiting += came
        whole = len(waiting) - len(waiting) % HASH_BYTES
        _write(b"".join(sign(key, waiting[start : start + HASH_BYTES]) for start in range(0, whole, HASH_BYTES)))
        waiting = waiting[whole:]


def _exactly(count: int) -> bytes:
    found = b""
    while len(found) < count:
        came = os.read(0, count - len(found))
        if not came:
            raise EOFError
        found += came
    return found


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    main()
