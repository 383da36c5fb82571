"""Renews the leases of a sender while a slow mail server keeps it waiting."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from coalition.db import Database
from coalition.services.outbox import claims
from coalition.services.outbox.leases import RENEW_SECONDS

log = logging.getLogger(__name__)


class Heartbeat:
    """Of one sender: `held` are the numbers of the batches that it holds."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database, self._worker = database, worker
        self.held: set[int] = set()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Renew what is held, in a thread of its own, until the block ends."""
        over = threading.Event()
        heart = threading.Thread(target=self._beat, args=(over,), name="heartbeat", daemon=True)
        heart.start()
        try:
            yield
        finally:
            over.set()
            heart.join()

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(RENEW_SECONDS):
            try:
                with self._database.transaction() as session:
                    claims.renew(session, self._worker, tuple(self.held))
            except SQLAlchemyError:
                log.warning("the lease can't be renewed: the database can't be reached")
