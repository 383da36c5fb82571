"""Who of the staff did what. Subjects are codes, slugs and numbers: never an address."""

import os
import pwd
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.models import Audit

# Set by the system at a login, carried through sudo and su, and not to be changed by whoever logged in.
_LOGIN = Path("/proc/self/loginuid")
_NOBODY = 2**32 - 1  # as in a container, or under a service manager: nobody logged in


def record(session: Session, action: str, subject: str | None = None) -> None:
    """Note that whoever is logged in to the operating system did this, now."""
    session.add(Audit(at=utcnow(), who=login(), action=action, subject=subject))


def newest(session: Session, since: datetime | None, most: int) -> list[Audit]:
    """Who did what, the newest first."""
    query = select(Audit).order_by(Audit.id.desc()).limit(most)
    return list(session.scalars(query if since is None else query.where(Audit.at >= since)))


def login() -> str:
    """Who is logged in, by the operating system's word alone: a variable could name anybody."""
    number = _logged_in()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # a container may run under a number that has no name
        return f"uid {number}"


def _logged_in() -> int:
    """Who logged in; where the system doesn't keep that, whom this process belongs to."""
    try:
        number = int(_LOGIN.read_text("ascii"))
    except (OSError, ValueError):
        number = _NOBODY
    return os.getuid() if number == _NOBODY else number
