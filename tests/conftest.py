"""What holds for all tests: nothing of the home of who runs them is read, or left; how many run; a bystander."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = tempfile.TemporaryDirectory(prefix="runboard-tests-")
"""Where settings, what is remembered and caches are kept; gone with the process."""

for name in ("CONFIG", "STATE", "CACHE"):
    os.environ[f"XDG_{name}_HOME"] = os.path.join(HOME.name, name.lower())

for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:  # as of a shell's background jobs; what is tested would inherit it
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a third of the time is spent waiting for processes and disks."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where several run the whole suite each reads its share of the tests first, and finds the rest read by the others.

    Pytest rewrites every assert: ten seconds of each worker, unless it lies on the disk already.
    """
    tests = Path(__file__).parent
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if worker and [session.config.rootpath / name for name in session.config.args] == [tests]:
        sys.dont_write_bytecode = False
        for path in sorted(tests.rglob("test_*.py"))[int(worker.removeprefix("gw")) :: workers]:
            importlib.import_module(".".join(path.relative_to(tests.parent).with_suffix("").parts))


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with any run, whatever a record says of it."""
    child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
