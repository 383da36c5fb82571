"""Templates are compiled once in a program, however many languages and places they are rendered in."""

from types import CodeType

from jinja2.bccache import Bucket, BytecodeCache


class _Compiled(BytecodeCache):
    """What was compiled, by the file and what stood in it. Filters and words are looked up when it is rendered."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was compiled before, if anything was."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled now."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


COMPILED = _Compiled()
