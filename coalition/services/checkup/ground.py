"""What the rest stands on: keys, database and clock."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from coalition import schema
from coalition.config import Config
from coalition.db import Database
from coalition.errors import Misconfigured
from coalition.mail.signing_key import SigningKey, read_signing_key
from coalition.models import Audit
from coalition.rings import RING_NAMES, Ring, read_ring
from coalition.services.checkup.findings import Finding, advice, fault, ok
from coalition.services.outbox import ledger

_APART = timedelta(seconds=5)  # two clocks that are right


def check_keys(config: Config) -> tuple[list[Finding], tuple[Ring, ...], SigningKey | None]:
    """Whether all keys are there, sound, and for our eyes only. Returns them too, as far as they are."""
    found: list[Finding] = []
    rings, signing = [], None
    for name in RING_NAMES:
        try:
            rings.append(read_ring(config.keys, name))
        except Misconfigured as error:
            found.append(fault("keys", str(error)))
    selector = config.community.dkim_selector
    try:
        signing = read_signing_key(config.keys, config.community.mail_domain, selector) if selector else None
    except Misconfigured as error:
        found.append(fault("keys", str(error)))
    if config.keys.exists() and config.keys.stat().st_mode & 0o077:
        found.append(advice("keys", f"Others can look into the folder {config.keys}: run `chmod 700 {config.keys}`."))
    if not found:
        found.append(ok("keys", f"All are there, and for our eyes only ({config.keys})."))
    return found, tuple(rings), signing


def check_database(config: Config, rings: tuple[Ring, ...], now: datetime) -> Iterator[Finding]:
    """Whether it can be reached, is of this version and of these keys, and adds up; and what it says of the time."""
    database = Database(config.database_url)
    try:
        schema.require_current(database)
        yield ok("database", "It is at its newest tables.")
        if len(rings) == len(RING_NAMES):
            schema.require_keys(database, rings)
            yield ok("database", "It was filled with these keys.")
        with database.reading() as session:
            faults = ledger.check(session)
            newest = session.scalar(select(func.max(Audit.at)))
            theirs = None if database.is_sqlite else session.execute(text("SELECT clock_timestamp()")).scalar_one()
    except Misconfigured as error:
        for line in str(error).splitlines():
            yield fault("database", line)
        return
    finally:
        database.close()
    yield from (fault("deliveries", each) for each in faults)
    if not faults:
        yield ok("deliveries", "Every delivery is accounted for.")
    yield _clock(now, newest, theirs)


def _clock(now: datetime, newest: datetime | None, theirs: datetime | None) -> Finding:
    if newest is not None and newest > now + _APART:
        return fault(
            "clock", f"This machine's clock is behind what was written down already ({newest:%Y-%m-%d %H:%M} UTC)."
        )
    if theirs is not None and abs(theirs - now) > _APART:
        return fault(
            "clock",
            f"This machine's clock and the database's are {abs(theirs - now).total_seconds():.0f} seconds apart.",
        )
    return ok("clock", f"It is {now:%Y-%m-%d %H:%M:%S} UTC here, and nothing speaks against it.")
