"""What stands in a feed. A program of its own reads it, within limits: a hostile feed harms nobody else."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime

from coalition.errors import CoalitionError

_SECONDS = 30
_PARSER = "coalition.services.feed_parser"


class BadFeed(CoalitionError):
    """What was fetched can't be read as a feed; the text says why."""


@dataclass(frozen=True)
class Entry:
    """One entry as items may hold it: everything is plain and short already. No `identity`: it can't be told again."""

    identity: str
    title: str
    text_md: str
    url: str | None
    dated: datetime | None


def read(body: bytes, seconds: float = _SECONDS) -> list[Entry]:
    """The entries of an RSS or Atom feed, as they stand in it, within so many seconds. Raises BadFeed."""
    try:
        # Our settings stay here: neither keys nor passwords are in the environment of whoever reads a stranger's file.
        done = subprocess.run(  # noqa: S603  # our own module, and nothing of the feed on the command line
            [sys.executable, "-P", "-m", _PARSER],
            input=body,
            capture_output=True,
            timeout=seconds,
            check=True,
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise BadFeed("The feed can't be read: reading it takes too long, or fails.") from error
    answer = json.loads(done.stdout)
    if "fault" in answer:
        raise BadFeed(answer["fault"])
    return [
        Entry(**{**entry, "dated": datetime.fromisoformat(entry["dated"]) if entry["dated"] else None})
        for entry in answer["entries"]
    ]
