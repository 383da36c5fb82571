"""A message from a stranger, taken apart within limits and in a time that grows with its size alone.

The standard library would do it too, but not within limits: nested parts cost it the square of their depth, and one
long header the square of its length.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from coalition.errors import CoalitionError

MOST_BYTES = 1_048_576
_MOST_PARTS = 50
_DEEPEST = 5
_LONGEST_HEAD = 65_536
_LONGEST_VALUE = 4_000
_LONGEST_TEXT = 200_000

_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_FOLD = re.compile(r"\r?\n[ \t]+")
_PARAMETER = re.compile(r';\s*([\w-]{1,40})\s*=\s*(?:"([^"\\\r\n]{0,200})"|([^\s;"]{1,200}))', re.ASCII)

Fields = Mapping[str, list[str]]


class Unreadable(CoalitionError):
    """A message is beyond the limits; the text says which."""


@dataclass(frozen=True)
class Part:
    """A message or a part of one: its header fields, by their names in lower case, and its body."""

    fields: Fields = field(repr=False)
    body: bytes = field(repr=False)

    def first(self, name: str) -> str:
        """The first value of a field, empty where it has none."""
        return self.fields.get(name, [""])[0]

    @property
    def type(self) -> str:
        """The media type, in lower case."""
        return self.first("content-type").partition(";")[0].strip().lower() or "text/plain"

    def parameter(self, name: str) -> str:
        """A parameter of the media type; empty where there is none."""
        for found in _PARAMETER.finditer(self.first("content-type")):
            if found[1].lower() == name:
                return found[2] or found[3] or ""
        return ""

    def text(self) -> str:
        """The body as text, decoded; the first of it, where it is long."""
        body = self.body[: 2 * _LONGEST_TEXT]
        match self.first("content-transfer-encoding").strip().lower():
            case "base64":
                body = _from_base64(body)
            case "quoted-printable":
                body = binascii.a2b_qp(body)
        return body.decode("utf-8", "replace")[:_LONGEST_TEXT].replace("\r\n", "\n")


def take_apart(raw: bytes) -> list[Part]:
    """The message itself, then the parts in it, in order. A message that is a part is not opened. Raises Unreadable."""
    if len(raw) > MOST_BYTES:
        raise Unreadable("too long")
    if raw.startswith((b"From ", b">From ")):  # the line that separates messages in an old mailbox file
        raw = raw.partition(b"\n")[2]
    found: list[Part] = []
    _open(raw, 0, found)
    return found


def read_fields(text: str) -> Fields:
    """Header fields, unfolded. What is no field is passed over."""
    fields: dict[str, list[str]] = {}
    for line in _FOLD.sub(" ", text).split("\n"):
        name, colon, value = line.partition(":")
        if colon and name and name.isascii() and name.isprintable() and " " not in name:
            fields.setdefault(name.lower(), []).append(value.strip()[:_LONGEST_VALUE])
    return fields


def _open(data: bytes, depth: int, found: list[Part]) -> None:
    if len(found) == _MOST_PARTS:
        raise Unreadable("too many parts")
    part = _part(data)
    found.append(part)
    boundary = part.parameter("boundary")
    if not part.type.startswith("multipart/") or not boundary:
        return
    if depth == _DEEPEST:
        raise Unreadable("too deeply nested")
    for piece in _pieces(part.body, boundary):
        _open(piece, depth + 1, found)


def _part(data: bytes) -> Part:
    if data.startswith((b"\n", b"\r\n")):
        return Part({}, data.lstrip(b"\r\n"))
    end = _BLANK_LINE.search(data, 0, _LONGEST_HEAD)
    if end is None and len(data) > _LONGEST_HEAD:
        raise Unreadable("its header is too long")
    head, body = (data[: end.start()], data[end.end() :]) if end else (data, b"")
    return Part(read_fields(head.decode("utf-8", "replace")), body)


def _pieces(body: bytes, boundary: str) -> Iterator[bytes]:
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode("utf-8")) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    start = None
    for delimiter in line.finditer(body):
        if start is not None:
            yield _without_line_end(body[start : delimiter.start()])
        start = None if delimiter[1] else delimiter.end()
    if start is not None:
        yield _without_line_end(body[start:])


def _without_line_end(piece: bytes) -> bytes:
    """A part begins on the line after its delimiter."""
    return piece.removeprefix(b"\r").removeprefix(b"\n")


def _from_base64(body: bytes) -> bytes:
    """As much as can be decoded; what is no letter of base64 is passed over."""
    letters = _NO_BASE64.sub(b"", body)
    whole = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
