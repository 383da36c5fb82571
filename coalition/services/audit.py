"""Who of the staff did what. Subjects are codes, slugs and numbers: never an address."""

import getpass

from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.models import Audit


def record(session: Session, action: str, subject: str | None = None) -> None:
    """Note that whoever is logged in to the operating system did this, now."""
    session.add(Audit(at=utcnow(), who=login(), action=action, subject=subject))


def login() -> str:
    """Who is logged in to the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return "unknown"
