"""What a server may answer, and how everything else ends: with a sentence, in time, and never in much memory."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from coalition.services.fetching import Fetched, FetchFailed
from tests.services.feed_server import Answer, FeedServer
from tests.services.fetching_policies import LOCAL, get, never


@pytest.fixture
def server() -> Iterator[FeedServer]:
    """A server on loopback."""
    with FeedServer() as made:
        yield made


def test_a_feed_is_asked_for_with_what_is_known_of_it_and_nothing_else(server: FeedServer) -> None:
    server.answers["/feed?a=%20b"] = Answer(b"news", headers={"ETag": 'W/"2"', "Set-Cookie": "who=you"})

    fetched = get(server.url("/feed?a= b#part"), etag='W/"1"', last_modified="Mon, 02 Nov 2026 10:00:00 GMT")

    assert fetched == Fetched(200, b"news", 'W/"2"', None, server.url("/feed?a=%20b"))
    assert dict(server.asked[0][1]) == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": "Coalition (+https://list.example.org)",
        "Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "If-None-Match": 'W/"1"',
        "If-Modified-Since": "Mon, 02 Nov 2026 10:00:00 GMT",
    }


@pytest.mark.parametrize("status", [304, 410])
def test_nothing_new_and_gone_for_good_are_answers(server: FeedServer, status: int) -> None:
    server.answers["/feed"] = Answer(status=status)

    assert get(server.url()) == Fetched(status, b"", None, None, server.url())


@pytest.mark.parametrize("status", [204, 206, 300, 401, 404, 429, 500, 503])
def test_any_other_answer_is_told_by_its_number(server: FeedServer, status: int) -> None:
    server.answers["/feed"] = Answer(status=status)

    with pytest.raises(FetchFailed, match=f"answered {status} "):
        get(server.url())


@pytest.mark.parametrize("mark", ["a" * 301, "caf\xe9"])
def test_a_mark_that_is_too_long_or_odd_is_not_kept(server: FeedServer, mark: str) -> None:
    server.answers["/feed"] = Answer(headers={"ETag": mark})

    assert get(server.url()).etag is None


def test_three_redirects_are_followed_and_a_fourth_is_not(server: FeedServer) -> None:
    for number in range(4):
        server.answers[f"/{number}"] = Answer(status=301, headers={"Location": f"{number + 1}"})
    server.answers["/4"] = Answer(b"news")

    assert get(server.url("/1")).url == server.url("/4")
    with pytest.raises(FetchFailed, match="too often"):
        get(server.url("/0"))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:25/x", "//a@b/"])
def test_a_redirect_to_anything_but_the_web_is_refused(server: FeedServer, location: str) -> None:
    server.answers["/feed"] = Answer(status=302, headers={"Location": location})

    with pytest.raises(FetchFailed, match=r"begins with|name or password"):
        get(server.url())


def test_a_redirect_without_a_place_ends(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(status=302)

    with pytest.raises(FetchFailed, match="too often"):
        get(server.url())


def test_a_body_without_end_is_cut(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(itertools.repeat(b"x" * 10_000))

    with pytest.raises(FetchFailed, match="larger than 1 MB"):
        get(server.url())


def test_a_body_of_the_greatest_size_is_taken_and_one_byte_more_is_not(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(b"x" * 1_000)
    server.answers["/more"] = Answer(b"x" * 1_001)
    policy = replace(LOCAL, most=1_000)

    assert len(get(server.url(), policy).body) == 1_000
    with pytest.raises(FetchFailed, match="larger than"):
        get(server.url("/more"), policy)


def test_a_compressed_body_is_not_unpacked(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    with pytest.raises(FetchFailed, match="compressed"):
        get(server.url())


def test_a_body_that_breaks_off_is_not_taken_for_the_whole(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(b"half", headers={"Content-Length": "8"})

    with pytest.raises(FetchFailed, match="broke off"):
        get(server.url())


def test_headers_without_end_are_cut(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(headers={f"X-{number}": "x" for number in range(200)})

    with pytest.raises(FetchFailed, match="broke off"):
        get(server.url())


def test_a_silent_server_is_left(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(silent=True)

    with pytest.raises(FetchFailed, match="takes too long"):
        get(server.url(), replace(LOCAL, patience=0.05))


def test_a_trickle_ends_with_the_time_for_the_whole_however_short_each_wait(server: FeedServer) -> None:
    server.answers["/feed"] = Answer(itertools.repeat(b"x"))
    looks = itertools.count()  # a clock on which every look at it takes a second

    with pytest.raises(FetchFailed, match="takes too long"):
        get(server.url(), replace(LOCAL, clock=lambda: next(looks), deadline=12, most=10**9))


def test_nothing_is_asked_when_the_time_is_over_already(server: FeedServer) -> None:
    with pytest.raises(FetchFailed, match="takes too long"):
        get(server.url(), replace(LOCAL, deadline=0, lookup=never))

    assert server.asked == []


def test_a_server_that_is_not_there_is_told_without_details() -> None:
    with FeedServer() as gone:
        url = gone.url()

    with pytest.raises(FetchFailed, match=r"^The server can't be reached, or broke off\.$"):
        get(url)
