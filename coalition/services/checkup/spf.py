"""SPF (RFC 7208): whether the domain of the return path says who may send for it."""

import re

from coalition.services.checkup.findings import Finding, advice, fault, ok
from coalition.services.checkup.names import Names

_MOST_QUESTIONS = 10  # section 4.6.4: receivers stop there, with an error
_ASKING = re.compile(r"[+?~-]?(include|a|mx|ptr|exists)([:/].*)?", re.IGNORECASE)
_ELSEWHERE = re.compile(r"(?:[+?~-]?include:|redirect=)([^%\s]+)", re.IGNORECASE)
_ALL = re.compile(r"([+?~-]?)all", re.IGNORECASE)


def look(names: Names, domain: str) -> Finding:
    """The record of a domain."""
    records = _records(names, domain)
    if not records:
        return fault("SPF", f"{domain} has no record: publish who may send for it, and end it with -all or ~all.")
    if len(records) > 1:
        return fault("SPF", f"{domain} has {len(records)} records; receivers take that for none. Join them into one.")
    questions = _questions(names, records[0], {domain})
    if questions > _MOST_QUESTIONS:
        return fault("SPF", f"The record of {domain} leads to {questions} questions; receivers stop after ten.")
    return _ending(domain, records[0], questions)


def _records(names: Names, domain: str) -> list[str]:
    return [text for text in names.texts(domain) if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]


def _questions(names: Names, record: str, seen: set[str]) -> int:
    """How many questions a receiver has to ask, in the records that this one leads to as well."""
    asked = 0
    for term in record.split()[1:]:
        if _ASKING.fullmatch(term) or term.lower().startswith("redirect="):
            asked += 1
        further = _ELSEWHERE.fullmatch(term)
        if further and further[1].lower() not in seen and asked <= _MOST_QUESTIONS:
            seen.add(further[1].lower())
            asked += sum(_questions(names, each, seen) for each in _records(names, further[1])[:1])
    return asked


def _ending(domain: str, record: str, questions: int) -> Finding:
    ends = [found[1] for term in record.split() if (found := _ALL.fullmatch(term))]
    if ends and ends[0] in {"", "+"}:
        return fault("SPF", f"The record of {domain} lets everybody send for it: end it with -all or ~all.")
    if (ends and ends[0] == "?") or (not ends and "redirect=" not in record.lower()):
        return advice("SPF", f"The record of {domain} leaves open who may not send for it: end it with -all or ~all.")
    return ok("SPF", f"{domain} says who may send for it ({questions} of at most {_MOST_QUESTIONS} questions).")
