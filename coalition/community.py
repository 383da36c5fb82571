"""Facts of the community, from `community.toml`: who writes, to whom, when and under which limits."""

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coalition.address import Address
from coalition.errors import BadAddress

SAMPLE = """\
# Facts of your community. Pages and letters show them; restart Coalition after a change.
# While the links in mail lead to this machine only, the sample may stay. In public it may not.
[community]
name = "Coalition of Collaborators"
tagline = "Sign up to become part of a community of thousands looking to develop better ways of working together."
from = "hello@coalition.example"            # letters come from here; replies must reach somebody
reply_to = "hello@coalition.example"
controller = "Coalition of Collaborators"    # who answers for the data, as the law calls it
postal_address = "1 Example Street, Exampleton EX1 1EX"
list_id = "news.coalition.example"           # never change it: mail programs sort by it
bounce_domain = ""                           # where your mail server collects bounces; empty: the sender's own
locale = "en"
timezone = "Europe/London"

[digest]
cadence = "weekly"      # what a new subscription gets, unless its form says otherwise
weekday = "monday"      # when a week's issue is due
hour = 8                # in the community's time zone
items_per_topic = 12    # a letter holds no more of one topic; the rest is a link to the archive
automatic = ["as-it-happens", "daily"]  # planned and sent without anybody; the others by `coalition digest`
approval = false        # whether a second person has to approve every issue before it goes

[archive]
public = true           # whether everybody may read what was sent; what a letter could not hold stays readable anyway

[limits]                # sign-ups from one network, by one form, in the whole world
network_10_minutes = 5
network_day = 20
neighbourhood_hour = 60
form_hour = 200
world_hour = 300
form_seconds = 2        # a form sent back faster than this was not filled in by a person
"""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CADENCES = ("as-it-happens", "daily", "weekly", "monthly")


@dataclass(frozen=True)
class Limits:
    """Sign-ups allowed in a window, whatever the address; `form_seconds` is the least time to fill a form in."""

    network_10_minutes: int = 5
    network_day: int = 20
    neighbourhood_hour: int = 60
    form_hour: int = 200
    world_hour: int = 300
    form_seconds: int = 2


@dataclass(frozen=True)
class Community:
    """Who writes to whom. Every field is shown to subscribers somewhere."""

    name: str
    tagline: str
    sender: Address = field(repr=False)
    reply_to: Address = field(repr=False)
    controller: str
    postal_address: str
    list_id: str
    bounce_domain: str
    locale: str
    timezone: ZoneInfo
    cadence: str
    weekday: int
    hour: int
    items_per_topic: int
    automatic: tuple[str, ...]
    approval: bool
    public_archive: bool
    limits: Limits

    @property
    def is_sample(self) -> bool:
        """Whether the identity is still that of the sample file."""
        return self.sender.compared.endswith("@coalition.example") or "Exampleton" in self.postal_address

    @property
    def mail_domain(self) -> str:
        """The domain of the sender, on the right side of every Message-ID."""
        return self.sender.compared.rpartition("@")[2]


