"""The tables of traps and faults in tests/README.md name tests that there are."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_each_trap_and_fault_names_a_test_that_there_is() -> None:
    rows = re.findall(
        r"^\| ([XZ]\d+)? ?.* \| `?([^`|]+?)`? \|$", (TESTS / "README.md").read_text("utf-8"), re.MULTILINE
    )
    named = [(trap, *place.split("::")) for trap, place in rows if "::" in place]

    for _, file, name in named:
        found = {
            each.name for each in ast.parse((TESTS / file).read_text("utf-8")).body if isinstance(each, ast.FunctionDef)
        }
        assert name in found, f"{file}::{name}"
    traps, faults = {f"Z{number}" for number in range(1, 21)}, {f"X{number}" for number in range(1, 16)}
    assert {name for name, *_ in named if name} == traps | faults
    assert len(named) == 59
