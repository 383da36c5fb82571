"""Makes `.venv` ready for a checkout: `python3 .ci/bootstrap.py [--dev]`.

Standard library only, and nothing that Python 3.6 cannot read, so that a Python that is too old says in one
line what to install instead of showing a syntax error. A `.venv` that is ready is left alone within
milliseconds and without network; one whose set-up was interrupted is made anew.
"""
# ruff: noqa: S603, S606 - it starts only the Python that runs it, or one that find_python has tried

import argparse
import contextlib
import fcntl
import hashlib
import importlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

OLDEST = (3, 11)
NEWEST = (3, 14)
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
RUNTIME, DEV = "requirements.lock", "requirements-dev.lock"
STAMP = "ready.json"

# -P keeps the current folder out of the import path: `coalition` is always the one of this checkout.
LAUNCHER = """#!/bin/sh
exec {python} -P -c 'import sys
from coalition.__main__ import main
sys.argv[0] = "coalition"
sys.exit(main())' "$@"
"""


class Trouble(Exception):
    """What stands in the way and what to do about it, in one line."""


def main(
    arguments: "list[str]",
    root: str = ROOT,
    venv: str = os.path.join(ROOT, ".venv"),
    version: "tuple[int, int]" = sys.version_info[:2],
    path: str = os.environ.get("PATH", os.defpath),
) -> int:
    """Prepare `venv` for the checkout in `root` and return the exit status; trouble is told in one line."""
    parser = argparse.ArgumentParser(description="Make .venv ready.")
    parser.add_argument("--dev", action="store_true", help="install what tests and checks need, too")
    dev = parser.parse_args(arguments).dev
    try:
        if version < OLDEST:
            python = find_python(version, path)
            os.execv(python, [python, os.path.realpath(__file__), *arguments])
        with _one_at_a_time(root):
            prepare(root, venv, dev)
    except Trouble as trouble:
        return _tell(str(trouble))
    except OSError as error:
        return _tell(f"Could not set up {venv}: {error.strerror or error} ({error.filename or root}).")
    except KeyboardInterrupt:
        return _tell("The set-up was stopped: run the same command again to begin it afresh.")
    return 0


def find_python(version: "tuple[int, int]", path: str) -> str:
    """Find a Python on `path` that is new enough, the newest first; Trouble where there is none."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        python = shutil.which(f"python3.{minor}", path=path)
        if python and _is_new_enough(python):
            return python
    raise Trouble(
        f"Coalition needs Python {_dotted(OLDEST)} or newer and this is {_dotted(version)}: install one, "
        f"for example the packages python3.12 and python3.12-venv, and run the same command again."
    )


def _is_new_enough(python: str) -> bool:
    # A name on PATH is no promise: version managers put commands there for Pythons that are switched off.
    probe = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    devnull = subprocess.DEVNULL
    return subprocess.run([python, "-c", probe], stdout=devnull, stderr=devnull, check=False).returncode == 0


@contextlib.contextmanager
def _one_at_a_time(root: str) -> "Iterator[None]":
    """Let `make run` and `make test`, begun together, prepare one after the other."""
    folder = os.open(root, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems lock no folders
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def prepare(root: str, venv: str, dev: bool) -> None:
    """Bring `venv` to what the lock file asks for, if it is not there yet; Trouble or OSError if it can't."""
    # The lock for development holds all of the other, so that `make run` after `make test` has nothing to do.
    installed = {lock: _digest(root, lock) for lock in ([RUNTIME, DEV] if dev else [RUNTIME])}
    stamp = _read(venv)
    if stamp.get("home") != _home(root, venv):
        stamp = {}
        make_venv(venv)
    elif installed.items() <= stamp["installed"].items():
        return
    else:
        # Without a stamp a set-up that is killed below begins afresh next time.
        os.unlink(os.path.join(venv, STAMP))
    if not _install(root, venv, DEV if dev else RUNTIME):
        if stamp:
            _write(venv, stamp)
        raise Trouble(
            "The packages could not be installed, pip says above why: "
            "check the network and your PIP_* settings, and run the same command again."
        )
    _link(root, venv)
    _write(venv, {"home": _home(root, venv), "installed": installed})


def make_venv(venv: str) -> None:
    """Make an empty virtual environment in place of whatever is there; Trouble where Python lacks a part."""
    try:
        for part in ("venv", "ensurepip"):
            importlib.import_module(part)
    except ImportError as error:
        package = f"python{_dotted(sys.version_info[:2])}-venv"
        raise Trouble(
            f"{sys.executable} has no module {error.name or part}: install it "
            f"(on Debian and Ubuntu: apt-get install {package}), and run the same command again."
        ) from error
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(venv)
    os.mkdir(venv)
    made = subprocess.run(
        [sys.executable, "-m", "venv", venv],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        shutil.rmtree(venv)
        sys.stderr.write(made.stdout)
        raise Trouble(f"{sys.executable} could not make {venv}: see above.")


def _install(root: str, venv: str, lock: str) -> bool:
    sys.stdout.write(f"Installing {lock} into {venv} (once, up to a few minutes) ...\n")
    sys.stdout.flush()
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
    pip = [_python(venv), "-I", "-m", "pip", "install", *options, "--requirement", os.path.join(root, lock)]
    return subprocess.call(pip) == 0


def _link(root: str, venv: str) -> None:
    """Make `import coalition` and `.venv/bin/coalition` mean this checkout, without building anything."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.check_output([_python(venv), "-I", "-c", where], text=True).strip()
    with open(os.path.join(site, "coalition.pth"), "w") as pth:
        pth.write(os.path.relpath(root, site) + "\n")
    launcher = os.path.join(venv, "bin", "coalition")
    with open(launcher, "w") as script:
        script.write(LAUNCHER.format(python=shlex.quote(_python(venv))))
    os.chmod(launcher, 0o755)  # noqa: S103 - a command is for everybody who may enter the folder


def _home(root: str, venv: str) -> "list[str]":
    # A virtual environment breaks when its folder is moved or the Python under it is replaced.
    python = os.path.realpath(_python(venv))
    return [root, python if os.path.exists(python) else "gone"]


def _digest(root: str, lock: str) -> str:
    with open(os.path.join(root, lock), "rb") as asked, open(__file__, "rb") as how:
        return hashlib.sha256(asked.read() + how.read()).hexdigest()


def _read(venv: str) -> "dict[str, Any]":
    try:
        with open(os.path.join(venv, STAMP)) as file:
            stamp: dict[str, Any] = json.load(file)
            return stamp
    except (OSError, ValueError):
        return {}


def _write(venv: str, stamp: "dict[str, Any]") -> None:
    with open(os.path.join(venv, STAMP), "w") as file:
        json.dump(stamp, file, indent=2)


def _python(venv: str) -> str:
    return os.path.join(venv, "bin", "python")


def _dotted(version: "tuple[int, int]") -> str:
    return ".".join(map(str, version))


def _tell(line: str) -> int:
    sys.stderr.write(line + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
