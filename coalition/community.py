"""Facts of the community, from `community.toml`: who writes, to whom, when and under which limits."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from zoneinfo import ZoneInfo

from coalition.address import Address
from coalition.languages import OWN_NAMES
from coalition.tables import Tables
from coalition.theme import Theme, read_theme

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
dkim_selector = ""                           # names the key that signs letters; empty: your mail server signs them
locale = "en"
timezone = "Europe/London"

[digest]
cadence = "weekly"      # what a new subscription gets, unless its form says otherwise
weekday = "monday"      # when a week's issue is due
hour = 8                # in the community's time zone
items_per_topic = 12    # a letter holds no more of one topic; the rest is a link to the archive
automatic = ["as-it-happens", "daily"]  # planned and sent without anybody; the others by `coalition digest`
approval = false        # whether a second person has to approve every issue before it goes

[bounces]
authserv_id = ""        # your mail server's name in Authentication-Results; empty: no spam report counts
spam_reporters = ["arf.mail.yahoo.com"]  # who sends you spam reports: domains that sign them (DKIM)

[archive]
public = true           # whether everybody may read what was sent; what a letter could not hold stays readable anyway

[limits]                # sign-ups from one network, by one form, in the whole world
network_10_minutes = 5
network_day = 20
neighbourhood_hour = 60
form_hour = 200
world_hour = 300
form_seconds = 2        # a form sent back faster than this was not filled in by a person

[theme]
mark = ""               # an SVG file beside this one; what it paints in no colour or in currentColor gets the accent

[theme.light]           # a colour that you leave out stays as it is here
paper = "#f7f2e9"       # around the sheet
sheet = "#fffdf9"       # under the text
ink = "#24211d"         # text
muted = "#625b52"       # text that stands back
line = "#e0d8ca"        # hairlines
edge = "#857b6e"        # borders of fields and buttons
accent = "#1f5c4d"      # links, buttons, headings
on_accent = "#ffffff"   # the words on a button
signal = "#a4481f"      # errors, the ring around what has the focus, ornaments

[theme.dark]            # the same for readers whose screen is dark
paper = "#171512"
sheet = "#211e1a"
ink = "#ece6dc"
muted = "#b3aa9d"
line = "#3d3831"
edge = "#978d80"
accent = "#7fc7b1"
on_accent = "#12211c"
signal = "#e59a73"

# Words of your own, in one language each: en, cy, fr, de, es or ar. What you leave out stays as it is.
[wordings.en]
# join_heading = "Join us"                   # heading of the sign-up page
# join_lead = "News from your street."       # the sentence below it, in place of the tagline
# consent = "I would like to get your news." # what people agree to on forms without a wording of their own
# confirm = "We are glad that you found us." # one more sentence in the letter that asks to confirm
# welcome = "See you on Tuesday at seven!"   # ... in the letter of welcome, and on the page that confirms
# footer = "Charity no. 0000000"             # one more line at the foot of pages and letters
"""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SELECTOR = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # of a DKIM key, as a label of the DNS
_WHO = ("name", "controller", "postal_address")  # the law wants them in every letter
_CADENCES = ("as-it-happens", "daily", "weekly", "monthly")
_WORDINGS = ("join_heading", "join_lead", "consent", "confirm", "welcome", "footer")
_SPOKEN = rf"({'|'.join(OWN_NAMES)})(-[A-Za-z0-9]+)*"  # with a region, or without: de-AT
_DOMAIN = r"[a-z0-9-]+(\.[a-z0-9-]+)+"
_NO_WORDINGS = {code: dict.fromkeys(_WORDINGS, "") for code in OWN_NAMES}


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
    dkim_selector: str
    authserv_id: str
    spam_reporters: tuple[str, ...]
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
    theme: Theme
    wordings: Mapping[tuple[str, str], str] = field(hash=False)
    unsaid: tuple[str, ...] = field(compare=False)  # who answers for all this, where the file leaves it to the sample

    @property
    def is_sample(self) -> bool:
        """Whether the identity is still that of the sample file."""
        return self.sender.compared.endswith("@coalition.example") or "Exampleton" in self.postal_address

    @property
    def mail_domain(self) -> str:
        """The domain of the sender, on the right side of every Message-ID."""
        return self.sender.compared.rpartition("@")[2]

    def wording(self, key: str, language: str) -> str:
        """The community's own words for this place in a language; empty where it leaves ours."""
        if key not in _WORDINGS:
            raise KeyError(key)
        return self.wordings.get((language.partition("-")[0], key), "")


def read_community(path: Path, sender: str = "") -> tuple[Community, list[str]]:
    """Read the file (the sample where it is missing) and list what is wrong with it. `sender` stands above `from`."""
    sample = tomllib.loads(SAMPLE) | {"wordings": _NO_WORDINGS}
    try:
        found = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (OSError, UnicodeDecodeError):
        return _community(Tables(path, {}, sample)), [f"{path.name} can't be read."]
    except tomllib.TOMLDecodeError as error:
        return _community(Tables(path, {}, sample)), [f"{path.name}: {error}."]
    tables = Tables(path, found, sample)
    return _community(tables, sender), tables.faults


def _community(tables: Tables, sender: str = "") -> Community:
    return Community(
        name=tables.line("community", "name"),
        tagline=tables.line("community", "tagline"),
        sender=tables.address("community", "from", sender),
        reply_to=tables.address("community", "reply_to"),
        controller=tables.line("community", "controller"),
        postal_address=tables.line("community", "postal_address"),
        list_id=tables.matching("community", "list_id", _DOMAIN, "a name like news.example.org"),
        bounce_domain=tables.matching("community", "bounce_domain", rf"|{_DOMAIN}", "a domain or empty"),
        dkim_selector=tables.matching("community", "dkim_selector", f"|{SELECTOR}", "a name like s2026, or empty"),
        authserv_id=tables.matching(
            "bounces", "authserv_id", r"[a-z0-9.-]{0,255}", "the name of a mail server or empty"
        ),
        spam_reporters=tables.all_matching("bounces", "spam_reporters", _DOMAIN, "a list of domains"),
        locale=tables.matching("community", "locale", _SPOKEN, f"a language we speak: {', '.join(OWN_NAMES)}"),
        timezone=tables.timezone("community", "timezone"),
        cadence=tables.one_of("digest", "cadence", _CADENCES),
        weekday=WEEKDAYS.index(tables.one_of("digest", "weekday", WEEKDAYS)),
        hour=tables.number("digest", "hour", 0, 23),
        items_per_topic=tables.number("digest", "items_per_topic", 1, 1000),
        automatic=tables.some_of("digest", "automatic", _CADENCES),
        approval=tables.yes_or_no("digest", "approval"),
        public_archive=tables.yes_or_no("archive", "public"),
        limits=Limits(**{each.name: tables.number("limits", each.name, 0, 10**9) for each in fields(Limits)}),
        theme=read_theme(tables),
        wordings=_wordings(tables),
        unsaid=tuple(key for key in _WHO if not tables.says("community", key)),
    )


def _wordings(tables: Tables) -> dict[tuple[str, str], str]:
    found = {(code, key): tables.line(f"wordings.{code}", key) for code in OWN_NAMES for key in _WORDINGS}
    for (code, key), text in found.items():
        if key == "consent" and 0 < len(text) < 10:
            tables.fault(f"wordings.{code}.consent is too short to say what people agree to.")
    return {place: text for place, text in found.items() if text}
