"""A measured figure: samples, what they are compared with, and the aim; printed as one row and kept as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field


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

    def row(self) -> list[str]:
        """The cells of the printed table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        base = f"{quantile(self.floor, 0.5):.2f}" if self.floor else ""
        cells = [f"{quantile(self.samples, part):.2f}" for part in (0.5, 0.99)]
        return [self.name, self.unit, *cells, base, self.against, ratio, self.aim]

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
        }


def quantile(samples: list[float], part: float) -> float:
    """The sample below which ``part`` of all lie; 0 where there is none."""
    ranked = sorted(samples)
    return ranked[min(len(ranked) - 1, int(len(ranked) * part))] if ranked else 0.0


def table(figures: list[Figure]) -> str:
    """All rows, aligned."""
    head = ["figure", "unit", "median", "p99", "floor", "against", "ratio", "aim"]
    rows = [head, *(figure.row() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
