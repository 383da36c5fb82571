"""The wheel: built without network, it carries its templates and migrations, and works far from any checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests import leaks

ROOT = Path(__file__).resolve().parents[1]

# Runs outside the checkout with only the unpacked wheel and the installed libraries on its path.
PAGE = """
import coalition
from coalition.app import create_app
from coalition.paths import MIGRATIONS, TEMPLATES

assert coalition.__file__.startswith({site!r}), coalition.__file__
assert str(TEMPLATES).startswith({site!r}) and str(MIGRATIONS).startswith({site!r})
app = create_app()
browser = app.test_client()
for path, status in (("/privacy", 200), ("/static/coalition.css", 200), ("/nowhere", 404)):
    answer = browser.get(path, base_url="http://127.0.0.1:8000")
    assert answer.status_code == status, (path, answer.status_code)
print(browser.get("/privacy", base_url="http://127.0.0.1:8000").text)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, built as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)], ROOT, {})
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_carries_every_file_that_runs_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        inside = set(file.namelist())

    for folder, place in (("templates", "coalition/_data/"), ("migrations", "coalition/_data/"), ("coalition", "")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{place}{path.relative_to(ROOT)}" in inside
    assert not [name for name in inside if name.startswith(("tests", "docs", "instance"))]
    assert not [name for name in inside if name.endswith((".pyc", ".key", ".db"))]
    assert [name for name in inside if name.endswith("entry_points.txt")]
    assert [name for name in inside if name.endswith("licenses/LICENSE")]


def test_the_wheel_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    _run([sys.executable, *install], tmp_path, {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    settings = {"PYTHONPATH": str(site), "COALITION_HOME": str(tmp_path / "home")}

    made = _run([sys.executable, "-m", "coalition", "database", "upgrade"], tmp_path, settings)
    page = _run([sys.executable, "-c", PAGE.format(site=str(site))], tmp_path, settings)

    assert "are made" in made
    assert "<!doctype html>" in page.lower()
    assert (tmp_path / "home" / "coalition.db").exists()


def _run(command: list[str], folder: Path, settings: dict[str, str]) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COALITION_", "PYTHONPATH"))}
    done = subprocess.run(command, cwd=folder, env=kept | settings, capture_output=True, text=True, check=False)
    leaks.look("The log of a program", done.stderr)
    assert done.returncode == 0, done.stderr
    return done.stdout
