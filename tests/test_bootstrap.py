"""The set-up of a checkout, run for real in small copies: no test reaches for the network."""

import ast
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
BOOTSTRAP = ROOT / ".ci" / "bootstrap.py"


@pytest.fixture(scope="module")
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", BOOTSTRAP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return a_checkout(tmp_path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout set up in a second run, after a first that was cut off; a changed lock is put back."""
    root = a_checkout(tmp_path_factory.mktemp("ready"))
    half = root / ".venv" / "bin"
    half.mkdir(parents=True)
    (half / "python").symlink_to(sys.executable)
    done = set_up(root)
    assert done.returncode == 0, done.stderr
    return root


def a_checkout(folder: Path) -> Path:
    """A checkout with a space in its path, whose two locks ask for a small wheel that lies beside it."""
    root = folder / "our list"
    (root / ".ci").mkdir(parents=True)
    shutil.copy(BOOTSTRAP, root / ".ci")
    (root / "coalition").mkdir()
    (root / "coalition" / "__init__.py").touch()
    (root / "coalition" / "__main__.py").write_text(
        "import sys\n\n\ndef main():\n    import greeting\n    print(greeting.WORD, *sys.argv)\n"
    )
    lock = f"greeting==1.0 --hash=sha256:{a_wheel(folder, 'greeting')}\n"
    (root / "requirements.lock").write_text(lock)
    (root / "requirements-dev.lock").write_text(lock)
    return root


def a_wheel(folder: Path, name: str) -> str:
    """Put a package of one module into `folder`, and give its SHA-256."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        about = f"{name}-1.0.dist-info/"
        wheel.writestr(f"{name}.py", "WORD = 'hello'\n")
        wheel.writestr(about + "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(about + "RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def set_up(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run bootstrap.py as make does, with a package index that has only what lies beside the checkout."""
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": root.parent.as_uri(), "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, root / ".ci" / "bootstrap.py", *arguments],
        env=os.environ | offline | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def set_up_without_pip(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run bootstrap.py in an environment in which pip only fails."""
    return set_up(root, *arguments, PIP_RETRIES="not a number")


def set_up_without_ensurepip(root: Path) -> subprocess.CompletedProcess[str]:
    """Run bootstrap.py under a Python that lacks what Debian keeps in a package of its own."""
    broken = root.parent / "broken"
    broken.mkdir()
    (broken / "ensurepip.py").write_text("raise ModuleNotFoundError(name='ensurepip')\n")
    return set_up(root, PYTHONPATH=str(broken))


def coalition(root: Path, *arguments: str) -> str:
    """What the installed command prints, called from another folder."""
    command: list[str | Path] = [root / ".venv" / "bin" / "coalition", *arguments]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=True).stdout


def test_a_run_after_an_interrupted_one_installs_the_packages_and_the_command(ready: Path) -> None:
    assert coalition(ready, "run", "a b") == "hello coalition run a b\n"


def test_a_second_run_calls_no_pip_and_says_nothing(ready: Path) -> None:
    again = set_up_without_pip(ready)

    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_what_is_ready_for_development_is_ready_to_run(ready: Path) -> None:
    assert set_up(ready, "--dev").returncode == 0

    again = set_up_without_pip(ready)

    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_a_package_that_is_not_the_locked_one_is_refused_and_what_was_there_stays(ready: Path) -> None:
    a_wheel(ready.parent, "stranger")
    lock = ready / "requirements.lock"
    before = lock.read_text()
    lock.write_text(before + f"stranger==1.0 --hash=sha256:{'0' * 64}\n")

    refused = set_up(ready)

    lock.write_text(before)
    assert refused.returncode == 1
    assert "hash" in refused.stderr.lower()
    assert refused.stderr.splitlines()[-1].startswith("The packages could not be installed")
    assert set_up_without_pip(ready).returncode == 0
    assert coalition(ready) == "hello coalition\n"


def test_a_checkout_that_was_moved_is_not_taken_for_ready(ready: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(ready, tmp_path / "moved", symlinks=True)

    begun = set_up_without_ensurepip(moved)

    assert "no module ensurepip" in begun.stderr


def test_a_python_without_ensurepip_says_what_to_install_and_leaves_nothing(checkout: Path) -> None:
    refused = set_up_without_ensurepip(checkout)

    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"no module ensurepip: install it (on Debian and Ubuntu: apt-get install {package})" in refused.stderr
    assert not (checkout / ".venv").exists()


def test_a_folder_that_cannot_be_written_is_told_in_one_line(
    bootstrap: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    # Not even root may make a folder here.
    status = bootstrap.main([], root=str(ROOT), venv="/proc/coalition")

    told = capfd.readouterr()
    assert status == 1
    assert told.out == ""
    assert re.fullmatch(r"Could not set up /proc/coalition: .+ \(/proc/coalition\)\.\n", told.err)


def test_a_python_that_is_too_old_with_no_other_says_what_to_install(
    bootstrap: ModuleType, checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    venv = checkout / ".venv"

    status = bootstrap.main([], root=str(checkout), venv=str(venv), version=(3, 9), path=str(checkout))

    told = capfd.readouterr().err
    assert status == 1
    assert told.startswith("Coalition needs Python 3.11 or newer and this is 3.9: install one")
    assert told.count("\n") == 1
    assert not venv.exists()


def test_a_newer_python_on_the_path_is_found_past_one_that_does_not_start(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    switched_off, works = tmp_path / "python3.14", tmp_path / "python3.11"
    switched_off.write_text("#!/bin/sh\nexit 127\n")
    works.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    switched_off.chmod(0o755)
    works.chmod(0o755)

    assert bootstrap.find_python((3, 9), str(tmp_path)) == str(works)


def test_even_python_3_6_can_read_the_script() -> None:
    source = BOOTSTRAP.read_text()

    assert ast.parse(source, feature_version=(3, 6)).body


def pins(lock: str) -> dict[str, str]:
    """Each package of a lock file with its version and, if it has one, its marker."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = [re.split(r"\s--hash=sha256:", line) for line in text.splitlines()]
    assert all(len(line) > 1 for line in lines), "a package without a hash"
    return {name: rest.strip() for name, _, rest in (line[0].partition("==") for line in lines)}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def test_the_locks_pin_whatever_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = names(project["project"]["dependencies"])
    extra = names(project["project"]["optional-dependencies"]["postgres"])

    assert runtime <= pins("requirements.lock").keys()
    assert runtime | extra | names(project["dependency-groups"]["dev"]) <= pins("requirements-dev.lock").keys()


def test_the_lock_for_development_holds_all_of_the_other() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_place_to_fetch_from(lock: str) -> None:
    assert not re.search(r"://|^-|file:|@", (ROOT / lock).read_text(), re.MULTILINE)
