"""The runs of ``demo``: one of every kind of ending, and a few that are still at it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

from runboard.control import Control
from runboard.files import encode
from runboard.record import iso

CHATTY = """\
import itertools, sys, time
levels = [("32", "ok  "), ("33", "warn"), ("31", "fail"), ("36", "info")]
for turn in itertools.count(1):
    for percent in range(0, 101, 4):
        bar = "#" * (percent // 5)
        sys.stdout.write(f"\\rbatch {turn:3d} [{bar:<20}] {percent:3d}%")
        sys.stdout.flush()
        time.sleep(0.04)
    colour, word = levels[turn % 4]
    clock = time.strftime("%X")
    print(f"\\n\\x1b[1;{colour}m{word}\\x1b[0m batch {turn} loss {2.5 / (turn + 1):.4f} \\x1b[2m{clock}\\x1b[0m")
"""

AGENT = """\
import json, time
def say(kind, pause, **fields):
    print(json.dumps({"type": kind, "session_id": "5f1c2a90-demo", **fields}), flush=True)
    time.sleep(pause)
def message(role, pause, *content):
    say(role, pause, message={"role": role, "model": "claude-sonnet-4-5", "content": list(content)})
say("system", 1, subtype="init", cwd="/home/you/shop", model="claude-sonnet-4-5", tools=["Bash", "Edit", "Read"])
message("assistant", 2, {"type": "text", "text": "I'll look at the failing test first."})
files = ["tests/test_cart.py", "shop/cart.py", "shop/money.py", "shop/tax.py"]
for number, name in enumerate(files):
    call = f"toolu_{number:02d}"
    message("assistant", 2, {"type": "tool_use", "id": call, "name": "Read", "input": {"file_path": name}})
    message("user", 1, {"type": "tool_result", "tool_use_id": call, "content": f"{40 + number * 17} lines"})
message("assistant", 3, {"type": "text", "text": "Rounding happens twice: once per line and once for the sum."})
message("assistant", 2, {"type": "tool_use", "id": "toolu_09", "name": "Bash", "input": {"command": "pytest -q"}})
message("user", 1, {"type": "tool_result", "tool_use_id": "toolu_09", "content": "41 passed in 0.52s"})
usage = {"input_tokens": 1824, "cache_read_input_tokens": 20480, "output_tokens": 913}
say("result", 0, subtype="success", is_error=False, num_turns=7, duration_ms=20400, total_cost_usd=0.0312, usage=usage,
    result="The cart rounds once now, at the sum. All 41 tests pass.")
"""

TRAINING = """\
import time
for epoch in range(1, 1000):
    print(f"epoch {epoch} of 999  accuracy {1 - 0.6 / epoch:.3f}", flush=True)
    time.sleep(2)
"""

BUILD = 'for part in core parser store screen; do echo "compiling $part"; sleep 0.2; done; echo "4 parts built"'
FAILING = 'echo "collected 41 items"; sleep 0.5; echo "FAILED tests/test_cart.py::test_rounding - 0.30 != 0.3"; exit 3'
STUBBORN = 'trap "echo not yet" TERM; echo "ignoring TERM"; while :; do sleep 1; done'
CRASH = 'ulimit -c 0; echo "decoding frame 1842"; sleep 0.3; kill -SEGV $$'


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of the demo: its command, what to call it, and the words that the board has columns for."""

    name: str
    command: tuple[str, ...]
    timeout: float | None = None
    repo: str | None = None
    issue: str | None = None
    model: str | None = None
    tags: tuple[str, ...] = ()


def samples(scripts: str) -> list[Sample]:
    """Every sample but the older tool's; the Python ones are scripts in the directory ``scripts``."""
    python, claude = (sys.executable, "-u"), "claude-sonnet-4-5"
    return [
        Sample("build", ("sh", "-c", BUILD), tags=("nightly",)),
        Sample("unit tests", ("sh", "-c", FAILING), repo="shop"),
        Sample("interrupted script", ("sh", "-c", "echo 'stopped by its own ctrl+C'; exit 130")),
        Sample("video decoder", ("sh", "-c", CRASH)),
        Sample("link checker", ("sh", "-c", "echo 'checking 12,000 links'; sleep 600"), 3.0),
        Sample("load generator", (*python, f"{scripts}/chatty.py"), tags=("nightly",)),
        Sample("backup, silent", ("sleep", "3600"), 7200.0),
        Sample("fix the rounding", (*python, f"{scripts}/agent.py"), 1800.0, "shop", "41", claude, ("agent",)),
        Sample("stubborn server", ("sh", "-c", STUBBORN)),
        Sample("train the ranker", (*python, f"{scripts}/training.py"), 86400.0, "search", "7", "ranker", ("gpu",)),
    ]


def start_samples(control: Control, root: str, scripts: str) -> None:
    """Fill the runs directory ``root`` with living runs, and one that the older tool left; scripts lie elsewhere."""
    for name, text in (("chatty", CHATTY), ("agent", AGENT), ("training", TRAINING)):
        _write(f"{scripts}/{name}.py", text.encode())
    _leave_old_run(root, time.time())
    for sample in samples(scripts):
        control.start(
            sample.command,
            name=sample.name,
            timeout=sample.timeout,
            cwd=root,
            repo=sample.repo,
            issue=sample.issue,
            model=sample.model,
            tags=sample.tags,
        )


def _leave_old_run(root: str, now: float) -> None:
    """A finished run as the older tool writes it."""
    folder = f"{root}/issue-38-reviewer"
    os.mkdir(folder, 0o700)
    answer = b"Looks good. One remark: the retry has no upper limit.\n"
    record = {
        "id": "issue-38-reviewer",
        "repo": "shop",
        "issue": "38",
        "persona": "reviewer",
        "model": "claude-sonnet-4-5",
        "branch": "issue-38",
        "status": "completed",
        "pid": None,
        "startedAt": iso(now - 7260),
        "completedAt": iso(now - 6905),
        "error": None,
        "timeout": 30,
        "usage": {"input_tokens": 18211, "output_tokens": 1402, "total_tokens": 19613, "cost": 0.0757},
    }
    _write(f"{folder}/run.json", encode(record, indent=True))
    _write(f"{folder}/output.log", b"reading the change ...\n" + answer)
    _write(f"{folder}/response.md", answer)


def _write(path: str, data: bytes) -> None:
    """A new file with this in it."""
    with open(path, "xb") as file:
        file.write(data)
