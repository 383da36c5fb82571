"""Signed letters as SpamAssassin's stock rules see them. Local tests alone: it asks no network and learns nothing."""

import mailbox
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from coalition.languages import OWN_NAMES
from tests.conftest import skip
from tests.mail.desk import Desk
from tests.mail.signatures import write

KINDS = ("digest_long", "digest_as_text", "confirm", "welcome")
LETTERS = [f"{kind} {code}" for code in OWN_NAMES for kind in KINDS]

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


@pytest.fixture(scope="module")
def fired(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """The rules that fired for each of `LETTERS`, and for one that is spam, with what they count."""
    if shutil.which("spamassassin") is None:
        skip("SpamAssassin is not installed")
    written = {letter: write(desk, letter).message for letter in LETTERS}
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
