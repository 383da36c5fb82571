"""Templates outside the pages, all read alike, and compiled once in a program, however many languages they speak."""

from types import CodeType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket, BytecodeCache

from coalition.paths import TEMPLATES


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


def environment(folder: str, *, spoken: Any = None) -> Environment:
    """The templates of a folder. With the translations of a language, `spoken`, they speak it."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES / folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[] if spoken is None else ["jinja2.ext.i18n"],
        bytecode_cache=COMPILED,
    )
    if spoken is not None:
        made.policies["ext.i18n.trimmed"] = True
        made.install_gettext_translations(spoken, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    return made
