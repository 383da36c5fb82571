"""A gate on the whole test run: nothing that is logged may name a person or carry a token.

What counts is said in tests/README.md. A test that leaks fails where it ends, whatever it asserted.
"""

import logging
import re
import threading
from collections.abc import Generator

import pluggy
import pytest

from coalition.logs import WITHHELD_ADDRESS, WITHHELD_TOKEN

_KINDS = {
    "an address": re.compile(r"[\w.+%'-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"),
    "a signed token": re.compile(r"[\w-]+(?:~|%7E)[\w-]{4,12}(?:~|%7E)[\w-]{20,}", re.ASCII),
    "a code": re.compile(r"(?<![\w-])[a-z2-7]{26}(?![\w-])", re.ASCII),
    # Stopped at the last moment, by a log that is not ours to rely on.
    "something that had to be withheld": re.compile(f"{re.escape(WITHHELD_ADDRESS)}|{re.escape(WITHHELD_TOKEN)}"),
}
# Examples in what our commands say of a mistake.
_NOBODY = re.compile(r"\b(?:name@example|user@mail\.example)\.org\b")

_THEIRS = ("mail.log",)  # the tests' own mail server tells what it takes

_found: list[str] = []
_lock = threading.Lock()


def look(where: str, text: str) -> None:
    """Search a text that was written for a log; what is found fails the test that is running."""
    for line in _NOBODY.sub("", text).splitlines():
        kinds = [name for name, shape in _KINDS.items() if shape.search(line)]
        if kinds:
            with _lock:
                _found.append(f"{where} has {' and '.join(kinds)}: {line.strip()[:300]}")


class Gate(logging.Handler):
    """Reads every record of this process, and what each test wrote to its own standard output and error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Search a record as a log would write it, with the error that it tells of."""
        if record.name not in _THEIRS:
            look(f"The log of {record.name}", _FORMAT.format(record))

    def pytest_configure(self) -> None:
        """Be there from the first import on; servers log from INFO on, and so do we."""
        logging.getLogger().addHandler(self)
        logging.getLogger().setLevel(logging.INFO)
        for name in _THEIRS:
            logging.getLogger(name).setLevel(logging.WARNING)

    def pytest_unconfigure(self) -> None:
        """Leave the process as it was."""
        logging.getLogger().removeHandler(self)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pluggy.Result[pytest.TestReport], None]:
        """Fail a test at its end for what it let out."""
        report = (yield).get_result()
        if report.when != "teardown":
            return
        look("Standard error", report.capstderr)
        look("Standard output", report.capstdout)
        with _lock:
            leaks, _found[:] = _found[:], []
        if leaks:
            report.outcome = "failed"
            report.longrepr = "\n".join([f"{item.nodeid} let out what no log may hold:", *leaks])


_FORMAT = logging.Formatter()
