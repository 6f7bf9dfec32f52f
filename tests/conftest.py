"""What holds for all tests: nothing of the home of who runs them is read, or left; how many run; a bystander."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

HOME = tempfile.TemporaryDirectory(prefix="runboard-tests-")
"""Where settings, what is remembered and caches are kept; gone with the process."""

for name in ("CONFIG", "STATE", "CACHE"):
    os.environ[f"XDG_{name}_HOME"] = os.path.join(HOME.name, name.lower())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a third of the time is spent waiting for processes and disks."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with any run, whatever a record says of it."""
    child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
