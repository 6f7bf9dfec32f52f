"""What all tests of faults share: the table that is printed at the end, and where faulty writers come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runboard.store import Store
from tests.faults.crash import Nursery, nursery
from tests.faults.table import Table

_TABLE = pytest.StashKey[Table]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, if any fault was tried."""
    lines = list(config.stash[_TABLE].lines()) if _TABLE in config.stash else []
    if lines:
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Table:
    """Where tests tell what they tried."""
    return request.config.stash.setdefault(_TABLE, Table())


@pytest.fixture(scope="module")
def writers() -> Iterator[Nursery]:
    """Where writers come from, and how they end."""
    with nursery() as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(str(tmp_path / "runs"))
