"""Reads values of the wanted kind from the tables of `community.toml`; every fault is collected, nothing is raised."""

import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coalition.address import Address
from coalition.errors import BadAddress


class Tables:
    """The tables of a file beside those of its sample. A value that is wrong or left out becomes the sample's."""

    def __init__(self, path: Path, found: Mapping[str, object], sample: Mapping[str, object]) -> None:
        self.folder = path.parent
        self._file, self._found, self._sample = path.name, flat(found), flat(sample)
        self.faults: list[str] = []
        for table, values in self._found.items():
            known = self._sample.get(table)
            if not isinstance(known, dict) or not isinstance(values, dict):
                self.fault(f"[{table}] is not a table of Coalition.")
                continue
            for key in values:
                if key not in known:
                    self.fault(f"{table}.{key} is not a setting.")

    def fault(self, sentence: str) -> None:
        """Note a fault under the name of the file."""
        self.faults.append(f"{self._file}: {sentence}")

    def sample(self, table: str, key: str) -> object:
        """What the sample says."""
        values = self._sample[table]
        return values[key] if isinstance(values, dict) else None

    def says(self, table: str, key: str) -> bool:
        """Whether the file itself has something there."""
        values = self._found.get(table)
        return isinstance(values, dict) and key in values

    def line(self, table: str, key: str) -> str:
        """One line of text; empty only where the sample's is."""
        value = self._value(table, key)
        may_be_empty = self.sample(table, key) == ""
        if not isinstance(value, str) or not (value.strip() or may_be_empty) or not _fits_a_header(value):
            value = self._wrong(table, key, "one line of text")
        return str(value).strip()

    def matching(self, table: str, key: str, pattern: str, wanted: str) -> str:
        """One line of a shape; `wanted` says in words which."""
        value = self.line(table, key)
        return value if re.fullmatch(pattern, value) else str(self._wrong(table, key, wanted))

    def address(self, table: str, key: str, above: str = "") -> Address:
        """An e-mail address; `above` stands above the file's."""
        try:
            return Address.parse(above or self.line(table, key))
        except BadAddress:
            return Address.parse(str(self._wrong(table, key, "an e-mail address")))

    def timezone(self, table: str, key: str) -> ZoneInfo:
        """A time zone by its name."""
        try:
            return ZoneInfo(self.line(table, key))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(str(self._wrong(table, key, "a time zone like Europe/London")))

    def number(self, table: str, key: str, lowest: int, highest: int) -> int:
        """A whole number."""
        value = self._value(table, key)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            value = self._wrong(table, key, f"a whole number from {lowest} to {highest}")
        return int(str(value))

    def yes_or_no(self, table: str, key: str) -> bool:
        """True or false."""
        value = self._value(table, key)
        return bool(value if isinstance(value, bool) else self._wrong(table, key, "true or false"))

    def one_of(self, table: str, key: str, choices: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self._value(table, key)
        return str(value if value in choices else self._wrong(table, key, f"one of: {', '.join(choices)}"))

    def some_of(self, table: str, key: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        """Any of a few words."""
        value = self._value(table, key)
        if not isinstance(value, list) or any(each not in choices for each in value):
            value = self._wrong(table, key, f"a list of some of: {', '.join(choices)}")
        return tuple(value) if isinstance(value, list) else ()

    def all_matching(self, table: str, key: str, pattern: str, wanted: str) -> tuple[str, ...]:
        """A list of lines that fit a pattern."""
        value = self._value(table, key)
        if not isinstance(value, list) or any(
            not isinstance(each, str) or not re.fullmatch(pattern, each) for each in value
        ):
            value = self._wrong(table, key, wanted)
        return tuple(value) if isinstance(value, list) else ()

    def _value(self, table: str, key: str) -> object:
        values = self._found.get(table)
        return values[key] if isinstance(values, dict) and key in values else self.sample(table, key)

    def _wrong(self, table: str, key: str, wanted: str) -> object:
        self.fault(f"{table}.{key} is not {wanted}.")
        return self.sample(table, key)


def flat(found: Mapping[str, object]) -> dict[str, object]:
    """Each table under its full name, as it stands in the file: `theme.light`."""
    tables: dict[str, object] = {}
    for name, values in found.items():
        if not isinstance(values, dict):
            tables[name] = values
            continue
        inner = {key: value for key, value in values.items() if isinstance(value, dict)}
        tables[name] = {key: value for key, value in values.items() if key not in inner}
        tables |= {f"{name}.{key}": value for key, value in inner.items()}
    return tables


def _fits_a_header(text: str) -> bool:
    # Mail programs would decode what follows "=?" into whatever a stranger hid in it.
    return text.isprintable() and "=?" not in text and len(text) <= 500
