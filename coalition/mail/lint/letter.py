"""The lint of a finished digest: what its reader, and the mail programs on the way, would find in it."""

from collections.abc import Callable

from coalition.mail.lint import promises, structure
from coalition.mail.lint.findings import Faults, Finding
from coalition.mail.lint.finished import Finished
from coalition.mail.message import Letter

RULES: dict[str, Callable[[Finished], Faults]] = {**promises.RULES, **structure.RULES}


def lint_letter(
    letter: Letter, community_postal_address: str, own_base_url: str, allowed_urls: frozenset[str]
) -> list[Finding]:
    """What must not leave as it is in one copy of a digest, with or without an HTML part.

    `own_base_url` has no slash at its end; `allowed_urls` are the links that staff wrote, as `written_urls` gives them.
    """
    finished = Finished(letter, community_postal_address, own_base_url, allowed_urls)
    return [Finding(name, where, text) for name, rule in RULES.items() for where, text in rule(finished)]
