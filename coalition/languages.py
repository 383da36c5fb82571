"""Languages that pages and letters speak: gettext catalogues, dates and directions. Staff's commands speak English.

English is the text in the code itself. The catalogues of the others lie in `translations/`; `make translations`
writes them anew from the code, and the tests fail where a sentence lacks its translation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property
from gettext import GNUTranslations, NullTranslations

from coalition.paths import TRANSLATIONS

OWN_NAMES = {
    "en": "English",
    "cy": "Cymraeg",
    "fr": "Français",
    "de": "Deutsch",
    "es": "Español",
    "ar": "العربية",
}
_RIGHT_TO_LEFT = {"ar"}


def N_(text: str) -> str:  # noqa: N802  # gettext's name for it
    """Mark a text that is translated later, where somebody's language is known."""
    return text


# Two things that pages, letters and feeds all name. The keys are cadences and days of `datetime.weekday`.
_RHYTHMS = {
    "as-it-happens": N_("as it happens"),
    "daily": N_("daily"),
    "weekly": N_("weekly"),
    "monthly": N_("monthly"),
}
_WEEKDAYS = [N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday")]


@dataclass(frozen=True)
class Language:
    """One language, by its tag of BCP 47, with the methods that Jinja's translation extension asks for."""

    code: str

    @property
    def name(self) -> str:
        """Its name in itself, as people look for it in a list."""
        return OWN_NAMES[self.code]

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, for the attribute `dir`."""
        return "rtl" if self.code in _RIGHT_TO_LEFT else "ltr"

    @cached_property
    def _catalogue(self) -> NullTranslations:
        if self.code == "en":
            return NullTranslations()
        with (TRANSLATIONS / self.code / "LC_MESSAGES" / "coalition.mo").open("rb") as compiled:
            return GNUTranslations(compiled)

    def gettext(self, text: str) -> str:
        """The text in this language."""
        return self._catalogue.gettext(text)

    def sentences(self) -> list[str]:
        """Every text of its catalogue; English has none, its texts stand in the code and the templates."""
        return list(vars(self._catalogue).get("_catalog", {}).values())

    def ngettext(self, one: str, many: str, n: int) -> str:
        """The form of a text that goes with a number; Arabic and Welsh have six."""
        return self._catalogue.ngettext(one, many, n)

    def pgettext(self, context: str, text: str) -> str:
        """The text as it is meant in one context."""
        return self._catalogue.pgettext(context, text)

    def npgettext(self, context: str, one: str, many: str, n: int) -> str:
        """Both of it."""
        return self._catalogue.npgettext(context, one, many, n)

    def rhythm(self, cadence: str) -> str:
        """How often, as it stands in a sentence: `weekly`."""
        return self.gettext(_RHYTHMS[cadence])

    @property
    def weekdays(self) -> list[str]:
        """The days of a week that begins on Monday."""
        return [self.gettext(day) for day in _WEEKDAYS]

    @cached_property
    def months(self) -> list[str]:
        """The months as they stand in a date; some languages have another form for them there."""
        return [
            self.pgettext("in a date", "January"),
            self.pgettext("in a date", "February"),
            self.pgettext("in a date", "March"),
            self.pgettext("in a date", "April"),
            self.pgettext("in a date", "May"),
            self.pgettext("in a date", "June"),
            self.pgettext("in a date", "July"),
            self.pgettext("in a date", "August"),
            self.pgettext("in a date", "September"),
            self.pgettext("in a date", "October"),
            self.pgettext("in a date", "November"),
            self.pgettext("in a date", "December"),
        ]

    def day(self, local: datetime) -> str:
        """The date of a moment in the zone that it is in, as people write it: 12 March 2026."""
        written = self._days.get(local.date())
        if written is None:
            written = self._days[local.date()] = self._write(local)
        return written

    @cached_property
    def _days(self) -> dict[date, str]:
        """Those that were written before: thousands of letters name the same few hundred."""
        return {}

    def _write(self, local: datetime) -> str:
        pattern = self.pgettext("date", "%(day)d %(month)s %(year)d")
        if local.day == 1:
            pattern = self.pgettext("date on the first of a month", "%(day)d %(month)s %(year)d")
        return pattern % {"day": local.day, "month": self.months[local.month - 1], "year": local.year}

    def minute(self, local: datetime) -> str:
        """Date and time with their zone: 12 March 2026 at 08:05 (GMT)."""
        pattern = self.pgettext("date", "%(day)s at %(time)s (%(zone)s)")
        return pattern % {"day": self.day(local), "time": f"{local:%H:%M}", "zone": f"{local:%Z}"}


@cache
def language(tag: str) -> Language:
    """The language of a tag, or of its first part (de-AT is German); English for one that we don't speak."""
    primary = tag.partition("-")[0].lower()
    return Language(primary if primary in OWN_NAMES else "en")


def is_spoken(tag: str) -> bool:
    """Whether there is a catalogue for a tag."""
    return tag.partition("-")[0].lower() in OWN_NAMES


def languages(codes: Iterable[str] = OWN_NAMES) -> list[Language]:
    """Those with these codes; all of them by default."""
    return [language(code) for code in codes]
