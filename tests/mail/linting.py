"""How tests of the lint ask it: one subject, intro or item at a time, everything else being in order."""

from coalition.mail.lint import Finding, ItemSource, lint_source

HOST = "list.example.org"


def about(
    *,
    subject: str = "News of the week",
    intro: str = "",
    title: str = "Rents fall",
    text: str = "They do.",
    url: str = "",
) -> list[Finding]:
    """What the lint says about an issue of one item."""
    return lint_source(subject, intro, [ItemSource(7, title, text, url or None)], HOST, 2026)


def names(found: list[Finding]) -> list[str]:
    """The names alone, each once, in order."""
    return list(dict.fromkeys(finding.name for finding in found))
