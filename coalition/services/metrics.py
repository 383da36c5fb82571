"""What a monitor draws curves of: numbers without names, in the text format of Prometheus."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from coalition.services import bounces, counts, grievances, upkeep
from coalition.services.outbox import ledger

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class _Gauge:
    """One number, or one for each value of a label; those are words of our own code, never of a person."""

    name: str
    told: str
    values: Mapping[str, float]
    label: str = ""

    def lines(self) -> Iterator[str]:
        """The number as Prometheus reads it."""
        yield f"# HELP coalition_{self.name} {self.told}"
        yield f"# TYPE coalition_{self.name} gauge"
        for value, number in sorted(self.values.items()):
            label = f'{{{self.label}="{value}"}}' if self.label else ""
            yield f"coalition_{self.name}{label} {number:.15g}"


def text(session: Session, now: datetime) -> str:
    """Everything that is measured, at this moment."""
    return "\n".join(line for gauge in _gauges(session, now) for line in gauge.lines()) + "\n"


def _gauges(session: Session, now: datetime) -> Iterator[_Gauge]:
    outbox = ledger.status(session, now)
    runs = {name: at.timestamp() for name, at in upkeep.last_runs(session).items()}
    oldest = (now - outbox.oldest_due).total_seconds() if outbox.oldest_due else 0
    yield _Gauge("people", "People by state.", counts.by_state(session, now), "state")
    yield _Gauge("letters", "Letters by state.", outbox.states, "state")
    yield _Gauge("letters_due", "Letters that may go now, by lane.", outbox.due, "lane")
    yield _Gauge("letters_oldest_due_seconds", "For how long the oldest of them has waited.", {"": oldest})
    yield _Gauge("letters_last_minute", "Letters that the mail server took in the last minute.", {"": outbox.lately})
    yield _Gauge("batches_claimed", "Batches that senders hold.", {"": outbox.claimed})
    yield _Gauge("troubles", "Mail servers and domains that are left alone for a while.", {"": len(outbox.troubles)})
    yield _Gauge("bounces_last_7_days", "Letters that came back, by outcome.", bounces.count(session, now), "fate")
    yield _Gauge("bounces_aside", "Letters that came back and wait for staff.", _one(bounces.count_aside(session)))
    yield _Gauge("grievances_overdue", "Complaints whose answer is late.", {"": grievances.overdue(session, now)})
    yield _Gauge("job_last_run_timestamp_seconds", "When periodic work was last done.", runs, "job")


def _one(numbers: Mapping[str, int]) -> dict[str, int]:
    return {"": sum(numbers.values())}
