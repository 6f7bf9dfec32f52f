"""Coding agents' runs: real captures replayed with their wait status, and as the older tool's, reach their truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runboard.board import Board
from runboard.columns import COLUMNS, shown
from runboard.control import Control
from runboard.model import Outcome, Run, Status, Usage
from runboard.record import iso
from runboard.store import Store
from tests.program import ended, environment, record, runboard
from tests.test_reconciler import looking
from tests.waiting import until

DATA = Path(__file__).parent / "data" / "agents"
SAMPLES: list[dict[str, Any]] = json.loads((DATA / "INDEX.json").read_text("utf-8"))["samples"]
NO_SUCH_PID = 2**22 - 3


def replay(sample: dict[str, Any]) -> list[str]:
    """A command that prints a capture and ends as the agent did; signals by really signalling."""
    code = sample["returncode"]
    end = f"kill -{-code} $$" if code < 0 else f"exit {code}"
    return ["sh", "-c", f"cat {DATA / sample['file']}; {end}"]


def usage_of(found: dict[str, Any]) -> dict[str, Any]:
    """The usage as a record tells it; absent fields are not told."""
    return found.get("usage") or {}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """All captures replayed through the front door at once: the runs directory and the id of each."""
    runs = tmp_path_factory.mktemp("replayed")
    control = Control(Store(str(runs)))
    return runs, {sample["file"]: control.start(replay(sample)).id for sample in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["file"])
def test_every_capture_reaches_its_outcome(replayed: tuple[Path, dict[str, str]], sample: dict[str, Any]) -> None:
    """Status, reason, the words of the error, and the usage are exactly those that the index gives."""
    runs, ids = replayed
    found = ended(runs, ids[sample["file"]])
    assert (found["status"], found["reason"]) == (sample["status"], sample["reason"])
    assert sample.get("error_contains", "") in (found["error"] or "")
    if "usage" in sample:
        assert usage_of(found) == pytest.approx(sample["usage"])
    answer = runs / ids[sample["file"]] / "response.md"
    if sample["status"] == "completed":
        until(answer.exists)  # it is written after the record
    assert answer.exists() is (sample["status"] == "completed")


def older(runs: Path, run_id: str, log: bytes) -> None:
    """A run of the older tool whose process is gone, with a log and no exit record."""
    (runs / run_id).mkdir()
    (runs / run_id / "output.log").write_bytes(log)
    doc = {"id": run_id, "status": "running", "pid": NO_SUCH_PID, "startedAt": iso(time.time() - 60)}
    (runs / run_id / "run.json").write_text(json.dumps(doc), "utf-8")


@pytest.mark.parametrize("through_script", [False, True], ids=["plain", "script(1)"])
def test_as_runs_of_the_older_tool(tmp_path: Path, through_script: bool) -> None:
    """With no exit record the log decides: success is inferred, an error told, and no final event never completed."""
    for sample in SAMPLES:
        log = (DATA / sample["file"]).read_bytes()
        if through_script:
            log = b"Script started on 2026-11-22 10:00:00+00:00\r\n" + log.replace(b"\n", b"\r\n")
            log += b'\r\nScript done on 2026-11-22 10:01:00+00:00 [COMMAND_EXIT_CODE="0"]\r\n'
        older(tmp_path, sample["file"], log)
    assert runboard(tmp_path, "reconcile").returncode == 0
    for sample in SAMPLES:
        found = record(tmp_path, sample["file"])
        # Where a signal ended it, its log simply stops.
        reason = {"exited": "inferred", "signal": "no-result"}.get(sample["reason"], sample["reason"])
        assert (found["status"], found["reason"]) == (sample["status"], reason), sample["file"]
        assert sample.get("error_contains", "") in (found["error"] or "")
        if "usage" in sample:
            assert usage_of(found) == pytest.approx(sample["usage"])


def test_an_answer_is_written_once_and_from_the_transcript(tmp_path: Path) -> None:
    """response.md holds the agent's final text, not its log; one that the agent wrote itself is left as it is."""
    control = Control(Store(str(tmp_path)))
    lines = DATA / "codex-ok.jsonl"
    told = control.start(["cat", str(lines)]).id
    ended(tmp_path, told)
    texts = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    final = [event["item"]["text"] for event in texts if event.get("item", {}).get("type") == "agent_message"][-1]
    until((tmp_path / told / "response.md").exists)
    assert (tmp_path / told / "response.md").read_text("utf-8").strip() == final.strip()
    own = control.start(["sh", "-c", f"echo mine > {tmp_path}/$RUNBOARD_RUN_ID/response.md; cat {lines}"]).id
    ended(tmp_path, own)
    assert (tmp_path / own / "response.md").read_text("utf-8") == "mine\n"


