"""Mail that comes back, as known servers write it: the files in `returned/`, filled in for one letter."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "returned"

PATH = "b+nonce234567nonce234567nonc.0123456789.0123456789abcdef0123@bounces.example.org"
ADDRESS = "ada@example.org"
MESSAGE_ID = "<nonce234567nonce234567nonc@list.example.org>"
NAMES = sorted(path.stem for path in _FOLDER.glob("*.eml"))


def came_back(name: str, path: str = PATH, address: str = ADDRESS, message_id: str = MESSAGE_ID) -> bytes:
    """One of the files, about the letter with this return path, recipient and Message-ID."""
    filled = _text(name).replace("PATH", path).replace("ADDRESS", address).replace("MESSAGE_ID", message_id)
    return filled.encode().replace(b"\n", b"\r\n")


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.eml").read_text("utf-8")
