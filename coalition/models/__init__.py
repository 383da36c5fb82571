"""The tables, and the small facts and transitions that belong to one row. No queries, no mail."""

from coalition.models.audience import Cadence, Form, Topic, Wording
from coalition.models.base import Base
from coalition.models.bounces import Bounce, Fate, SetAside
from coalition.models.consent import Consent
from coalition.models.digest import Fragment, Issue, Item, Phase, Tally, Variant
from coalition.models.feeds import Feed, Health
from coalition.models.grievances import Grievance
from coalition.models.notices import Notice
from coalition.models.outbox import RETRIED, Batch, Breaker, Claim, Delivery, Lane, Letter, Outbound, Pacing
from coalition.models.people import (
    AddressChange,
    Answer,
    Ended,
    Format,
    Kind,
    PauseMode,
    Request,
    Scope,
    Source,
    SpentNonce,
    State,
    Subscriber,
    Subscription,
    Suppression,
)
from coalition.models.upkeep import Audit, Counter, JobRun, JournalMark, KnownKey, Rate

__all__ = [
    "RETRIED",
    "AddressChange",
    "Answer",
    "Audit",
    "Base",
    "Batch",
    "Bounce",
    "Breaker",
    "Cadence",
    "Claim",
    "Consent",
    "Counter",
    "Delivery",
    "Ended",
    "Fate",
    "Feed",
    "Form",
    "Format",
    "Fragment",
    "Grievance",
    "Health",
    "Issue",
    "Item",
    "JobRun",
    "JournalMark",
    "Kind",
    "KnownKey",
    "Lane",
    "Letter",
    "Notice",
    "Outbound",
    "Pacing",
    "PauseMode",
    "Phase",
    "Rate",
    "Request",
    "Scope",
    "SetAside",
    "Source",
    "SpentNonce",
    "State",
    "Subscriber",
    "Subscription",
    "Suppression",
    "Tally",
    "Topic",
    "Variant",
    "Wording",
]