def read_community(path: Path, sender: str = "") -> tuple[Community, list[str]]:
    """Read the file (the sample where it is missing) and list what is wrong with it. `sender` stands above `from`."""
    try:
        text = path.read_text("utf-8") if path.exists() else SAMPLE
        found = tomllib.loads(text)
    except (OSError, UnicodeDecodeError):
        return read_community(Path("/nonexistent"))[0], [f"{path.name} can't be read."]
    except tomllib.TOMLDecodeError as error:
        return read_community(Path("/nonexistent"))[0], [f"{path.name}: {error}."]
    reader = _Table(path.name, found, tomllib.loads(SAMPLE))
    limits = Limits(**{each.name: reader.number("limits", each.name, 0, 10**9) for each in fields(Limits)})
    community = Community(
        name=reader.line("community", "name"),
        tagline=reader.line("community", "tagline"),
        sender=reader.address("from", sender),
        reply_to=reader.address("reply_to"),
        controller=reader.line("community", "controller"),
        postal_address=reader.line("community", "postal_address"),
        list_id=reader.matching("list_id", r"[a-z0-9-]+(\.[a-z0-9-]+)+", "a name like news.example.org"),
        bounce_domain=reader.matching("bounce_domain", r"|[a-z0-9-]+(\.[a-z0-9-]+)+", "a domain or empty"),
        locale=reader.matching("locale", r"[a-z]{2,3}(-[A-Za-z0-9]+)*", "a language tag like en or de"),
        timezone=reader.timezone("timezone"),
        cadence=reader.one_of("digest", "cadence", _CADENCES),
        weekday=WEEKDAYS.index(reader.one_of("digest", "weekday", WEEKDAYS)),
        hour=reader.number("digest", "hour", 0, 23),
        items_per_topic=reader.number("digest", "items_per_topic", 1, 1000),
        automatic=reader.some_of("digest", "automatic", _CADENCES),
        approval=reader.yes_or_no("digest", "approval"),
        public_archive=reader.yes_or_no("archive", "public"),
        limits=limits,
    )
    return community, reader.faults


class _Table:
    """Reads values of the wanted kind and collects what is wrong; a wrong value becomes the sample's."""

    def __init__(self, file: str, found: dict[str, object], sample: dict[str, dict[str, object]]) -> None:
        self._file, self._found, self._sample = file, found, sample
        self.faults: list[str] = []
        for table, values in found.items():
            known = sample.get(table)
            if known is None or not isinstance(values, dict):
                self.faults.append(f"{file}: [{table}] is not a table of Coalition.")
                continue
            self.faults += [f"{file}: {table}.{key} is not a setting." for key in values if key not in known]

    def _value(self, table: str, key: str) -> object:
        values = self._found.get(table, {})
        return values.get(key, self._sample[table][key]) if isinstance(values, dict) else self._sample[table][key]

    def _wrong(self, table: str, key: str, wanted: str) -> object:
        self.faults.append(f"{self._file}: {table}.{key} is not {wanted}.")
        return self._sample[table][key]

    def line(self, table: str, key: str) -> str:
        value = self._value(table, key)
        may_be_empty = self._sample[table][key] == ""
        if not isinstance(value, str) or not (value.strip() or may_be_empty) or not _fits_a_header(value):
            value = self._wrong(table, key, "one line of text")
        return str(value).strip()

    def matching(self, key: str, pattern: str, wanted: str) -> str:
        value = self.line("community", key)
        return value if re.fullmatch(pattern, value) else str(self._wrong("community", key, wanted))

    def address(self, key: str, above: str = "") -> Address:
        try:
            return Address.parse(above or self.line("community", key))
        except BadAddress:
            return Address.parse(str(self._wrong("community", key, "an e-mail address")))

    def timezone(self, key: str) -> ZoneInfo:
        try:
            return ZoneInfo(self.line("community", key))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(str(self._wrong("community", key, "a time zone like Europe/London")))

    def number(self, table: str, key: str, lowest: int, highest: int) -> int:
        value = self._value(table, key)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            value = self._wrong(table, key, f"a whole number from {lowest} to {highest}")
        return int(str(value))

    def some_of(self, table: str, key: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        value = self._value(table, key)
        if not isinstance(value, list) or any(each not in choices for each in value):
            value = self._wrong(table, key, f"a list of some of: {', '.join(choices)}")
        return tuple(value) if isinstance(value, list) else ()

    def yes_or_no(self, table: str, key: str) -> bool:
        value = self._value(table, key)
        return bool(value if isinstance(value, bool) else self._wrong(table, key, "true or false"))

    def one_of(self, table: str, key: str, choices: tuple[str, ...]) -> str:
        value = self._value(table, key)
        return str(value if value in choices else self._wrong(table, key, f"one of: {', '.join(choices)}"))


def _fits_a_header(text: str) -> bool:
    # Mail programs would decode what follows "=?" into whatever a stranger hid in it.
    return text.isprintable() and "=?" not in text and len(text) <= 500
