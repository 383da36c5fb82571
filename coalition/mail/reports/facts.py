"""What a message that came back says, as facts: nothing here has asked the database, and nothing is believed yet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from coalition.mail.replies import Outcome, Reply, classify
from coalition.models import Fate


class Kind(StrEnum):
    """What a message is."""

    BOUNCE = "bounce"
    SPAM = "spam report"
    NOT_SPAM = "not spam"  # somebody took a letter out of the spam folder
    AUTOMATIC = "automatic"  # an answer of a machine, such as "out of office": no bounce
    UNSURE = "unsure"


class Action(StrEnum):
    """What was done with a letter for one recipient (RFC 3464, section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True)
class Recipient:
    """What a report says about one recipient; `said` is redacted."""

    action: Action
    status: str  # the enhanced code
    said: str
    code: int  # of the server's answer, where it is told
    named: tuple[str, ...] = field(default=(), repr=False)

    @property
    def fate(self) -> Fate | None:
        """What became of the letter; None where it arrived."""
        if self.action is Action.DELAYED:
            return Fate.DELAYED
        if self.action is not Action.FAILED:
            return None
        match classify(Reply(self.code, self.status if self._is_precise else None, self.said)):
            case Outcome.DEAD_ADDRESS:
                return Fate.DEAD
            case Outcome.OUR_FAULT:
                return Fate.POLICY
        return Fate.SOFT

    @property
    def _is_precise(self) -> bool:
        """5.0.0 says no more than 5; then what the server said may speak, as it would have to our own mail server."""
        return not self.status.endswith(".0.0")


@dataclass(frozen=True)
class Report:
    """One message, read."""

    kind: Kind
    why: str = ""  # it is unsure
    recipients: tuple[Recipient, ...] = ()
    places: tuple[str, ...] = field(default=(), repr=False)  # where a return path of ours may stand
    message_id: str = field(default="", repr=False)  # of the letter that came back with it
    vouched: frozenset[str] = frozenset()  # the domains that answer for it

    def about(self, is_theirs: Callable[[str], bool]) -> Recipient | None:
        """The recipient that decides, for a letter that went to one address; None where it arrived after all.

        A letter may have been passed on to another address that does not exist: that is no dead address of ours.
        """
        theirs = [each for each in self.recipients if any(map(is_theirs, each.named))]
        nameless = [each for each in self.recipients if not each.named]
        chosen = theirs or nameless or self.recipients
        mildest = min(chosen, key=lambda each: _MILDEST.index(each.fate))
        if mildest.fate is Fate.DEAD and not theirs and not nameless:
            return Recipient(mildest.action, "5.0.0", "", 550)
        return None if mildest.fate is None else mildest


# Where several recipients stand for one letter, the best that happened to any of them counts.
_MILDEST = (None, Fate.DELAYED, Fate.SOFT, Fate.POLICY, Fate.DEAD)
