"""What a check-up says of the sender's domain, asked of a name server on this machine."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from coalition.address import Address
from coalition.community import Community, read_community
from coalition.mail.signing_key import record_strings
from coalition.services.checkup import domain
from coalition.services.checkup.findings import Finding, Level
from coalition.services.checkup.names import CannotAsk, Names
from tests.mail.signatures import a_key
from tests.nameserver import NameServer, Zone

RECORD = " ".join(f'"{each}"' for each in record_strings(a_key().record))
GOOD: dict[str, dict[str, list[str]]] = {
    "list.example.org": {
        "TXT": ['"v=spf1 mx include:mail.example.net -all"', '"another=text"'],
        "MX": ["10 mail.example.net."],
        "A": ["192.0.2.7"],
    },
    "mail.example.net": {"TXT": ['"v=spf1 ip4:192.0.2.0/24 -all"']},
    "s1._domainkey.list.example.org": {"TXT": [RECORD]},
    "_dmarc.example.org": {"TXT": ['"v=DMARC1; p=reject; rua=mailto:reports@example.org"']},
    "example.org": {},
    "7.2.0.192.in-addr.arpa": {"PTR": ["LIST.example.org."]},
}


def a_community(bounce_domain: str = "", reply_to: str = "hello@list.example.org") -> Community:
    community, _ = read_community(Path("/nowhere/community.toml"), "hello@list.example.org")
    return replace(community, bounce_domain=bounce_domain, reply_to=Address.parse(reply_to))


def findings(zone: Zone, community: Community | None = None, *, signs: bool = True) -> list[Finding]:
    """Everything that is found in a zone."""
    with NameServer(zone) as server:
        key = a_key() if signs else None
        return list(domain.check(Names(server.address), community or a_community(), key, "list.example.org"))


def about(word: str, name: str = "", records: Mapping[str, list[str]] | None = None) -> Finding:
    """The finding of this name in a good zone, with one name's records changed."""
    zone = GOOD if records is None else GOOD | {name: {**GOOD.get(name, {}), **records}}
    (found,) = [each for each in findings(zone) if each.about == word]
    return found


def test_a_domain_that_is_set_up_well_has_no_faults() -> None:
    found = findings(GOOD)

    assert {each.about for each in found} == {"SPF", "DKIM", "DMARC", "replies", "greeting"}
    assert {each.level for each in found} == {Level.OK}
    assert "(2 of at most 10 questions)" in found[0].says


def test_a_domain_of_which_the_dns_knows_nothing_has_every_fault() -> None:
    found = {each.about: each.level for each in findings({})}

    assert found == {
        "SPF": Level.FAULT,
        "DKIM": Level.FAULT,
        "DMARC": Level.FAULT,
        "replies": Level.FAULT,
        "greeting": Level.ADVICE,
    }


@pytest.mark.parametrize(
    ("record", "level", "says"),
    [
        ("v=spf1 -all", Level.OK, "0 of at most 10"),
        ("v=spf1 a mx ~all", Level.OK, "2 of at most 10"),
        ("v=spf1 redirect=mail.example.net", Level.OK, "1 of at most 10"),
        ("V=SPF1 MX -ALL", Level.OK, "1 of at most 10"),
        ("v=spf1 include:list.example.org -all", Level.OK, "1 of at most 10"),
        ("v=spf1 mx +all", Level.FAULT, "lets everybody"),
        ("v=spf1 mx all", Level.FAULT, "lets everybody"),
        ("v=spf1 mx ?all", Level.ADVICE, "leaves open"),
        ("v=spf1 mx", Level.ADVICE, "leaves open"),
        ("v=spf1 " + "a:a.example.org " * 11 + "-all", Level.FAULT, "11 questions"),
        ("v=spf10 mx -all", Level.FAULT, "has no record"),
    ],
)
def test_an_spf_record(record: str, level: Level, says: str) -> None:
    found = about("SPF", "list.example.org", {"TXT": [f'"{record}"']})

    assert found.level is level
    assert says in found.says


def test_questions_of_records_that_spf_leads_to_count_too() -> None:
    deep = {f"s{n}.example.org": {"TXT": [f'"v=spf1 a mx include:s{n + 1}.example.org -all"']} for n in range(9)}
    start = {"list.example.org": {"TXT": ['"v=spf1 include:s0.example.org -all"']}}
    (found,) = [each for each in findings(GOOD | deep | start) if each.about == "SPF"]

    assert found.level is Level.FAULT
    assert "receivers stop after ten" in found.says


def test_two_spf_records_are_none() -> None:
    found = about("SPF", "list.example.org", {"TXT": ['"v=spf1 mx -all"', '"v=spf1 a -all"']})

    assert found.level is Level.FAULT
    assert "2 records" in found.says


