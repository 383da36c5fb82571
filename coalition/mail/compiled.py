"""A digest made ready for thousands of readers: all that they share as bytes, with places for what they don't.

The message of a sample reader is written once, by the standard library, which so decides how everything around the
blocks of a copy is written. The blocks themselves are whole lines, and lines are encoded one by one: so each block is
encoded once, whoever's copy it is in, and each run of blocks put together once; a copy is a list of bytes with gaps.
Writing one reader's message is filling the gaps and joining. A test compares each byte with what the slow way writes
for that reader.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache

from coalition.address import Address
from coalition.mail.digest import Copy, Slots
from coalition.mail.envelope import is_sound
from coalition.mail.message import WIRE, Letter
from coalition.mail.moulds import DOT, IN_HTML, LINKS, Mould, compiled_run
from coalition.mail.quoted import Value

# What the sample reader has. Nothing else in a letter holds these words, and they are as plain as what replaces them.
_RECIPIENT = Address.parse("sample-reader-of-a-compiled-copy@example.org")
_NONCE = "nonce-of-a-compiled-copy"
_LEAVE = "https://example.org/leave-of-a-compiled-copy"
_DATED = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_BODIES = ("The text of a compiled copy.", "The HTML of a compiled copy.")

# Addresses that the standard library writes into a header as they are, however long. It folds or decodes any other.
_PLAIN_RECIPIENT = re.compile(r"(?!.*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")

# These stand in headers as they are (CWE-93).
_PLAIN_NONCE = re.compile(r"[A-Za-z0-9-]+")
_PLAIN_LINK = re.compile(r"[!-;=?-~]+")

# Writes the message of a letter the slow way: letter, recipient, nonce, date, slots.
Build = Callable[[Letter, Address, str, datetime, Slots], bytes]


class Frame:
    """What the messages of one subject have around their blocks: headers, boundaries, ends."""

    def __init__(self, subject: str, *, html: bool, build: Build) -> None:
        """`build` is asked once, for the sample reader. Raises ValueError where a place is not where it should be."""
        letter = Letter(subject, f"{_BODIES[0]}\n", f"{_BODIES[1]}\n" if html else None)
        slots = Slots(preferences=_LEAVE, unsubscribe=_LEAVE, since={})
        message = build(letter, _RECIPIENT, _NONCE, _DATED, slots)
        if not is_sound(message):
            raise ValueError("a compiled copy could not be read in one way only")
        head, blank, rest = message.partition(b"\r\n\r\n")
        places = {f"To: {_RECIPIENT.written}": "to", _NONCE: "nonce", format_datetime(_DATED): "date", _LEAVE: "leave"}
        self.around = [Mould()]  # what stands before, between and after the bodies
        self.around[0].fix(_cut(head + blank, places))
        for body in _BODIES[: 1 + html]:
            before, found, rest = rest.partition(body.encode("ascii") + b"\r\n")
            if not found:
                raise ValueError("a compiled copy differs from the letter it was made from")
            self.around[-1].fix(_cut(before, {_NONCE: "nonce"}))
            self.around.append(Mould())
        self.around[-1].fix([*_cut(rest, {_NONCE: "nonce"}), DOT])


class CompiledCopy:
    """The messages of one copy."""

    def __init__(self, copy: Copy, frame: Frame) -> None:
        self._copy, self._frame = copy, frame
        self._moulds: dict[tuple[bytes, bytes], Mould] = {}

    def fill(self, recipient: Address, nonce: str, dated: datetime, slots: Slots) -> tuple[bytes, int]:
        """The message of one reader as it goes over the wire, with the dot that ends it, and its size without dots."""
        if not _PLAIN_NONCE.fullmatch(nonce) or not _PLAIN_LINK.fullmatch(slots.unsubscribe):
            raise ValueError("a header holds a character that has no place in it")
        links = [Value.of(slots.preferences), Value.of(slots.unsubscribe)]
        # Links have the same length for nearly all readers, so where they are cut is settled once.
        shapes = links[0].shape, links[1].shape
        mould = self._moulds.get(shapes)
        if mould is None:
            mould = self._moulds[shapes] = self._mould(links)
        values = dict(zip(LINKS, links, strict=True))
        places = {"to": _to(recipient), "nonce": nonce.encode("ascii"), "date": _date(dated)}
        places["leave"] = slots.unsubscribe.encode("ascii")
        return mould.cast(places, values, slots)

    def _mould(self, links: Sequence[Value]) -> Mould:
        values = dict(zip(LINKS, links, strict=True))
        values |= {IN_HTML + name: value.in_html for name, value in values.items()}
        shapes = tuple(value.shape for value in values.values())
        pieces = [self._frame.around[0]]
        forms = [self._copy.text] if self._copy.html is None else [self._copy.text, self._copy.html]
        for number, runs in enumerate(forms):
            pieces += [compiled_run(run, bool(number)).mould(shapes, values) for run in runs]
            pieces.append(self._frame.around[1 + number])
        return Mould.of(pieces)


def _cut(block: bytes, places: Mapping[str, str]) -> list[bytes | str]:
    """A block with the name of a place wherever one of these texts stood."""
    texts = {text.encode("ascii"): name for text, name in places.items()}
    pieces = re.split(b"(" + b"|".join(map(re.escape, texts)) + b")", block)
    return [texts[piece] if index % 2 else piece for index, piece in enumerate(pieces) if piece]


def _to(recipient: Address) -> bytes:
    if _PLAIN_RECIPIENT.fullmatch(recipient.written):
        return f"To: {recipient.written}".encode("ascii")
    message = EmailMessage(policy=WIRE)
    message["To"] = Mailbox(addr_spec=recipient.written)
    return message.as_bytes().partition(b"\r\n\r\n")[0]


@lru_cache(maxsize=64)
def _date(dated: datetime) -> bytes:
    return format_datetime(dated.replace(microsecond=0)).encode("ascii")
