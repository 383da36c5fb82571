"""Quoted-printable lines with places in them, filled thousands of times a second.

The standard library encodes a hard line on its own, and where it breaks it depends only on which characters have to be
escaped, not on which they are (RFC 2045, section 6.7). So each line with places is encoded once for every shape that
its values take: after that, filling it is cutting and joining. What comes out is what the library would have written.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import quoprimime
from functools import lru_cache
from html import escape

WIDTH = 76
_SOFT_BREAK = b"=\r\n"
_MOST_SHAPES = 256  # of one line; dates in one language have about two dozen
# All characters alike but the one that begins an escape: the shape of an encoded value.
_SHAPE = bytes(byte if byte == ord("=") else ord("x") for byte in range(256))

_ESCAPED = [
    quoprimime.quote(chr(byte)).encode() if quoprimime.body_check(byte) else bytes([byte]) for byte in range(256)
]

_PLAIN = re.compile(r"[A-Za-z0-9:/.,?#~_+-]+")  # an address of ours, above all

Cut = tuple[str, int, int]  # a slice of the value in this place


def encode(text: str) -> bytes:
    """Whole lines as the standard library's email package encodes them, with CRLF between them."""
    latin = text.encode("utf-8").decode("latin-1")
    return quoprimime.body_encode(latin, WIDTH, "\r\n").encode("ascii") if latin else b""


@dataclass(frozen=True, slots=True)
class Value:
    """What goes into a place: a text on one line, its bytes encoded without line breaks, and their shape."""

    text: str
    encoded: bytes
    shape: bytes

    @classmethod
    def of(cls, text: str) -> "Value":
        """Raises ValueError for a control character, and for a blank at either end, which a line's end would escape."""
        if _PLAIN.fullmatch(text):
            return cls(text, text.encode("ascii"), b"x" * len(text))
        return _other_value(text)

    @property
    def in_html(self) -> "Value":
        """The same with the marks escaped that mean something in HTML."""
        return self if _PLAIN.fullmatch(self.text) else Value.of(escape(self.text))


@lru_cache(maxsize=4096)
def _other_value(text: str) -> Value:
    """Dates, above all, which come again and again."""
    if text != text.strip() or not text.isprintable():
        raise ValueError("a value is one line without blanks around it")
    encoded = _unbroken(text)
    return Value(text, encoded, encoded.translate(_SHAPE))


@dataclass(slots=True)
class Line:
    """One hard line: fixed pieces with the names of places between them, as in a `Copy`."""

    pieces: tuple[str, ...]
    _known: dict[tuple[bytes, ...], Sequence[bytes | Cut]] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """The names of its places, in order."""
        return self.pieces[1::2]

    def fill(self, values: Mapping[str, Value]) -> bytes:
        """The encoded line, without the line end."""
        return b"".join(
            part if isinstance(part, bytes) else values[part[0]].encoded[part[1] : part[2]]
            for part in self.cuts(values)
        )

    def cuts(self, values: Mapping[str, Value]) -> Sequence[bytes | Cut]:
        """The fixed bytes of the line, and slices of its values, for values of these shapes."""
        shapes = tuple([values[name].shape for name in self.pieces[1::2]])
        cuts = self._known.get(shapes)
        if cuts is None:
            cuts = self._learn(values)
            if len(self._known) < _MOST_SHAPES:
                self._known[shapes] = cuts
        return cuts

    def _learn(self, values: Mapping[str, Value]) -> Sequence[bytes | Cut]:
        """Let the library encode the line with these values, and note where they came to lie."""
        broken = encode("".join(values[piece].text if index % 2 else piece for index, piece in enumerate(self.pieces)))
        parts: list[bytes | Cut] = []
        at = 0
        for index, piece in enumerate(self.pieces):
            length = len(values[piece].encoded if index % 2 else _unbroken(piece))
            done = 0
            while done < length:
                # From here to the next soft break, or to the end of the piece.
                until = broken.find(_SOFT_BREAK, at, at + length - done + len(_SOFT_BREAK) - 1)
                step = (until if until >= 0 else at + length - done) - at
                parts.append((piece, done, done + step) if index % 2 else broken[at : at + step])
                at, done = at + step, done + step
                if until >= 0:
                    parts.append(_SOFT_BREAK)
                    at += len(_SOFT_BREAK)
        parts.append(broken[at:])
        return _merged(parts)


def lines(pieces: Sequence[str]) -> list[bytes | Line]:
    """A text with places, cut into runs of encoded lines without any and single lines with some; line ends between."""
    found: list[bytes | Line] = []
    fixed: list[str] = []  # whole lines without a place
    open_line: list[str] = [""]

    def close() -> None:
        if len(open_line) == 1:
            fixed.append(open_line[0])
        else:
            if fixed:
                found.append(encode("\n".join(fixed)))
                fixed.clear()
            found.append(Line(tuple(open_line)))
        open_line[:] = [""]

    for index, piece in enumerate(pieces):
        if index % 2:
            open_line += [piece, ""]
            continue
        first, *rest = piece.split("\n")
        open_line[-1] += first
        for text in rest:
            close()
            open_line[-1] = text
    if len(open_line) > 1 or open_line[0]:
        close()
    if fixed:
        found.append(encode("\n".join(fixed)))
    return found


def _unbroken(text: str) -> bytes:
    """Encoded, without soft breaks and whatever stands at the end."""
    return b"".join(_ESCAPED[byte] for byte in text.encode("utf-8"))


def _merged(parts: Sequence[bytes | Cut]) -> tuple[bytes | Cut, ...]:
    merged: list[bytes | Cut] = []
    for part in parts:
        if isinstance(part, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += part
        elif part != b"":
            merged.append(part)
    return tuple(merged)