@pytest.mark.parametrize(
    ("records", "level", "says"),
    [
        (['"v=DKIM1; k=rsa; p=AAAA"'], Level.FAULT, "another key"),
        (['"v=DKIM1; k=rsa; p="'], Level.FAULT, "another key"),
        (['"v=DKIM1; k=rsa; p=not base64!"'], Level.FAULT, "another key"),
        (['"something else"'], Level.FAULT, "is not published"),
        ([RECORD, '"v=DKIM1; p=AAAA"'], Level.FAULT, "2 records"),
        ([RECORD.replace("k=rsa;", "t=y;")], Level.ADVICE, "tried out"),
    ],
)
def test_a_dkim_record(records: list[str], level: Level, says: str) -> None:
    found = about("DKIM", "s1._domainkey.list.example.org", {"TXT": records})

    assert found.level is level
    assert says in found.says


def test_a_mail_server_that_has_to_sign_can_only_be_tried() -> None:
    (found,) = [each for each in findings(GOOD, signs=False) if each.about == "DKIM"]

    assert found.level is Level.ADVICE
    assert "List-Unsubscribe-Post" in found.says


@pytest.mark.parametrize(
    ("record", "level", "says"),
    [
        ("v=DMARC1; p=none; rua=mailto:a@example.org", Level.ADVICE, "only watches"),
        ("v=DMARC1; p=quarantine", Level.ADVICE, "no reports"),
        ("v=DMARC1;p=reject;pct=50;rua=mailto:a@example.org", Level.ADVICE, "mean nothing any more: pct"),
        ("v=DMARC1; rua=mailto:a@example.org", Level.FAULT, "no policy"),
        ("v=DMARC1; p=maybe", Level.FAULT, "no policy"),
        ("v=DMARC10; p=none", Level.OK, "_dmarc.example.org"),
    ],
)
def test_a_dmarc_record(record: str, level: Level, says: str) -> None:
    found = about("DMARC", "_dmarc.list.example.org", {"TXT": [f'"{record}"']})

    assert found.level is level
    assert says in found.says


def test_two_dmarc_records_are_none() -> None:
    found = about("DMARC", "_dmarc.list.example.org", {"TXT": ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"']})

    assert found.level is Level.FAULT


def test_bounces_belong_to_the_same_organisation() -> None:
    zone = GOOD | {
        "bounce.example.org": {"TXT": ['"v=spf1 mx -all"'], "MX": ["10 mail.example.net."]},
        "bounce.example.com": {"TXT": ['"v=spf1 mx -all"'], "MX": ["10 mail.example.net."]},
    }
    near = [each for each in findings(zone, a_community("bounce.example.org")) if each.about == "alignment"]
    far = [each for each in findings(zone, a_community("bounce.example.com")) if each.about == "alignment"]

    assert [each.level for each in near] == [Level.OK]
    assert [each.level for each in far] == [Level.FAULT]


def test_a_domain_that_takes_no_mail_is_a_fault() -> None:
    refused = about("replies", "list.example.org", {"MX": ["0 ."]})
    zone = GOOD | {"list.example.org": {"TXT": ['"v=spf1 -all"']}}
    missing = [each for each in findings(zone) if each.about == "replies"]

    assert refused.level is Level.FAULT
    assert [each.level for each in missing] == [Level.FAULT]


def test_replies_to_another_domain_are_looked_at_too() -> None:
    found = [each for each in findings(GOOD, a_community(reply_to="us@example.net")) if each.about == "replies"]

    assert [(each.level, each.says.split()[0]) for each in found] == [
        (Level.OK, "list.example.org"),
        (Level.FAULT, "example.net"),
    ]


def test_an_address_that_leads_elsewhere_is_told() -> None:
    found = about("greeting", "7.2.0.192.in-addr.arpa", {"PTR": ["host7.example.net."]})

    assert found.level is Level.ADVICE
    assert "192.0.2.7 does not lead back" in found.says


@pytest.mark.parametrize("address", ["noreply@example.org", "No-Reply+1@example.org", "donotreply@example.org"])
def test_an_address_that_nobody_reads_is_told(address: str) -> None:
    (found,) = domain.check_addresses(a_community(reply_to=address))

    assert found.level is Level.ADVICE
    assert address not in found.says


def test_what_could_not_be_asked_is_not_called_missing() -> None:
    with NameServer(GOOD, sick=["list.example.org"]) as server:
        found = list(domain.check(Names(server.address), a_community(), a_key(), "list.example.org"))

    levels = {each.about: each.level for each in found}
    assert (levels["SPF"], levels["replies"], levels["greeting"]) == (Level.UNKNOWN,) * 3
    assert (levels["DKIM"], levels["DMARC"]) == (Level.OK, Level.OK)
    assert "Could not ask the DNS" in found[0].says


def test_a_name_server_that_is_not_there_is_no_answer() -> None:
    with NameServer({}) as server:
        gone = server.address

    with pytest.raises(CannotAsk):
        Names(gone).texts("example.org")
