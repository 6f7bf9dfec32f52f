"""The table of what was tried: for each fault how often, how often it did harm, and how often the control did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Row:
    """One fault; a control is the same trial without the guard, and has to fail."""

    tries: int = 0
    failures: int = 0
    control_tries: int = 0
    control_failures: int = 0


class Table:
    """Adds up what the tests tell, by fault."""

    def __init__(self) -> None:
        """Nothing has been tried."""
        self._rows: dict[str, Row] = {}

    def tell(self, fault: str, tries: int, failures: int) -> None:
        """Add trials of the product; the test asserts for itself that there are no failures."""
        row = self._rows.setdefault(fault, Row())
        row.tries += tries
        row.failures += failures

    def control(self, fault: str, tries: int, failures: int) -> None:
        """Add trials without the guard, and see to it that some of them failed."""
        row = self._rows.setdefault(fault, Row())
        row.control_tries += tries
        row.control_failures += failures
        assert failures > 0, f"{fault}: the control did not fail in {tries} tries, so the trial proves nothing"

    def lines(self) -> Iterator[str]:
        """The table as text; nothing where nothing was tried."""
        if not self._rows:
            return
        width = max(map(len, self._rows))
        yield f"{'fault':<{width}}  {'tries':>6}  {'failures':>8}  without the guard"
        for fault, row in sorted(self._rows.items()):
            control = f"{row.control_failures} of {row.control_tries}" if row.control_tries else ""
            yield f"{fault:<{width}}  {row.tries:>6}  {row.failures:>8}  {control}"
