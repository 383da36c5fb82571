"""The lint of a digest before it leaves: what staff wrote, line by line, and the finished letter. Pure functions.

Its rules for trackers hold for pages, style sheets and templates too.
"""

from coalition.mail.lint.findings import Finding
from coalition.mail.lint.letter import RULES as LETTER_RULES
from coalition.mail.lint.letter import lint_letter
from coalition.mail.lint.reading import ItemSource
from coalition.mail.lint.source import RULES as SOURCE_RULES
from coalition.mail.lint.source import lint_source, shown_urls, written_urls
from coalition.mail.lint.templates import lint_template
from coalition.mail.lint.trackers import lint_page, lint_sheet
from coalition.mail.lint.wire import RULES as WIRE_RULES
from coalition.mail.lint.wire import lint_message

# Every name a finding can have: what staff may allow.
NAMES = frozenset(SOURCE_RULES) | frozenset(LETTER_RULES) | frozenset(WIRE_RULES)

__all__ = [
    "NAMES",
    "Finding",
    "ItemSource",
    "lint_letter",
    "lint_message",
    "lint_page",
    "lint_sheet",
    "lint_source",
    "lint_template",
    "shown_urls",
    "written_urls",
]
