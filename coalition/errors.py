"""One small tree of errors. Each speaks to the person who meets it and carries no address or token."""


class CoalitionError(Exception):
    """Anything that Coalition refuses; its text is a sentence for the person who meets it."""


class Misconfigured(CoalitionError):
    """The environment, `community.toml` or a key file is wrong; raised at start, with every fault found."""


class BadAddress(CoalitionError):
    """What was typed is not an address that mail can be sent to."""


class BadContent(CoalitionError):
    """A text that staff wrote can't be published as it is."""


class NotFound(CoalitionError):
    """The named topic, form, item, issue or person does not exist."""


class Refused(CoalitionError):
    """The step can't be done in the present state; the text says which state that is."""


class TooMany(CoalitionError):
    """A limit that does not depend on the address was reached."""

    def __init__(self, retry_after: int) -> None:
        """`retry_after` is in seconds, for the header of the same name."""
        super().__init__("Too many sign-ups just now.")
        self.retry_after = retry_after


class BadToken(CoalitionError):
    """The link was not made by us, was altered, or was made for another purpose."""


class TokenExpired(BadToken):
    """The link was made by us and is too old; `value` is what it carried."""

    def __init__(self, value: str) -> None:
        super().__init__("This link is too old.")
        self.value = value


class RelayLost(CoalitionError):
    """The mail server can't be reached, or went away before it was given the message: no attempt was made."""


class SpoolFull(CoalitionError):
    """A leaving can be kept nowhere: the database is away, and the spool is full or away too."""


class JournalError(CoalitionError):
    """The journal can't be used as it is; what would have to stand in it has not been done."""


class JournalAhead(JournalError):
    """The journal tells something that the database has not learned yet; nothing may be added before it has."""


class JournalIncomplete(JournalError):
    """Something that the database may have to learn is in no journal at hand: nothing may be sent before it is."""

    def __init__(self, told: str, stream: str, mark: int) -> None:
        """`mark` is the number from which the stream goes on for somebody who gives up what is missing."""
        super().__init__(told)
        self.stream, self.mark = stream, mark


class LeaseLost(CoalitionError):
    """Another sender has taken over the batch; nothing more may be recorded for it."""
