"""How much memory planning takes: a process of its own, which does nothing else, tells its peak."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

from coalition.clock import utcnow
from coalition.config import Config, read_config
from tests.bench import ways
from tests.bench.engines import opened

_KB_A_MB = 1024  # Linux counts ru_maxrss in kB


def peak_of_planning(config: Config) -> tuple[float, float]:
    """The peak in MB of a process that plans the weekly issue, and what it was before it began."""
    arguments = [sys.executable, "-m", "tests.bench.memory", str(config.home), config.database_url]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    peak, before = json.loads(done.stdout)
    return peak, before


def main(home: str, url: str) -> None:
    """Plan, and print both peaks as JSON."""
    with opened(read_config({"COALITION_HOME": home, "COALITION_DATABASE_URL": url})) as resources:
        before = peak()
        ways.plan(resources, utcnow())
        sys.stdout.write(json.dumps([peak(), before]))


def peak() -> float:
    # Linux hands ru_maxrss down from the process that started this one, so its own count is asked where there is one.
    status = Path("/proc/self/status")
    own = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE) if status.exists() else None
    return (int(own[1]) if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / _KB_A_MB


if __name__ == "__main__":
    main(*sys.argv[1:])
