"""Which domains answer for a message, as our own mail server found and wrote down (RFC 8601).

A signature would have to be checked against keys in the DNS at the moment the message came; the mail server has done
that. Only the topmost Authentication-Results with the name of our server counts: what is below it may be a stranger's.
"""

import re

from coalition.mail.reports.parts import Part

_DKIM = re.compile(r"\bheader\.(?:d=|i=[^\s;@]*@)([a-z0-9.-]+)(?=[\s;]|$)", re.ASCII)
_DMARC = re.compile(r"\bheader\.from=([a-z0-9.-]+)(?=[\s;]|$)", re.ASCII)


def vouched_domains(message: Part, authserv_id: str) -> frozenset[str]:
    """The domains whose DKIM signature or DMARC policy passed, by the word of the server with this name."""
    if not authserv_id:
        return frozenset()
    for value in message.fields.get("authentication-results", []):
        name, *results = _plain(value).split(";")
        if name.split()[:1] == [authserv_id.lower()]:
            return frozenset(domain for result in results for domain in _passed(result.strip()))
    return frozenset()


def _passed(result: str) -> list[str]:
    if re.match(r"dkim\s*=\s*pass\b", result):
        return _DKIM.findall(result)
    if re.match(r"dmarc\s*=\s*pass\b", result):
        return _DMARC.findall(result)
    return []


def _plain(value: str) -> str:
    """Without comments and quoted strings, in which a stranger's words may stand. Nothing, where one is left open."""
    plain, depth, quoted, escaped = [], 0, False, False
    for letter in value.lower():
        if escaped:
            escaped = False
        elif letter == "\\" and (quoted or depth):
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter in "()" and not quoted:
            depth += 1 if letter == "(" else -1
        elif not quoted and not depth:
            plain.append(letter)
    return "" if quoted or depth else "".join(plain)
