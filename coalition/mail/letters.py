"""Letters from templates: one folder each, with subject.txt, body.txt and body.html. Python passes facts, no prose."""

from datetime import datetime
from functools import cache
from typing import Any

import css_inline
from jinja2 import Environment

from coalition.community import Community
from coalition.languages import Language, language, languages
from coalition.links import Links
from coalition.mail.markdown import wrap
from coalition.mail.message import Letter
from coalition.mail.staffs_words import SIDES, StaffsWords, begin_at_the_right
from coalition.templating import environment


class Letters:
    """Renders letters for one community."""

    def __init__(self, community: Community, links: Links) -> None:
        self.community, self.links = community, links
        self._environment = cache(self._make_environment)
        self._inliner = cache(self._make_inliner)

    def render(self, name: str, locale: str, *, html: bool = True, **facts: Any) -> Letter:
        """One letter, its HTML inlined. A fact that a template wants and nobody passed is an error, never a gap."""
        return Letter(
            subject=self.template(f"{name}/subject.txt", locale, **facts).strip(),
            text=self.wrapped(f"{name}/body.txt", locale, **facts).strip() + "\n",
            html=self.inline(self.template(f"{name}/body.html", locale, **facts), locale) if html else None,
        )

    def template(self, path: str, locale: str, **facts: Any) -> str:
        """One rendered file of the mail templates, in the language of a locale."""
        return self._environment(language(locale)).get_template(path).render(**facts)

    def wrapped(self, path: str, locale: str, **facts: Any) -> str:
        """The same for a text, wrapped at 72 columns and in an order that survives that."""
        text = wrap(self.template(path, locale, **facts))
        return begin_at_the_right(text) if language(locale).direction == "rtl" else text

    def inline(self, html: str, locale: str) -> str:
        """Put the style sheet of letters into the elements; rules for dark screens stay in the head."""
        return str(self._inliner(language(locale).direction).inline(html))

    def inline_fragment(self, html: str, direction: str) -> str:
        """The same for a piece of a letter that is read in a direction, `ltr` or `rtl`."""
        return str(self._inliner(direction).inline_fragment(html, ""))

    def day(self, moment: datetime, locale: str) -> str:
        """A date as people write it, in the community's zone: 12 March 2026."""
        return language(locale).day(moment.astimezone(self.community.timezone))

    def _make_inliner(self, direction: str) -> css_inline.CSSInliner:
        spoken = next(each for each in languages() if each.direction == direction)
        css = self.template("parts/letter.css", spoken.code)
        return css_inline.CSSInliner(load_remote_stylesheets=False, extra_css=css)

    def _make_environment(self, spoken: Language) -> Environment:
        """Templates for one language. Each has its own, because a template keeps what it was loaded with."""
        zone = self.community.timezone
        made = environment("mail", spoken=spoken)
        made.filters["day"] = lambda moment: spoken.day(moment.astimezone(zone))
        made.filters["minute"] = lambda moment: spoken.minute(moment.astimezone(zone))
        made.filters["rhythm"] = spoken.rhythm
        made.filters["wrap"] = wrap
        staffs = StaffsWords(self.community.locale, spoken)
        made.filters.update(theirs=staffs.within, apart=staffs.apart)
        start, end = SIDES[spoken.direction]
        made.globals.update(community=self.community, links=self.links, language=spoken, start=start, end=end)
        return made
