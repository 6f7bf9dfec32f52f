"""The screens as pictures: drawn from fixed runs at a fixed time, they are the README's and must not change unnoticed.

After a wanted change: RUNBOARD_SNAPSHOTS=write pytest tests/test_ui_screens.py, and look at screenshots/.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from runboard.model import Identity, KillRequest, Outcome, Reason, Run, Status, Transition
from runboard.model import Usage as Spent
from runboard.process import Member, Usage
from runboard.ui.sources import Sources
from runboard.ui.taste import Taste
from runboard.worktree import Changes, FileChange
from tests.pictures import in_utc, is_as_in
from tests.pilots import NOW, Desk, fixed_board

__all__ = ["in_utc"]

HOME = Identity(pid=4242, start_ticks=1, boot_id="b", pid_namespace="n", host="atlas")
FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)


def live(run_id: str, name: str | None, command: str, age: float, **more: object) -> Run:
    """A running run."""
    run = Run(
        run_id,
        name=name,
        command=tuple(command.split()),
        started_at=NOW - age,
        process=HOME,
        cwd="/home/ada/lab",
        activity_at=NOW - 2,
    )
    return run._replace(**more)  # type: ignore[arg-type]


def over(run_id: str, name: str, command: str, ago_took: tuple[float, float], outcome: Outcome, **more: object) -> Run:
    """A run that ended so many seconds before now, and how many it took."""
    ago, took = ago_took
    end = NOW - ago
    history = (
        Transition(end - took, "", "running", "", "ada@atlas"),
        Transition(end, "running", str(outcome.status), str(outcome.reason or ""), "shim", "time from the exit record"),
    )
    run = live(run_id, name, command, ago + took, completed_at=end, outcome=outcome, history=history, activity_at=None)
    return run._replace(**more)  # type: ignore[arg-type]


def failed(
    reason: Reason, error: str, code: int | None = None, signal: int | None = None, *, core: bool = False
) -> Outcome:
    """A failure."""
    return Outcome(Status.FAILED, reason, error, code, signal, core)


RUNS = (
    live("77c0de5a", None, "make -j8 world", 48),
    live("c4d2e9f1", "crawl the docs", "python crawl.py", 95, kill_request=KillRequest(NOW - 2, "ada@atlas", 15)),
    live(
        "b81e44d2",
        "fix the flaky login test",
        "agent -p",
        312,
        timeout=1800.0,
        issue="#412",
        repo="shop/web",
        model="opus",
    ),
    live(
        *("3f9a1c07", "train resnet50", "python train.py --epochs 90", 4523),
        timeout=14400.0,
        tags=("gpu",),
        activity_at=NOW - 860,
    ),
    live("d00df00d", "nightly backup", "borg create", 3 * 86400, foreign="on host borealis"),
    live("11223344", "build the release", "make release", 5, queued=True),
    over("0b5e7a93", "unit tests", "pytest -q", (580, 38.4), FINE),
    over("e2a90f31", "lint and types", "ruff check", (650, 2.2), FINE),
    over(
        "91fe20bb",
        "review pull request 88",
        "agent review 88",
        (1100, 421),
        FINE,
        issue="#88",
        repo="shop/api",
        model="opus",
        usage=Spent(total_tokens=182_400, cost=1.37),
    ),
    over("5a6b7c8d", "import customers", "python import.py", (2400, 3), failed(Reason.EXITED, "Exited with code 3", 3)),
    over(
        *("aa11bb22", "decode frames", "./decode --threads 8 frames.mp4", (5200, 71)),
        failed(Reason.SIGNAL, "Crashed: SIGSEGV (core dumped)", signal=11, core=True),
        tags=("video", "nightly"),
        note="Happens with the new codec only.",
        usage=Spent(input_tokens=18234, output_tokens=2201, total_tokens=20435, cost=0.41),
    ),
    over(
        "feed1234",
        "sweep lr=0.3",
        "python sweep.py",
        (9000, 1800),
        failed(Reason.TIMEOUT, "Timeout exceeded (30m)", signal=15),
    ),
    over(
        "c0ffee00",
        "write the changelog",
        "agent -p",
        (12000, 95),
        failed(Reason.AGENT_ERROR, "API error 529: overloaded", 1),
    ),
    Run("dead10cc", damage="run.json ends in the middle of a value"),
    over(
        "13572468",
        "build image",
        "docker build .",
        (40000, 700),
        failed(Reason.KILLED, "Killed by ada@atlas (SIGTERM)", signal=15),
    ),
    over("86421357", "documentation", "mkdocs build", (41000, 12), FINE),
    over("0f1e2d3c", "sync the mirror", "rsync -a", (86400 * 2, 3000), FINE),
    over(
        "4d3c2b1a",
        "index worker",
        "python work.py",
        (86400 * 4, 60),
        failed(Reason.LOST, "The machine restarted while it ran"),
    ),
)


def batch(number: int) -> str:
    """A line of a log."""
    left = (5005 - number) // 13
    return f"  batch {number:4}/5005   {410 + number // 100 % 7} img/s   eta {left // 60}:{left % 60:02}"


ANSWER = """# The login test no longer flakes

The session cookie was compared **before** the clock was frozen, so a test that began in the last
milliseconds of a second saw two times. `freeze()` now comes first.

- `tests/test_login.py`: the clock is frozen in a fixture
- `web/session.py`: `expires_at` takes the time as an argument

```python
def expires_at(now: float) -> float:
    return now + LIFETIME
```

| tests | before | after |
|-------|-------:|------:|
| passed in 200 runs | 193 | 200 |