CLAUDE = {
    "init": {"type": "system", "subtype": "init", "session_id": "s1", "model": "claude-x", "tools": [], "cwd": "/"},
    "said": {
        "type": "assistant",
        "session_id": "s1",
        "message": {
            "id": "m1",
            "role": "assistant",
            "model": "claude-x",
            "content": [{"type": "text", "text": "Looking."}],
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 7},
        },
    },
    "limit": {
        "type": "rate_limit_event",
        "session_id": "s1",
        "rate_limit_info": {"status": "allowed_warning", "resetsAt": 1795342272, "rateLimitType": "five_hour"},
    },
}


def test_tokens_and_warnings_show_while_an_agent_runs(tmp_path: Path) -> None:
    """A board sees tokens, model and a rate-limit warning of a live agent, and reads on from where it was."""
    parts = [json.dumps(CLAUDE[name]) for name in ("init", "said", "limit")]
    gate = tmp_path / "gate"
    before = f"printf '%s\\n' '{parts[0]}' '{parts[1]}'; while [ ! -e {gate} ]; do sleep 0.05; done"
    script = f"{before}; printf '%s\\n' '{parts[2]}'; sleep 100"
    runs = tmp_path / "runs"
    control = Control(Store(str(runs)))
    run = control.start(["sh", "-c", script])
    try:
        with looking(runs) as audience:
            until(lambda: audience.runs[run.id].usage is not None, 15)
            seen = audience.runs[run.id]
            assert seen.usage is not None
            assert (seen.usage.input_tokens, seen.usage.cache_read_tokens, seen.usage.output_tokens) == (10, 90, 7)
            assert (seen.model, seen.agent, seen.warnings) == ("claude-x", "claude", ())
            gate.touch()
            until(lambda: audience.runs[run.id].warnings, 10)
    finally:
        control.kill(run.id, grace=0.5)
    assert record(runs, run.id)["reason"] == "killed"
    assert record(runs, run.id)["usage"]["cache_read_tokens"] == 90


def test_ps_and_show_tell_tokens_and_cost(replayed: tuple[Path, dict[str, str]]) -> None:
    """`ps --json` carries the usage, the table has columns for it, and show prints a cost line."""
    runs, ids = replayed
    run_id = ids["opencode-ok.jsonl"]
    ended(runs, run_id)
    listed = {one["id"]: one for one in json.loads(runboard(runs, "ps", "-a", "--json").stdout)}
    assert listed[run_id]["usage"]["cost"] == pytest.approx(0.000715)
    table = runboard(runs, "ps", "-a").stdout
    assert "TOKENS" in table
    assert "COST" in table
    showing = runboard(runs, "show", run_id).stdout
    assert "$0.0007" in showing
    assert "1,234 total" in showing


def test_columns_and_sums() -> None:
    """Counts and costs are short, optional columns come only when filled, and the burn rate spreads cost over time."""
    now = 100_000.0
    usage = Usage(total_tokens=1_234_000, cost=2.0)
    live = Run(id="a", started_at=now - 7_200, usage=usage)
    old = Run(
        id="b",
        started_at=now - 9_000,
        completed_at=now - 8_000,
        outcome=Outcome(Status.COMPLETED),
        usage=Usage(total_tokens=900, cost=0.005),
    )
    cells = {column.key: column.text(live, now) for column in COLUMNS}
    assert (cells["tokens"], cells["cost"]) == ("1.2M", "$2.00")
    assert {column.key: column.text(old, now) for column in COLUMNS}["cost"] == "$0.0050"
    assert "cost" not in [column.key for column in shown([Run(id="c")])]
    assert "cost" in [column.key for column in shown([Run(id="c"), live])]
    spending = Board([live, old]).spending(now)
    assert spending is not None
    assert spending.tokens == 1_234_900
    assert spending.cost == pytest.approx(2.005)
    assert spending.per_hour == pytest.approx(1.0)
    assert Board([Run(id="c")]).spending(now) is None


def test_a_log_of_two_gigabytes_settles_at_once(tmp_path: Path) -> None:
    """A transcript with two gigabytes in its middle is judged by its head and tail, in bounded memory."""
    lines = (DATA / "codex-ok.jsonl").read_bytes().splitlines(keepends=True)
    older(tmp_path, "big", lines[0])
    with (tmp_path / "big" / "output.log").open("r+b") as log:
        log.truncate(2 << 30)
        log.seek(0, os.SEEK_END)
        log.write(b"\n" + b"".join(lines[1:]))
    code = (
        "from runboard.reconcile import settle\nfrom runboard.store import Store\n"
        f"print(settle(Store({str(tmp_path)!r}), 'big').status)\n"
        "print(next(int(line.split()[1]) // 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    status, megabytes = done.stdout.split()
    assert status == "completed"
    assert int(megabytes) < 100
