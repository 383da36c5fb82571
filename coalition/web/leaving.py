"""Leaving while the database is away: kept in the spool, answered as ever, done before anything more is sent."""

import logging

from coalition.clock import utcnow
from coalition.services.unsubscribe import Channel
from coalition.spool import Leaving
from coalition.web.shared import page, resources

log = logging.getLogger(__name__)


def keep(code: str, channel: Channel, error: Exception) -> tuple[str, int]:
    """Keep a leaving that the database can't take now. Raises SpoolFull (a 503) where that can't be done either."""
    log.error("the database can't take a leaving, the spool keeps it: %s", type(error).__name__)
    resources().spool.keep(Leaving(code, channel, utcnow()))
    return page("left", code=code, undo=None, topic=None)
