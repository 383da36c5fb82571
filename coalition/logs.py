"""Logs: one line a record, plain or as JSON, in UTC; nothing that names a person gets through.

Whoever logs leaves addresses and tokens out. Should one of them forget, or a library say more than it ought to, it is
withheld here, with a mark that the tests look for: being caught at the last moment is a fault as well.
"""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType

from coalition.config import Log

WITHHELD_ADDRESS, WITHHELD_TOKEN = "[address withheld]", "[token withheld]"

# Lengths are bounded, so that a hostile line can't make the search slow.
_ADDRESS = re.compile(
    r"""(?: "[^"\n]{1,64}" | [^\s<>()\[\]:;,"]{1,64} ) (?: @ | %40 ) [^\s<>()\[\]:;,"'/]{1,253}""", re.VERBOSE
)
_SIGNED = re.compile(r"[\w-]{1,128}(?:~|%7e)[\w-]{1,16}(?:~|%7e)[\w-]{1,128}", re.ASCII | re.IGNORECASE)
_CODE = re.compile(r"(?<![a-z0-9])[a-z2-7]{26}(?![a-z0-9])", re.ASCII | re.IGNORECASE)
_STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

# They tell of every closed connection and every step; what matters comes as a warning.
_QUIET = ("waitress", "alembic")


def set_up(log: Log, level: int = logging.INFO) -> None:
    """Write to standard error from now on, unless whoever runs us has set up logging already."""
    if logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(log))
    logging.basicConfig(level=level, handlers=[handler])
    for quiet in _QUIET:
        logging.getLogger(quiet).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _died
    threading.excepthook = lambda died: _died(died.exc_type, died.exc_value, died.exc_traceback)


def formatter(log: Log) -> logging.Formatter:
    """What makes the lines, and lets no address and no token through."""
    return _Json() if log is Log.JSON else _Plain()


def withhold(text: str) -> str:
    """`text` without addresses, signed tokens, and codes."""
    text = _SIGNED.sub(WITHHELD_TOKEN, _ADDRESS.sub(WITHHELD_ADDRESS, text))
    return _CODE.sub(WITHHELD_TOKEN, text)


def _died(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Whatever nobody caught is a record like any other."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), trace)
    elif error is not None and not issubclass(kind, SystemExit):
        logging.getLogger(__name__).critical("nobody caught it", exc_info=(kind, error, trace))


class _Plain(logging.Formatter):
    """When, how bad, what. Further lines are set in, so that none can pass for a record of its own."""

    def format(self, record: logging.LogRecord) -> str:
        text = "\n    ".join(withhold(super().format(record)).split("\n"))
        text = _STEERS.sub(lambda found: ascii(found[0])[1:-1], text)
        return f"{_moment(record)} {record.levelname} {text}"


class _Json(logging.Formatter):
    """The same as an object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": withhold(record.getMessage()),
        }
        if record.exc_info:
            facts["exception"] = withhold(self.formatException(record.exc_info))
        return json.dumps(facts)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
