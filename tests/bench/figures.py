"""A measured figure: samples, what they are compared with, and the aim; printed as one row and kept as JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_CONDITION = re.compile(r"(?:(median|p99) )?(<=|<) ([0-9]+(?:\.[0-9]+)?)(x)?")
"""One part of an aim: of the median or the 99th percentile, or with an x of the ratio; other words are for people."""


@dataclass(frozen=True)
class Figure:
    """One row: samples in ``unit``, those of the floor or peer in the same run, and the aim in words."""

    name: str
    unit: str
    samples: list[float]
    against: str
    floor: list[float] = field(default_factory=list)
    aim: str = ""

    @property
    def ratio(self) -> float | None:
        """Median over the floor's median; None without a floor."""
        base = quantile(self.floor, 0.5) if self.floor else 0.0
        return quantile(self.samples, 0.5) / base if base else None

    @property
    def kept(self) -> bool | None:
        """Whether the aim was kept; None where there is none that a program can judge, or nothing was measured."""
        verdicts = []
        for what, sign, number, times in (
            found.groups() for found in map(_CONDITION.fullmatch, self.aim.split(", ")) if found
        ):
            value = self.ratio if times else quantile(self.samples, 0.99 if what == "p99" else 0.5)
            if value is None or not self.samples:
                return None
            verdicts.append(value < float(number) or (sign == "<=" and value == float(number)))
        return all(verdicts) if verdicts else None

    def row(self) -> list[str]:
        """The cells of the printed table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        base = _short(quantile(self.floor, 0.5)) if self.floor else ""
        cells = [_short(quantile(self.samples, part)) if self.samples else "" for part in (0.5, 0.99)]
        kept = {None: "", True: "yes", False: "NO"}[self.kept]
        return [self.name, self.unit, *cells, base, self.against, ratio, self.aim, kept]

    def as_json(self) -> dict[str, object]:
        """The figure for a machine to compare with another day's."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": quantile(self.samples, 0.5),
            "p99": quantile(self.samples, 0.99),
            "n": len(self.samples),
            "against": self.against,
            "floor": quantile(self.floor, 0.5) if self.floor else None,
            "ratio": self.ratio,
            "aim": self.aim,
            "kept": self.kept,
        }


def quantile(samples: list[float], part: float) -> float:
    """The sample below which ``part`` of all lie; 0 where there is none."""
    ranked = sorted(samples)
    return ranked[min(len(ranked) - 1, int(len(ranked) * part))] if ranked else 0.0


def table(figures: list[Figure]) -> str:
    """All rows, aligned."""
    head = ["figure", "unit", "median", "p99", "floor", "against", "ratio", "aim", "kept"]
    rows = [head, *(figure.row() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    numbers = {head.index(name) for name in ("median", "p99", "floor", "ratio")}
    return "\n".join(
        "  ".join(
            cell.rjust(widths[at]) if at in numbers else cell.ljust(widths[at]) for at, cell in enumerate(row)
        ).rstrip()
        for row in rows
    )


def _short(value: float) -> str:
    """A number with as many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 100 else f"{value:.2f}"
