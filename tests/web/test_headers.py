"""W1 to W5, T11, Z8: strict headers on every answer, errors included; no cookie anywhere; the map of addresses."""

import os
import re
from pathlib import Path

from coalition.config import read_config
from tests.house import House
from tests.web.doors import at_base_url, without_database
from tests.web.gallery import every_page

_MAP = Path(__file__).with_name("url_map.txt")
_INDEXED = re.compile(r"/|/privacy|/privacy/proof|/archive|/archive/[^/]+")

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def test_every_answer_carries_the_headers_and_sets_no_cookie(house: House) -> None:
    for name, answer in every_page(house):
        headers = answer.headers
        assert {each: headers[each] for each in _EVERYWHERE} == _EVERYWHERE, name
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["object-src"] == "'none'", name
        assert policy["style-src"] == policy["img-src"] == "'self'", name
        assert policy["form-action"].startswith("'self'"), name
        assert not {"unsafe", "*", "data:", "http:"} & set(headers["Content-Security-Policy"].replace("-", " ").split())
        assert "=()" in headers["Permissions-Policy"], name
        assert headers["Cross-Origin-Resource-Policy"] in {"same-origin", "cross-origin"}, name
        is_public = "archive" not in answer.request.path or "not public" not in name
        is_indexed = is_public and _INDEXED.fullmatch(answer.request.path) is not None
        assert ("X-Robots-Tag" in headers) is not is_indexed, name
        assert headers["Cache-Control"] == ("no-store" if "static" not in name else "public, max-age=3600"), name
        for unwanted in (
            "Set-Cookie",
            "Server",
            "X-Powered-By",
            "Strict-Transport-Security",
            "Access-Control-Allow-Origin",
        ):
            assert unwanted not in headers, f"{name}: {unwanted}"


def test_only_with_https_a_browser_is_told_to_stay_with_it(house: House) -> None:
    public = at_base_url(house, "https://list.example.org")
    for path in ("/", "/nowhere", "/healthz"):
        answer = public.get(path, headers={"Host": "list.example.org"})
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert read_config({"COALITION_HOME": str(house.config.home)}).secure is False


def test_an_answer_without_database_has_the_headers_too(house: House) -> None:
    with without_database(house) as lost:
        for path in ("/", "/join/main", "/preferences/x", "/unsubscribe/" + "a" * 26, "/readyz", "/privacy"):
            answer = lost.get(path)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "Set-Cookie" not in answer.headers


_OTHERS = ["TRACE", "DELETE", "PUT", "PATCH", "CONNECT", "PROPFIND", "FOO"]


def test_other_methods_are_told_which_ones_there_are(house: House) -> None:
    for method in _OTHERS:
        for rule in house.app.url_map.iter_rules():
            path = rule.rule.replace("<path:filename>", "mark.svg").replace("<slug>", "main")
            answer = house.browser.open(path.replace("<token>", "x").replace("<code>", "x"), method=method)
            assert answer.status_code == 405, path
            assert {"GET", "HEAD", "OPTIONS"} <= set(answer.headers["Allow"].split(", ")), path


def test_options_tells_the_methods_and_nothing_else(house: House) -> None:
    answer = house.browser.options("/join/main", headers={"Origin": "https://evil.example"})
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert not any(name.startswith("Access-Control") for name, _ in answer.headers)


def test_the_map_of_addresses_is_the_one_that_was_agreed(house: House) -> None:
    lines = sorted(
        f"{rule.rule}  {' '.join(sorted((rule.methods or set()) - {'HEAD', 'OPTIONS'}))}  {rule.endpoint}"
        for rule in house.app.url_map.iter_rules()
    )
    if os.environ.get("TEST_ACCEPT"):
        _MAP.write_text("\n".join(lines) + "\n", "utf-8")
    assert _MAP.read_text("utf-8").splitlines() == lines


def test_no_page_knows_a_session(house: House) -> None:
    """Cookies that a browser sends anyway change no answer."""
    for path in ("/privacy", "/join/main/sent", "/preferences"):
        bare, with_cookie = (
            house.browser.get(path),
            house.browser.get(path, headers={"Cookie": "session=eyJhIjoxfQ.x.y"}),
        )
        assert bare.get_data() == with_cookie.get_data()
        assert "Cookie" not in with_cookie.headers.get("Vary", "")
