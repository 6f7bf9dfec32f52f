"""``python -m tests.bench [--json FILE] [--against FILE] [NAME...]``: prints the figures, keeps or compares them."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Figure, table
from tests.bench.measures import MEASURES


def main() -> None:
    """Measure what was asked for, by default everything, and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--against", type=Path, help="compare with figures written earlier")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in MEASURES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    figures: list[Figure] = []
    for name in options.names or MEASURES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="runboard-bench-") as place:
            figures += (found := MEASURES[name](Path(place)))
            for figure in found:  # at once: what is measured last may take long, or be ended
                print("  ".join(filter(None, figure.row())), file=sys.stderr, flush=True)
    print(table(figures))
    if options.against:
        print("\n" + comparison(figures, json.loads(options.against.read_text("utf-8"))))
    if options.json:
        options.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n", "utf-8")


def comparison(figures: list[Figure], before: list[dict[str, object]]) -> str:
    """Each ratio, or median where there is no floor, against that of the earlier run."""
    earlier = {str(one["name"]): one for one in before}
    lines = ["figure, now against before:"]
    for figure in figures:
        now, then = figure.as_json(), earlier.get(figure.name)
        if then is None:
            continue
        key = "ratio" if now["ratio"] and then.get("ratio") else "median"
        lines.append(f"  {figure.name}: {key} {float(str(now[key])):.2f} against {float(str(then[key])):.2f}")
    return "\n".join(lines)


main()
