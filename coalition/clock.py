"""The one source of wall-clock time. Always aware, always UTC."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The present moment, to the microsecond."""
    return datetime.now(UTC)
