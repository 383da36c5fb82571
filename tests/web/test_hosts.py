"""Bad input I21: whatever a client calls us, we answer under our own name, and no letter holds another."""

import pytest

from tests.house import House, links_in, text_of
from tests.web.doors import at_base_url, speak, wire
from tests.web.reading import faults_of

_STRANGERS = (
    "evil.example", "localhost.evil.example", "evil.localhost.example", "localhost:99999", "localhost:x", "[", "[::1",
    "localhost, evil.example", "localhost evil.example", "evil.example@localhost", "localhost@evil.example",
    "localhost/../evil",
    "localhost/evil.example", "localhost?evil.example", "localhost#evil.example", "localhost\\evil",
    "", " ", "http://localhost", "localhost.", "169.254.169.254", "0", "*", "<script>", "l\u00f6calhost",
)  # fmt: skip
_LEADING_AWAY = (
    b"//evil.example", b"//evil.example/%2e%2e", b"/\\evil.example", b"/%5cevil.example", b"//join//main",
    b"/?next=//evil.example", b"/join/main/sent?next=https://evil.example", b"/%0d%0aLocation:x",
)  # fmt: skip


def test_i21_a_host_that_is_not_ours_is_refused(house: House) -> None:
    for host in _STRANGERS:
        answer = house.browser.get("/", headers={"Host": host})
        assert answer.status_code == 400, host
        assert "evil" not in answer.text + str(answer.headers), host
        assert faults_of(answer) == [], host


_OURS = ["localhost", "LOCALHOST", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"]


def test_every_name_of_this_machine_is_ours_while_trying_it_out(house: House) -> None:
    for host in _OURS:
        assert house.browser.get("/", headers={"Host": host}).status_code == 200, host


def test_in_public_only_the_public_name_is_ours(house: House) -> None:
    public = at_base_url(house, "https://list.example.org")
    for host in ("localhost", "127.0.0.1", "example.org", "list.example.org:8443", "list.example.org.evil.example"):
        assert public.get("/", headers={"Host": host}).status_code == 400, host
    for host in ("list.example.org", "List.Example.ORG"):
        assert public.get("/", headers={"Host": host}).status_code == 200, host
    assert public.get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "Forwarded", "X-Host", "X-Original-URL", "X-Forwarded-Server"])
def test_i21_what_a_proxy_header_claims_reaches_no_page_and_no_letter(house: House, header: str) -> None:
    claim = {header: "host=evil.example" if header == "Forwarded" else "evil.example"}
    answer = house.browser.post("/join/main", data={"email": "ada@example.org", "topics": "housing"}, headers=claim)
    assert "evil" not in answer.text + str(answer.headers)
    house.browser.post("/preferences", data={"email": "ada@example.org"}, headers=claim)
    house.sign_up("ada@example.org")
    house.drain()
    for letter in house.letters_to("ada@example.org"):
        assert "evil" not in letter.as_string() + text_of(letter)
        assert all(url.startswith("http://localhost/") for url in links_in(letter))


def test_i21_two_hosts_an_absolute_address_and_none_at_all_over_the_wire(house: House) -> None:
    with wire(house) as port:
        two = speak(port, b"GET / HTTP/1.0\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        absolute = speak(port, b"GET http://evil.example/nowhere HTTP/1.0\r\nHost: localhost\r\n\r\n")
        foreign = speak(port, b"GET http://evil.example/ HTTP/1.0\r\nHost: evil.example\r\n\r\n")
        none = speak(port, b"GET / HTTP/1.0\r\n\r\n")
    assert two.startswith(b"HTTP/1.0 400")
    assert absolute.startswith(b"HTTP/1.0 404")
    assert foreign.startswith(b"HTTP/1.0 400")
    assert none.startswith(b"HTTP/1.0 400")
    assert b"evil" not in two + absolute + foreign + none


def test_no_address_of_ours_leads_a_browser_elsewhere(house: House) -> None:
    with wire(house) as port:
        for path in _LEADING_AWAY:
            answer = speak(port, b"GET " + path + b" HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert answer[9:12] in {b"200", b"400", b"404"}, path
            assert b"evil" not in answer.partition(b"\r\n\r\n")[0].lower(), path


def test_i13_a_body_in_pieces_is_bounded_too(house: House) -> None:
    piece = b"400\r\n" + b"a" * 1024 + b"\r\n"
    head = b"POST /join/main HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with wire(house) as port:
        small = speak(port, head + kind + b"7\r\nemail=x\r\n0\r\n\r\n")
        large = speak(port, head + kind + piece * 30 + b"0\r\n\r\n")
    assert small.startswith(b"HTTP/1.1 422")
    assert large.startswith(b"HTTP/1.1 413")


def test_trace_and_unknown_methods_are_refused_over_the_wire(house: House) -> None:
    with wire(house) as port:
        for method in (b"TRACE", b"CONNECT", b"PROPFIND", b"DELETE"):
            answer = speak(port, method + b" / HTTP/1.0\r\nHost: localhost\r\nX-Secret: 12345\r\n\r\n")
            assert answer[9:12] in {b"405", b"501"}, method
            assert b"12345" not in answer
