"""Runs a mail server of Debian's for one test: with an /etc and a /var of its own, and no trace of it afterwards.

It lives in a mount namespace, where it finds its configuration and its users in the usual places and nobody else does.
Ended, it takes all its processes along. What it accepts it passes on to a server of the test's, and nowhere else.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.processes import children

# Where .ci/run unpacks the packages that can't be installed beside each other.
UNPACKED = Path(os.environ.get("TEST_MAIL_SERVERS", "/var/cache/coalition-mail-servers"))
_SEEN_AT = Path("/mnt")  # there by the server, who sees another /var
_STUCK = 60.0  # seconds after which a server that does not answer is called stuck
_STEP = 0.1


def why_not(program: Path) -> str | None:
    """The reason why this machine can't run it; None where it can."""
    if os.geteuid() != 0:
        return "only root can give a mail server its users"
    if not program.exists():
        return f"{program.name} is not there: see .ci/run"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "this machine allows no mount namespaces"


def wait_for_greeting(port: int, process: subprocess.Popen[bytes]) -> None:
    """Returns once a server greets on this port; AssertionError where its process ends before that."""
    for _ in range(int(_STUCK / _STEP)):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), _STUCK) as tried:
            tried.settimeout(_STUCK)
            if tried.recv(1000).startswith(b"220"):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STEP)
            break
    raise AssertionError("The server does not answer.")


class Private:
    """A folder with the /etc and /var of one server, and the server."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.etc, self.var = folder, folder / "etc", folder / "var"
        folder.chmod(0o755)
        shutil.copytree("/etc", self.etc, symlinks=True, ignore_dangling_symlinks=True)
        for each in ("cache/ldconfig", "lib", "log", "run", "spool"):
            (self.var / each).mkdir(parents=True)
        libraries = [self.inside(each) for each in sorted(UNPACKED.glob("usr/lib/*-linux-gnu"))]
        (self.etc / "ld.so.conf.d" / "unpacked.conf").write_text("".join(f"{each}\n" for each in libraries))

    def inside(self, path: Path) -> Path:
        """Where the server sees something that was unpacked."""
        return _SEEN_AT / path.relative_to(UNPACKED)

    def add_user(self, name: str, number: int) -> None:
        """A user and a group of this name, whom only the server sees."""
        for file, line in (
            ("passwd", f"{name}:x:{number}:{number}::/:/bin/false\n"),
            ("group", f"{name}:x:{number}:\n"),
        ):
            with (self.etc / file).open("a") as users:
                users.write(line)

    def start(self, command: Sequence[str | Path], port: int, *, over: dict[Path, str] | None = None) -> None:
        """Start the server, and return once it greets on this port. `over` are folders to be seen in other places."""
        mounts = {UNPACKED: str(_SEEN_AT)} if UNPACKED.exists() else {}
        mounts |= {**(over or {}), self.etc: "/etc", self.var: "/var"}
        steps = [f"mount --bind {source} {target}" for source, target in mounts.items()]
        steps += ["mount -t tmpfs none /run", "mount -t proc proc /proc", "/sbin/ldconfig"]
        script = " && ".join([*steps, 'exec "$@"'])
        self._log = (self._folder / "log").open("w+b")
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        try:
            wait_for_greeting(port, self._process)
        except AssertionError as error:
            said = self.said()
            self.stop()
            raise AssertionError(f"{command[0]} does not answer:\n{said}") from error

    def said(self) -> str:
        """What it has written so far."""
        logs = [self._folder / "log", *sorted((self.var / "log").rglob("*"))]
        return "\n".join(each.read_text("utf-8", "replace") for each in logs if each.is_file())

    def stop(self) -> None:
        """End it and all it has started: with the first of its processes the kernel ends the others."""
        for first in children("", self._process.pid):
            os.kill(first, signal.SIGKILL)
        self._process.wait()
        self._log.close()
