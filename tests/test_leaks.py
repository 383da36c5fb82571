"""The gate of tests/leaks.py can fail: a test that lets out what no log may hold does, and one that doesn't passes."""

import ast
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coalition.rings import Ring
from coalition.tokens import Purpose, Tokens

ROOT = Path(__file__).resolve().parents[1]
# The same in every process that collects these tests, since they stand in their names.
CODE = "abcdefghijklmnopqrstuvwx23"
MADE_AT = datetime(2026, 11, 25, tzinfo=UTC)
TOKEN = Tokens(Ring("tokens", ((1, bytes(range(32))),))).make(Purpose.CONFIRM, CODE, MADE_AT)

BEGINNING = """
import logging
import os
import subprocess
import sys
import threading
from tests import leaks
log = logging.getLogger("coalition.somewhere")
def test_it():
"""
CONFTEST = "from tests.leaks import Gate\ndef pytest_configure(config): config.pluginmanager.register(Gate())\n"

LEAKS = [
    'log.info("letter to %s sent", "ada@example.org")',
    'log.warning("GET /?email=ada%40example.org")',
    f'log.info("GET /confirm/{TOKEN}")',
    f'logging.getLogger("somebody.else").error("no reader %s", "{CODE}")',
    'log.error("failed", exc_info=ValueError("ada@example.net"))',
    'threading.Thread(target=log.error, args=("to ada@example.com",)).start()',
    'print("ada@example.org", file=sys.stderr)',
    'os.system("echo ada@example.org >&2")',
    'leaks.look("a program", "one line\\nRCPT TO:<ada@example.org>")',
    'leaks.look("a program", "2026-11-25 ERROR to [address withheld]")',
]

SILENT = [
    'log.info("letter %s to %s: %s", 12, "housing", "550 5.1.1 [address] unknown, [token]")',
    'log.info("GET /preferences/<token> 200")',
    'logging.getLogger("mail.log").error("RCPT TO:<ada@example.org>")',
    'leaks.look("a program", "File tests/leaks.py, line 3, in test_a_reader_at_example_org")',
]


# Whose programs write for nobody's log, or are searched where they are started.
NOT_OURS = {
    "ground/test_languages.py": "the tool for catalogues",
    "ground/test_logs.py": "a program that dies of an address, to see it withheld",
    "mail/servers/private.py": "mail servers of others",
    "mail/test_real_servers.py": "a mail server of others",
    "mail/test_spam_score.py": "SpamAssassin",
    "postgres.py": "PostgreSQL",
    "test_bootstrap.py": "the tool that installs",
}


@pytest.mark.parametrize("statement", LEAKS)
def test_a_test_that_leaks_fails(statement: str, tmp_path: Path) -> None:
    code, said = _run(statement, tmp_path)

    assert code == 1
    assert "let out what no log may hold" in said
    assert "1 passed, 1 error" in said


@pytest.mark.parametrize("statement", SILENT)
def test_a_test_that_does_not_leak_passes(statement: str, tmp_path: Path) -> None:
    code, said = _run(statement, tmp_path)

    assert code == 0, said
    assert "1 passed" in said


def test_who_takes_the_standard_error_of_a_program_of_ours_lets_the_gate_read_it() -> None:
    """What is not taken goes to the test's own standard error, which the gate reads."""
    tests = Path(__file__).parent
    sources = {path.relative_to(tests).as_posix(): path.read_text("utf-8") for path in tests.rglob("*.py")}
    taking = {name for name, source in sources.items() if _takes_errors(source) and not name.startswith("bench/")}

    assert {name for name in taking if "leaks.look(" not in sources[name]} == set(NOT_OURS)


def _takes_errors(source: str) -> bool:
    """Whether something that is called here is asked for a program's standard error."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return any(keyword.arg in {"capture_output", "stderr"} for call in calls for keyword in call.keywords)


def _run(statement: str, folder: Path) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST, "utf-8")
    (folder / "test_planted.py").write_text(f"{BEGINNING}    {statement}\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
