"""What holds for all tests: nothing is read from the home of who runs them, or left in it; how many run at once."""

from __future__ import annotations

import os
import tempfile

import pytest

HOME = tempfile.TemporaryDirectory(prefix="runboard-tests-")
"""Where settings, what is remembered and caches are kept; gone with the process."""

for name in ("CONFIG", "STATE", "CACHE"):
    os.environ[f"XDG_{name}_HOME"] = os.path.join(HOME.name, name.lower())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a third of the time is spent waiting for processes and disks."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)
