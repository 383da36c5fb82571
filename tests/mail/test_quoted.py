"""Lines with places: filled by cutting and joining, they are what the standard library would have written."""

from email import quoprimime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.mail.quoted import WIDTH, Line, Value, lines

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("=. \n\tF\u00c5\u2026"))
ONE_LINE = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("=. F\u00c5"), min_size=1).map(
    str.strip
)


def by_the_library(text: str) -> bytes:
    latin = text.encode("utf-8").decode("latin-1")
    return quoprimime.body_encode(latin, WIDTH, "\r\n").encode("ascii") if text else b""


def filled(pieces: list[str], values: dict[str, Value]) -> bytes:
    return b"\r\n".join(part.fill(values) if isinstance(part, Line) else part for part in lines(pieces))


@settings(max_examples=500)
@given(st.lists(TEXT, min_size=3, max_size=3), st.lists(ONE_LINE.filter(bool), min_size=4, max_size=4))
def test_any_text_with_any_values_is_as_the_library_writes_it(texts: list[str], values: list[str]) -> None:
    pieces = [texts[0], "one", texts[1], "two", texts[2]]
    compiled = lines(pieces)

    for first, second in (values[:2], values[2:]):  # the second time from what was learnt the first time
        found = {"one": Value.of(first), "two": Value.of(second)}
        whole = "".join([texts[0], first, texts[1], second, texts[2]])
        written = b"\r\n".join(part.fill(found) if isinstance(part, Line) else part for part in compiled)
        assert written == by_the_library(whole.removesuffix("\n"))


@pytest.mark.parametrize("length", range(60, 100))
def test_wherever_a_soft_break_falls_values_of_one_shape_are_cut_alike(length: int) -> None:
    line = Line(("<a href=" + "x" * (length - 60) + '"', "link", '">here</a> and on ', "day", " and on"))

    for number in range(3):
        link = f"https://example.org/{number}{'abcdefghij' * 4}"
        values = {"link": Value.of(link), "day": Value.of(f"{number} août 2026")}
        whole = "".join(values[piece].text if index % 2 else piece for index, piece in enumerate(line.pieces))
        assert line.fill(values) == by_the_library(whole)


def test_runs_of_lines_without_a_place_are_encoded_once() -> None:
    found = lines(["one\ntwo\nthree ", "day", "\nfour\n"])

    assert [type(part) for part in found] == [bytes, Line, bytes]
    assert found[0] == b"one\r\ntwo"
    assert (
        filled(["one\ntwo\nthree ", "day", "\nfour\n"], {"day": Value.of("today")})
        == b"one\r\ntwo\r\nthree today\r\nfour"
    )


@pytest.mark.parametrize("text", [" today", "today ", "to\nday", "to\0day", "to\u2028day"])
def test_a_value_that_a_line_could_not_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        Value.of(text)


def test_a_value_is_escaped_where_it_stands_in_html() -> None:
    assert Value.of("3 <March> & on").in_html.encoded == b"3 &lt;March&gt; &amp; on"
    assert Value.of("https://example.org/a?b").in_html.encoded == b"https://example.org/a?b"
