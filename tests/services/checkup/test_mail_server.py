"""What a check-up says of the mail server: safe or not, and what it offers."""

from dataclasses import replace
from pathlib import Path

from coalition.config import Security
from coalition.services.checkup import mail_server
from coalition.services.checkup.findings import Level
from tests.relay import CatchAll, Scripted, make_ca


def test_a_safe_way_is_told_with_its_version(tmp_path: Path) -> None:
    with CatchAll(Security.STARTTLS, certificates=make_ca(tmp_path), login=("ada", "secret")) as server:
        found = list(mail_server.check(server.relay))

    assert found[0].says.endswith("answers and takes our password.")
    assert "TLSv1." in found[1].says
    assert {each.level for each in found[:2]} == {Level.OK}
    assert server.received == []


def test_a_certificate_that_nobody_vouches_for_is_a_fault(tmp_path: Path) -> None:
    with CatchAll(Security.TLS, certificates=make_ca(tmp_path)) as server:
        (found,) = mail_server.check(replace(server.relay, ca_file=None))

    assert found.level is Level.FAULT
    assert "certificate can't be trusted" in found.says


def test_a_password_that_is_not_taken_is_a_fault_and_is_not_shown(tmp_path: Path) -> None:
    with CatchAll(Security.TLS, certificates=make_ca(tmp_path), login=("ada", "secret")) as server:
        (found,) = mail_server.check(replace(server.relay, password="another"))

    assert found.level is Level.FAULT
    assert "another" not in found.says


def test_a_file_of_certificates_that_is_none_is_a_fault(tmp_path: Path) -> None:
    with Scripted() as server:
        (found,) = mail_server.check(replace(server.relay, ca_file=tmp_path / "none.pem"))

    assert found.level is Level.FAULT


def test_what_is_offered_in_full_needs_no_advice() -> None:
    with Scripted(offers=["PIPELINING", "SIZE 50000000"]) as server:
        found = list(mail_server.check(server.relay))

    assert [each.level for each in found] == [Level.OK, Level.OK]