> Not touched: the same pattern in `test_reset.py`, see [#431](https://example.org/shop/web/431).
"""

TREE = tuple(
    Usage(Member(pid, 1, pid, "S", words.split()[0], tuple(words.split()), 0), cpu, memory << 20, age, depth)
    for pid, words, cpu, memory, age, depth in (
        (4242, "sh -c train.sh", 0.0, 3, 4523.0, 0),
        (4243, "python train.py --epochs 90", 3.91, 6200, 4522.0, 1),
        (4251, "python worker 0", 0.97, 910, 4490.0, 2),
        (4252, "python worker 1", 0.95, 884, 4490.0, 2),
    )
)
PATCH = """diff --git a/web/session.py b/web/session.py
@@ -18,4 +18,4 @@ class Session:
-    def expires_at(self):
-        return time.time() + LIFETIME
+    def expires_at(self, now: float) -> float:
+        return now + LIFETIME
"""
CHANGES = Changes(
    "main at 4f1c9e2",
    (FileChange("web/session.py", 2, 2), FileChange("tests/test_login.py", 14, 3)),
    ("notes.md",),
    tuple(PATCH.splitlines()),
)

LOG = (
    "\x1b[1mepoch 31/90\x1b[0m   loss 0.8421   top-1 71.2 %   lr 0.0100",
    *map(batch, range(100, 4300, 100)),
    "\x1b[33mwarning\x1b[0m  worker 3 is slow: 1.8 s for a batch",
    *map(batch, range(4300, 5001, 100)),
    "\x1b[32m✔\x1b[0m checkpoint written to runs/ckpt-031.pt",
)

SCREENS = {
    "board-80x24": ((80, 24), []),
    "board-120x36": ((120, 36), []),
    "board-200x50": ((200, 50), []),
    "board-40x10": ((40, 10), []),
    "details": ((120, 36), ["down"] * 10 + ["i"]),
    "confirm": ((120, 36), ["s"]),
    "mark": ((120, 36), ["down"] * 9 + ["m"]),
    "new": ((120, 36), ["n"]),
    "new-80x24": ((80, 24), ["n", *"train"]),
    "marks": ((120, 36), ["down"] * 7 + ["space", "space", "down", "space", "d"]),
    "signal": ((120, 36), ["x"]),
    "tags": ((120, 36), ["down"] * 10 + ["t"]),
    "columns": ((80, 24), ["c", "down", "down"]),
    "help": ((120, 36), ["question_mark"]),
    "filter": ((120, 36), ["slash", *"status:failed"]),
    "zoom": ((120, 36), ["enter", "pageup"]),
    "find": ((120, 36), ["enter", "slash", *"eta 1:", "enter"]),
    "only": ((80, 24), ["enter", "ampersand", *"warn", "enter", "plus", "plus"]),
    "find-in-all": ((120, 36), ["F", *"slow", "enter"]),
    "response": ((120, 36), ["down"] * 8 + ["2"]),
    "diff": ((120, 36), ["down"] * 8 + ["4"]),
    "processes": ((120, 36), ["5"]),
    "palette-80x24": ((80, 24), ["ctrl+p"]),
    "themes-80x24": ((80, 24), ["T"]),
    "signal-80x24": ((80, 24), ["x"]),
    "light": ((120, 36), []),
    "light-details": ((120, 36), ["down"] * 10 + ["i"]),
    "read-only": ((120, 36), []),
    "mistake": ((80, 24), ["slash", *"statsu:failed"]),
    "empty": ((120, 36), []),
}
"""Each picture: the size of the terminal, and the keys that lead to it."""


def log_has_come(desk: Desk) -> bool:
    """Whether the log pane, if it can be seen, shows as many lines of the chosen run as fit."""
    run, window = desk.log._run, desk.log._window
    there = run is not None and run.id == desk.table.cursor and window is not None
    return (
        not (desk.log.display and desk.app._run_pane.display)
        or desk.table.cursor is None
        or desk.log._only is not None
        or (there and window is not None and len(window.lines) == desk.log.rows)
    )


@pytest.mark.parametrize("name", SCREENS)
async def test_screens_look_as_in_the_pictures(name: str, tmp_path: Path) -> None:
    """Every screen is, to the byte, the picture that is checked in."""
    size, keys = SCREENS[name]
    for run in RUNS:
        (tmp_path / f"{run.id}.log").write_text("\n".join(LOG) + "\n", "utf-8")
    runs = () if name == "empty" else RUNS
    async with fixed_board(
        runs,
        size=size,
        logs=tmp_path,
        control=None if name == "read-only" else object(),
        lock="locked by the kernel",
        read_response=lambda _run_id: ANSWER,
        sources=Sources(processes=lambda _run: TREE, changes=lambda _run, _unwanted: CHANGES),
        taste=Taste(theme="runboard-light" if name.startswith("light") else "runboard"),
    ) as desk:
        # What is offered, and so what the help lists, depends on the chosen run.
        await desk.until(lambda: not runs or (desk.table.cursor is not None and log_has_come(desk)))
        for key in keys:
            await desk.press(key)
            await desk.until(lambda: log_has_come(desk))
        if name in {"find", "only"}:
            await desk.shows({"find": "of 8", "only": "&warn ±2 · 1 line"}[name], "batch 4200")
        if name == "find-in-all":
            await desk.shows("18 lines in 18 logs")
        if name in {"diff", "processes", "palette-80x24"}:
            awaited = {"diff": "2 files", "processes": "4 processes", "palette-80x24": "Columns"}
            await desk.shows(awaited[name])
        if name == "response":
            await desk.shows("The login test no longer flakes")
        await is_as_in(desk, name)
