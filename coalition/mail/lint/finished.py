"""A finished letter, read once for all rules."""

import re
from dataclasses import dataclass
from functools import cached_property

from coalition.mail.lint import page
from coalition.mail.lint.page import Page
from coalition.mail.message import Letter

HTML, TEXT = "HTML part", "text part"

# Where a line of the text part is nothing but an address: after quotation marks, points of a list or an indent.
_ALONE = re.compile(r"^(?:[> ]|[-*] |\d+\. )*((?:https?://|mailto:)\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Finished:
    """A letter with what the lint has to know about it."""

    letter: Letter
    postal_address: str
    base_url: str
    allowed: frozenset[str]

    @cached_property
    def page(self) -> Page | None:
        """The HTML part; a reader of plain text has none."""
        return None if self.letter.html is None else page.read(self.letter.html)

    @cached_property
    def text_urls(self) -> list[str]:
        """Each address that has a line of the text part to itself."""
        return _ALONE.findall(self.letter.text)

    @cached_property
    def forms(self) -> dict[str, tuple[str, list[str]]]:
        """The words and links of each form of the letter, by the name of its part."""
        forms = {TEXT: (self.letter.text, self.text_urls)}
        if self.page is not None:
            forms[HTML] = (self.page.words, self.page.hrefs)
        return forms

    def is_ours(self, url: str) -> bool:
        """Whether an address is one of our own pages."""
        return url == self.base_url or url.startswith(f"{self.base_url}/")
