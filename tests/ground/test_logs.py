"""The last line of defence: whatever is logged, no address and no token is written; no line passes for another."""

import json
import logging
import subprocess
import sys

import pytest

from coalition.config import Log
from coalition.logs import WITHHELD_ADDRESS, WITHHELD_TOKEN, formatter
from coalition.rings import Ring
from coalition.tokens import Purpose, Tokens, random_code

TOKENS = Tokens(Ring("tokens", ((1, bytes(range(32))),)))

DIES = """
import threading
from coalition import logs
from coalition.config import Log
logs.set_up(Log.{log})
def die():
    raise ValueError("nobody knows ada@example.org")
thread = threading.Thread(target=die)
thread.start()
thread.join()
die()
"""


def _written(log: Log, message: str, *arguments: object, error: Exception | None = None) -> str:
    trace = (type(error), error, None) if error else None
    record = logging.LogRecord("coalition.web", logging.WARNING, __file__, 1, message, arguments, trace)
    return formatter(log).format(record)


@pytest.mark.parametrize("log", Log)
@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org",
        "Ada.Lovelace+news@mail.example.org",
        "ada%40example.org",
        '"ada l"@example.org',
        "jürg@exämple.org",
    ],
)
def test_an_address_is_withheld_wherever_it_stands(log: Log, address: str) -> None:
    for written in (
        _written(log, "letter to %s failed", address),
        _written(log, f"RCPT TO:<{address}> 550"),
        _written(log, "no luck", error=ValueError(f"({address}, 1)")),
    ):
        assert "example.org" not in written.replace("exämple", "example")
        assert "ada" not in written.lower()
        assert WITHHELD_ADDRESS in written


@pytest.mark.parametrize("log", Log)
@pytest.mark.parametrize("purpose", Purpose)
def test_no_token_is_written(log: Log, purpose: Purpose) -> None:
    token = TOKENS.make(purpose, random_code())

    for shown in (token, token.replace("~", "%7E")):
        written = _written(log, "GET /preferences/%s 200", shown)
        assert not [part for part in token.split("~") if part in written]
        assert f"/preferences/{WITHHELD_TOKEN} 200" in written


@pytest.mark.parametrize("log", Log)
def test_no_code_is_written(log: Log) -> None:
    code = random_code()

    assert code not in _written(log, "GET /unsubscribe/%s", code)
    assert code not in _written(log, f"code={code}&x")


@pytest.mark.parametrize("log", Log)
def test_what_helps_staff_stays(log: Log) -> None:
    message = "batch 12 of issue 3 was taken over: coalition/services/outbox/sender.py, line 104, OperationalError"

    assert message in _written(log, message)


@pytest.mark.parametrize("log", Log)
def test_no_line_passes_for_another_and_none_steers_a_terminal(log: Log) -> None:
    written = _written(log, "said %s", "x\r\n2026-01-01T00:00:00.000Z ERROR all is lost\x1b[2J\x9b1m\u2028y")

    assert [line for line in written.splitlines()[1:] if not line.startswith("    ")] == []
    assert not set(written) & set("\r\x1b\x9b\u2028")


def test_json_is_one_object_a_line() -> None:
    written = _written(Log.JSON, "two\nlines %s", "é", error=KeyError("gone"))

    assert "\n" not in written
    facts = json.loads(written)
    assert list(facts) == ["time", "level", "logger", "message", "exception"]
    assert (facts["level"], facts["logger"], facts["message"]) == ("warning", "coalition.web", "two\nlines é")
    assert facts["time"].endswith("Z")
    assert "KeyError" in facts["exception"]


@pytest.mark.parametrize("log", Log)
def test_what_nobody_caught_is_told_without_the_address_in_it(log: Log) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DIES.format(log=log.name)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "ada" not in done.stderr
    assert done.stderr.count(f"ValueError: nobody knows {WITHHELD_ADDRESS}") == 2
    assert "in die" in done.stderr
