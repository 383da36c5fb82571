"""Staff write in one language, letters speak six: how staff's words stand in a letter of another language.

Nothing here translates them. It says to screen readers which language they are in (WCAG 3.1.2), and keeps words that
are read from the left and words that are read from the right from mixing up each other's order.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from coalition.languages import Language

# Where a line begins and ends. Mail programs know no logical sides, so templates and style sheet get the real ones.
SIDES = {"ltr": ("left", "right"), "rtl": ("right", "left")}

_BY_LETTER = {"L": "ltr", "R": "rtl", "AL": "rtl"}
_RIGHT_TO_LEFT_MARK = "\u200f"


def direction(text: str, otherwise: str) -> str:
    """`ltr` or `rtl`, by the first letter that has one (UAX #9, rules P2 and P3); `otherwise` where none has.

    This is what `dir="auto"` asks a program to find. Not every mail program can, so we do.
    """
    return next(_directions(text), otherwise)


def begin_at_the_right(text: str) -> str:
    """Mark those lines of a right-to-left text that a wrapped sentence lets begin with a name from the other side.

    Programs that show plain text take the direction of each line from its first letter: the words of such a line
    would change places. Lines that hold only one direction, and those that begin well, need no mark and get none.
    """
    lines = text.split("\n")
    return "\n".join(
        _RIGHT_TO_LEFT_MARK + line if direction(line, "rtl") == "ltr" and "rtl" in _directions(line) else line
        for line in lines
    )


def _directions(text: str) -> Iterator[str]:
    found = (_BY_LETTER.get(unicodedata.bidirectional(character)) for character in text)
    return (each for each in found if each)


@dataclass(frozen=True)
class StaffsWords:
    """Staff's words in letters of one language, as filters of their templates."""

    locale: str  # what staff write in
    letter: Language

    @pass_eval_context
    def within(self, context: EvalContext, text: str) -> str:
        """Some words within a sentence. In HTML they are isolated; text has no way that all programs understand."""
        return Markup("<bdi{}>{}</bdi>").format(self._lang, text) if context.autoescape else text

    def apart(self, text: str) -> Markup:
        """The attributes of a block that holds nothing but staff's words: whatever differs from the letter around."""
        found = direction(text, self.letter.direction)
        if not self._lang and found == self.letter.direction:
            return Markup()
        return Markup('{} dir="{}" align="{}"').format(self._lang, found, SIDES[found][0])

    @property
    def _lang(self) -> Markup:
        if self.locale.partition("-")[0].lower() == self.letter.code:
            return Markup()
        return Markup(' lang="{}"').format(self.locale)
