"""Signed letters as SpamAssassin's stock rules see them. Local tests alone: it asks no network and learns nothing."""

import mailbox
import os
import shutil
import subprocess
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coalition.languages import OWN_NAMES
from tests.conftest import skip
from tests.mail.desk import Desk
from tests.mail.words import Words

KINDS = ("digest_long", "digest_as_text", "confirm", "welcome")
LETTERS = [f"{kind} {code}" for code in OWN_NAMES for kind in KINDS]

# RFC 8058, section 4: a signature has to cover the two that one-click goes by. dkimpy would leave one out.
SIGNED = ("from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type", "list-id")
ONE_CLICK = ("list-unsubscribe", "list-unsubscribe-post")

# Says that there is HTML at all, and counts a thousandth. Rules below 0 (NO_RELAYS and NO_RECEIVED, because the letters
# have not travelled; MAILING_LIST_MULTI) are left out of every sum: nothing may hide behind them.
INFORMS_ONLY = {"HTML_MESSAGE"}

# The text that every spam filter has to find, so that one can see it at work (GTUBE).
TEST_SPAM = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

SETTINGS = """\
use_bayes 0
dns_available no
report_safe 0
clear_headers
add_header all Rules _TESTSSCORES( )_
"""


@dataclass(frozen=True)
class Key:
    """A DKIM key: its private half, and the record that would stand in the DNS."""

    private: bytes
    record: bytes

    def sign(self, message: bytes) -> bytes:
        """The message with its signature in front, as the community's mail server would send it."""
        present = message.partition(b"\r\n\r\n")[0].lower()
        names = [name.encode() for name in SIGNED + ONE_CLICK if b"\r\n" + name.encode() + b":" in b"\r\n" + present]
        signature = dkim.sign(message, b"s1", b"list.example.org", self.private, include_headers=names)
        return bytes(signature) + message

    def verifies(self, message: bytes) -> bool:
        """Whether a receiver who looks the record up finds the signature good."""
        return bool(dkim.verify(message, dnsfunc=lambda *_, **__: self.record))


@cache
def a_key() -> Key:
    """One for all letters."""
    made = rsa.generate_private_key(65537, 2048)
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Key(private, b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1]))


def write(desk: Desk, letter: str) -> bytes:
    """One of `LETTERS`, signed."""
    kind, code = letter.split()
    return a_key().sign(desk.write(kind, Words(locale=code)).message)


@pytest.fixture(scope="module")
def fired(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """The rules that fired for each of `LETTERS`, and for one that is spam, with what they count."""
    if shutil.which("spamassassin") is None:
        skip("SpamAssassin is not installed")
    written = {letter: write(desk, letter) for letter in LETTERS}
    written["spam"] = written["digest_as_text en"].rstrip() + b"\r\n\r\n" + TEST_SPAM + b"\r\n"
    return judge(tmp_path_factory.mktemp("spam"), written)


def judge(folder: Path, letters: dict[str, bytes]) -> dict[str, dict[str, float]]:
    """Give all letters to one SpamAssassin, which takes seconds to start. Its settings are in `folder` alone."""
    site, before, after = folder / "site", folder / "before.mbox", folder / "after.mbox"
    site.mkdir()
    for plugins in Path("/etc/spamassassin").glob("*.pre"):
        shutil.copy(plugins, site)
    (site / "local.cf").write_text(SETTINGS)
    (site / "prefs.cf").touch()
    with closing(mailbox.mbox(before)) as box:
        for name, message in letters.items():
            # It gives them back in an order of its own.
            box.add(f"X-Name: {name}\n".encode() + message.replace(b"\r\n", b"\n"))
    done = subprocess.run(
        [
            "spamassassin",
            "--local",
            "--mbox",
            "--configpath=/usr/share/spamassassin",
            f"--siteconfigpath={site}",
            f"--prefspath={site / 'prefs.cf'}",
            "--nocreate-prefs",
        ],
        input=before.read_bytes(),
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    after.write_bytes(done.stdout)
    with closing(mailbox.mbox(after)) as box:
        judged = {message["X-Name"]: _rules(message["X-Spam-Rules"]) for message in box}
    assert judged.keys() == letters.keys()
    return judged


def _rules(header: str) -> dict[str, float]:
    pairs = (each.partition("=") for each in header.split() if each != "none")
    return {name: float(score) for name, _, score in pairs}


@pytest.mark.parametrize("letter", LETTERS)
def test_no_rule_speaks_against_a_letter(letter: str, fired: dict[str, dict[str, float]]) -> None:
    against = {name: score for name, score in fired[letter].items() if score > 0}

    assert against.keys() <= INFORMS_ONLY
    assert sum(against.values()) < 1.0


def test_the_same_rules_find_what_is_spam(fired: dict[str, dict[str, float]]) -> None:
    assert fired["spam"]["GTUBE"] > 100


@pytest.mark.parametrize("letter", LETTERS)
def test_a_signature_of_the_mail_server_holds(letter: str, desk: Desk) -> None:
    signed = write(desk, letter)

    assert a_key().verifies(signed)
    assert not a_key().verifies(signed.replace(b"Subject: ", b"Subject: Re: ", 1))


def test_z12_a_signature_that_covers_both_headers_of_one_click_breaks_where_one_is_changed(desk: Desk) -> None:
    signed = write(desk, "digest_long en")

    for name in (b"List-Unsubscribe: <https://", b"List-Unsubscribe-Post: "):
        assert signed.count(name) == 1
        assert not a_key().verifies(signed.replace(name, name + b"x"))
