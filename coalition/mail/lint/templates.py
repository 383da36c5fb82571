"""A template as the lint for trackers sees it: before it is filled, so that no page made from it is missed."""

import re

from coalition.mail.lint import trackers
from coalition.mail.lint.findings import Finding

_NOTES = re.compile(r"\{#.*?#\}|\{%.*?%\}", re.DOTALL)
_VALUE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OWN_PAGE = re.compile(r"\s*url_for\([^)]*\)\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')

# In place of what is filled in: a path of ours, or something that nothing may be fetched from.
_OUR_PATH, _ANYTHING = "/", "value"


def lint_template(source: str, where: str, *, of_letter: bool) -> list[Finding]:
    """What a template must not hold. Only `url_for` may say what a page fetches from us; a letter fetches nothing."""
    without_notes = _NOTES.sub("", source)
    filled = _VALUE.sub(lambda value: _OUR_PATH if _OWN_PAGE.fullmatch(value[1]) else _ANYTHING, without_notes)
    # Sentences within the marks may hold HTML of their own.
    sentences = [quoted[1].replace('\\"', '"') for mark in _marks(source) for quoted in _QUOTED.finditer(mark)]
    return trackers.lint_page("\n".join([filled, *sentences]), where, None if of_letter else "")


def _marks(source: str) -> list[str]:
    return [found[0] for pattern in (_VALUE, _NOTES) for found in pattern.finditer(source)]
