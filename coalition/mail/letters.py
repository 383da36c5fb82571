"""Letters from templates: one folder each, with subject.txt, body.txt and body.html. Python passes facts, no prose."""

from datetime import datetime
from typing import Any

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from coalition.community import Community
from coalition.links import Links
from coalition.mail.markdown import wrap
from coalition.mail.message import Letter
from coalition.paths import TEMPLATES

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


class Letters:
    """Renders letters for one community."""

    def __init__(self, community: Community, links: Links) -> None:
        self.community, self.links = community, links
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES / "mail"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["day"] = self.day
        self._environment.filters["minute"] = self.minute
        self._environment.filters["wrap"] = wrap
        self._environment.globals.update(community=community, links=links)
        css = (TEMPLATES / "mail" / "parts" / "letter.css").read_text("utf-8")
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, extra_css=css)

    def render(self, name: str, locale: str, *, html: bool = True, **facts: Any) -> Letter:
        """One letter, its HTML inlined. A fact that a template wants and nobody passed is an error, never a gap."""
        facts = {"locale": locale, **facts}
        return Letter(
            subject=self.template(f"{name}/subject.txt", **facts).strip(),
            text=wrap(self.template(f"{name}/body.txt", **facts)).strip() + "\n",
            html=self.inline(self.template(f"{name}/body.html", **facts)) if html else None,
        )

    def template(self, path: str, **facts: Any) -> str:
        """One rendered file of the mail templates."""
        return self._environment.get_template(path).render(**facts)

    def inline(self, html: str) -> str:
        """Put the style sheet of letters into the elements; rules for dark screens stay in the head."""
        return str(self._inliner.inline(html))

    def inline_fragment(self, html: str) -> str:
        """The same for a piece of a letter."""
        return str(self._inliner.inline_fragment(html, ""))

    def day(self, moment: datetime) -> str:
        """A date as people write it, in the community's zone: 12 March 2026."""
        local = moment.astimezone(self.community.timezone)
        return f"{local.day} {MONTHS[local.month - 1]} {local.year}"

    def minute(self, moment: datetime) -> str:
        """A date and time with its zone: 12 March 2026 at 08:05 (GMT)."""
        local = moment.astimezone(self.community.timezone)
        return f"{self.day(local)} at {local:%H:%M} ({local:%Z})"
