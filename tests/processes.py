"""Processes that somebody has started, as the system sees them."""

import os
import select
from pathlib import Path

_STUCK = 30  # seconds after which a test that waits is called stuck


def children(program: str, parent: int | None = None) -> list[int]:
    """Those of this process (or another) that live and have this word in their command line, by number."""
    parent = parent or os.getpid()
    return sorted(pid for pid in map(int, _numbers()) if _parent(pid) == parent and program in _command(pid))


def wait_for_end(pid: int) -> None:
    """Returns once a process that need not be ours has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([handle], [], [], _STUCK)
    os.close(handle)
    assert ended, "A process does not end."


def _numbers() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    state, parent = stat.rpartition(")")[2].split()[:2]
    return 0 if state == "Z" else int(parent)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
