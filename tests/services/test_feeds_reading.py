"""Reading a feed: what comes out is plain, short and harmless, whatever went in."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coalition.mail import markdown
from coalition.services import feed_entries
from coalition.services.feed_entries import BadFeed, Entry
from tests.services.feed_server import RSS, entry

ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{}</feed>'


def read(*entries: str, shell: str = RSS) -> list[Entry]:
    return feed_entries.read(shell.format("".join(entries)).encode())


def read_one(*entries: str, shell: str = RSS) -> Entry:
    (found,) = read(*entries, shell=shell)
    return found


def fault(body: bytes) -> str:
    with pytest.raises(BadFeed) as raised:
        feed_entries.read(body)
    return str(raised.value)


def shown(text_md: str) -> str:
    """What a reader of the text form sees, on one line."""
    return " ".join(markdown.to_text(text_md).split())


def test_an_rss_entry_becomes_one_with_identity_title_text_link_and_date() -> None:
    found = read_one(
        entry(
            "tag:1", "Rents", "Rents rise.", link="https://feeds.example.org/1", pubDate="Mon, 02 Nov 2026 10:00:00 GMT"
        )
    )

    assert found == Entry(
        "tag:1", "Rents", "Rents rise.", "https://feeds.example.org/1", datetime(2026, 11, 2, 10, tzinfo=UTC)
    )


def test_an_atom_entry_does_too() -> None:
    found = read_one(
        "<entry><id>tag:1</id><title>Rents &lt;5%</title><link href='https://feeds.example.org/1'/>"
        "<content type='html'>&lt;p>Rents rise.&lt;/p></content><updated>2026-11-02T11:00:00+01:00</updated></entry>",
        shell=ATOM,
    )

    assert found == Entry(
        "tag:1", "Rents <5%", "Rents rise.", "https://feeds.example.org/1", datetime(2026, 11, 2, 10, tzinfo=UTC)
    )


def test_html_loses_its_scripts_styles_and_tags_and_keeps_its_words_apart() -> None:
    text = """<![CDATA[<style>p{color:red}</style><p>One</p><p>two&nbsp;&amp; <b>th</b>ree<br>four</p>
      <script>alert(1)</script><img src=x onerror=alert(1)><iframe src="https://feeds.example.org/"></iframe>
      <a href="https://feeds.example.org/">five</a><!-- six -->]]>"""

    assert shown(read_one(entry("1", text=text)).text_md) == "One two & three four five"


def test_a_title_is_one_clean_line() -> None:
    found = read_one(entry("1", "A\u202e  B\u2028C\ue000preferences\ue001 &amp;lt;b&amp;gt;\t=?utf-8?q?x?="))

    assert found.title == "A B C preferences <b> = ?utf-8?q?x?="


def test_what_is_long_is_cut_at_a_word() -> None:
    found = read_one(entry("1", "word " * 100, "word " * 1_000))

    assert len(found.title) <= 200
    assert found.title.endswith("word…")
    assert 500 < len(found.text_md) <= 600
    assert found.text_md.endswith("word…")


def test_a_word_without_end_is_cut_where_it_stands() -> None:
    assert read_one(entry("1", "w" * 1_000)).title == "w" * 199 + "…"


def test_an_entry_without_title_is_called_by_its_first_words() -> None:
    assert read_one(entry("1", "", "Rents rise.")).title == "Rents rise."


@pytest.mark.parametrize(
    "link",
    [
        "/relative",
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:ada@example.org",
        "ftp://feeds.example.org/",
        "https://",
        "https:///x",
        "https://ada:secret@feeds.example.org/",
        "https://feeds.example.org/a b",
        "https://feeds.example.org/" + "a" * 2_000,
    ],
)
def test_a_link_that_does_not_lead_to_a_page_is_dropped(link: str) -> None:
    assert read_one(entry("1", link=link)).url is None


def test_a_bare_number_as_identity_is_no_link() -> None:
    assert read_one(entry("12345")).url is None


def test_an_entry_without_identity_is_known_by_its_link_or_not_at_all() -> None:
    link = "https://feeds.example.org/1"

    found = read(f"<item><title>A</title><link>{link}</link></item>", "<item><title>B</title></item>")

    assert [each.identity for each in found] == [link, ""]


@pytest.mark.parametrize("identity", ["a" * 301, "a\u200bb", "a\u2028b"])
def test_an_identity_that_is_long_or_holds_what_nobody_sees_is_kept_as_a_hash(identity: str) -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", read_one(entry(identity)).identity)


@pytest.mark.parametrize("date", ["yesterday", "0000-00-00", "Mon, 99 Nov 2026 10:00:00 GMT", ""])
def test_a_date_that_is_none_is_none(date: str) -> None:
    assert read_one(entry("1", pubDate=date)).dated is None


def test_a_feed_that_is_not_well_formed_is_read_as_far_as_it_goes() -> None:
    body = b'<rss version="2.0"><channel><item><guid>1</guid><title>Rents & more</title><description>News</item>'

    (found,) = feed_entries.read(body)

    assert (found.identity, found.title) == ("1", "Rents & more")


@pytest.mark.parametrize("body", [b"", b"\0", b"<html><body><h1>Not found</h1></body></html>", b'{"version": "1.1"}'])
def test_a_page_that_is_no_feed_is_told(body: bytes) -> None:
    assert fault(body) == "There is no RSS or Atom feed at this address."


def test_a_path_or_address_as_body_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(RSS.format(entry("1")), "utf-8")

    assert "no RSS or Atom" in fault(os.fsencode(tmp_path / "feed.xml"))
    assert "no RSS or Atom" in fault((tmp_path / "feed.xml").as_uri().encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY file SYSTEM "file:///etc/passwd">',
        '<!ENTITY % more SYSTEM "https://feeds.example.org/more.dtd"> %more;',
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;"><!ENTITY file "&c;&c;">',
        '<!entity file "ha">',
    ],
)
def test_a_feed_that_declares_entities_is_not_read(declared: str, encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE rss [{declared}]>' + RSS.format(entry("1", "&file;"))

    assert "entities" in fault(body.encode(encoding))


def test_an_article_about_entities_is_read() -> None:
    assert shown(read_one(entry("1", text="<![CDATA[Write &lt;!ENTITY a 'b'>.]]>")).text_md) == "Write <!ENTITY a 'b'>."


def test_a_hidden_declaration_brings_in_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the secret", "utf-8")
    doctype = f'<!-- <a --><!DOCTYPE rss [<!ENTITY file SYSTEM "{(tmp_path / "secret").as_uri()}">]>'

    found = feed_entries.read(f"{doctype}{RSS.format(entry('1', 'A&file;B', '&file;'))}".encode())

    assert "secret" not in str([(each.title, each.text_md) for each in found])


def test_a_feed_made_to_wear_out_its_reader_ends_the_reader_only() -> None:
    author = "a." * 400_000  # the library looks for an address in it, for longer than anybody waits

    with pytest.raises(BadFeed, match="takes too long"):
        feed_entries.read(RSS.format(entry("1", author=author)).encode(), seconds=2)


def test_a_feed_over_which_the_library_stumbles_is_a_broken_one() -> None:
    assert "reading it takes too long, or fails" in fault(RSS.format(entry("1", "half a character &#xD800;")).encode())


def test_whoever_reads_a_stranger_s_file_has_none_of_our_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        f"import json, os, pathlib; pathlib.Path({str(tmp_path / 'seen')!r}).write_text(json.dumps(sorted(os.environ)))"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COALITION_DATABASE_URL", "postgresql://ada:secret@localhost/coalition")

    read(entry("1"))

    assert "COALITION" not in (tmp_path / "seen").read_text()
