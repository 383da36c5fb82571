"""DMARC (RFC 9989): what receivers are asked to do with mail that only pretends to be ours."""

import re

from coalition.services.checkup.findings import Finding, advice, fault, ok
from coalition.services.checkup.names import Names

_GONE = ("pct", "rf", "ri")  # were in RFC 7489


def look(names: Names, domain: str) -> Finding:
    """The record that counts for a domain: its own, or that of the nearest name above."""
    where, records = _nearest(names, domain)
    if not records:
        return fault("DMARC", f"There is no record for {domain}: publish one at _dmarc.{domain}, p=none to begin with.")
    if len(records) > 1:
        return fault("DMARC", f"_dmarc.{where} has {len(records)} records; receivers take that for none.")
    tags = dict(_tags(records[0]))
    policy = tags.get("p", "").lower()
    if policy not in {"none", "quarantine", "reject"}:
        return fault("DMARC", f"The record at _dmarc.{where} has no policy: p=none, p=quarantine or p=reject.")
    wishes = _wishes(tags, policy)
    if wishes:
        return advice("DMARC", f"The record at _dmarc.{where} " + "; it ".join(wishes) + ".")
    return ok("DMARC", f"The record at _dmarc.{where} asks for p={policy}, and for reports.")


def organisation(names: Names, domain: str) -> str:
    """The name whose record counts for a domain; the domain itself where there is none."""
    return _nearest(names, domain)[0]


def _nearest(names: Names, domain: str) -> tuple[str, list[str]]:
    labels = domain.split(".")
    for start in range(len(labels) - 1):  # never a top-level domain alone
        name = ".".join(labels[start:])
        records = [text for text in names.texts(f"_dmarc.{name}") if re.match(r"v=DMARC1\s*(;|$)", text)]
        if records:
            return name, records
    return domain, []


def _tags(record: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in record.split(";"))
    return [(name.strip().lower(), value.strip()) for name, _, value in parts if name.strip()]


def _wishes(tags: dict[str, str], policy: str) -> list[str]:
    wishes = []
    if policy == "none":
        wishes.append("only watches (p=none): once its reports are clean, go on to p=quarantine and p=reject")
    if not tags.get("rua"):
        wishes.append("asks for no reports (rua=mailto:...), so nobody would notice")
    if gone := [tag for tag in _GONE if tag in tags]:
        wishes.append(f"has tags that mean nothing any more: {', '.join(gone)}")
    return wishes
