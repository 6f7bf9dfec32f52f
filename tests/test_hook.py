"""The hook of endings: once for each, whoever settles it, with record and log, never waited for; told if it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from runboard import hook
from runboard.reconcile import finalize_run, preview
from runboard.store import Store
from tests.pilots import real_board
from tests.program import COMMAND, ended, environment, record, runboard
from tests.stores import finished
from tests.test_settlers import unsettled
from tests.waiting import until


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config file of our own, which all programs started from here read."""
    path = tmp_path / "config" / "runboard" / "config.toml"
    path.parent.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return path


def write(path: Path, text: str) -> None:
    """Put a text into a file."""
    path.write_text(text, "utf-8")


def hooked(config: Path, script: str) -> None:
    """Have a script for sh run at every ending."""
    config.write_text(f"[hooks]\non_finish = {json.dumps(['sh', '-c', script])}\n", "utf-8")


def result(runs: Path, run_id: str) -> dict[str, object]:
    """How a run's hook went, once it has."""
    path = runs / run_id / hook.RESULT
    until(path.exists, 10, "the hook is done")
    found = json.loads(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_a_hook_gets_the_record_and_the_log(tmp_path: Path, config: Path) -> None:
    """Settled with no board open, by the shim's successor: record on stdin, tail in a file, its words kept beside."""
    runs, out = tmp_path / "runs", tmp_path / "out"
    hooked(
        config, f'cat > {out}; cat "$RUNBOARD_LOG_TAIL"; echo "$RUNBOARD_ID $RUNBOARD_STATUS $PWD"; env >> {out}.env'
    )
    run_id = runboard(runs, "run", "--", "sh", "-c", "echo words; exit 3").stdout.strip()
    ended(runs, run_id)
    told = result(runs, run_id)
    assert told["output"] == f"words\n{run_id} failed {runs / run_id}\n"
    assert (told["exitCode"], told["trouble"]) == (0, None)
    seen = json.loads(out.read_text("utf-8"))
    assert seen == record(runs, run_id)
    assert "RUNBOARD_RUN_ID=" not in Path(f"{out}.env").read_text("utf-8"), "it would be taken for the run's own"
    until(lambda: not unfinished(runs), 10, "nothing is left of it")


def unfinished(runs: Path) -> list[str]:
    """What hooks that run, or that somebody died of, have in the queue."""
    return [name for name in os.listdir(runs / hook.QUEUE) if not name.startswith(".slot-")]


def test_a_dead_parent_leaves_nothing_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs hooks is killed amid one: no place but the queue has anything of it, and the next sweeps that."""
    runs, temporary = tmp_path / "runs", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    script = f"echo $PPID $$ $RUNBOARD_LOG_TAIL > {tmp_path}/said.new; mv {tmp_path}/said.new {tmp_path}/said; sleep 60"
    rung(runs, "11111111", ["sh", "-c", script], b"end\n")
    until((tmp_path / "said").exists, 10, "the hook runs")
    parent, orphan, log = (tmp_path / "said").read_text("utf-8").split()
    assert (Path(log).read_text("utf-8"), Path(log).stat().st_mode & 0o777) == ("end\n", 0o600)
    os.kill(int(parent), signal.SIGKILL)
    os.killpg(int(orphan), signal.SIGKILL)
    assert unfinished(runs) == [Path(log).name], "the control: there is something to be swept"
    assert os.listdir(temporary) == []
    assert swept_by_another(runs, "22222222") == [Path(log).name], "it may be another host's, whose hook still reads it"
    os.utime(log, (0, 0))
    assert swept_by_another(runs, "33333333") == []


def rung(runs: Path, run_id: str, words: list[str], tail: bytes) -> None:
    """Have a hook run for an ending."""
    (runs / run_id).mkdir(parents=True)
    hook.fire(words, {"id": run_id, "status": "failed"}, root=str(runs), tail=tail)


def swept_by_another(runs: Path, run_id: str) -> list[str]:
    """What the queue holds after another ending has had its hook."""
    rung(runs, run_id, ["true"], b"")
    result(runs, run_id)
    until(lambda: len(unfinished(runs)) < 2, 10, "its own is gone")
    return unfinished(runs)


def test_fifty_settlers_run_it_once(tmp_path: Path, config: Path) -> None:
    """Fifty settlers meet at one ending, and the hook has run exactly once."""
    runs, out = tmp_path / "runs", tmp_path / "out"
    run_id = unsettled(runs)
    hooked(config, f"echo ran >> {out}")
    base = [*COMMAND, "--runs-dir", str(runs)]
    with Store(str(runs)).locked(run_id):
        settlers = [
            subprocess.Popen([*base, *verb], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for verb in [["ps"], ["reconcile", run_id]] * 25
        ]
        time.sleep(0.5)
    for settler in settlers:
        settler.wait(60)
    result(runs, run_id)
    assert out.read_text("utf-8") == "ran\n"


def test_its_result_is_not_swept_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sweeps a run's directory meanwhile, as `reconcile` does, has its lock, and so has the hook's parent."""
    runs = tmp_path / "runs"
    store = Store(str(runs))
    run_id = finished(store).id
    sheet = {"words": ["true"], "record": record(runs, run_id), "root": str(runs), "limit": 10.0, "tail": ""}
    (runs / hook.QUEUE).mkdir()
    path, over = runs / run_id / hook.RESULT, threading.Event()

    def lost(times: int) -> int:
        """So many hooks, and how many of them have left nothing."""
        missing = 0
        for _ in range(times):
            hook._attend(sheet)
            missing += not path.exists()
            path.unlink(missing_ok=True)
        return missing

    def sweep() -> None:
        """Sweep again and again, with time for others between."""
        while not over.wait(0.001):
            store.tidy(run_id)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        assert lost(20) == 0
        monkeypatch.setattr("runboard.lock.acquire", lambda *_: None)
        assert lost(20) > 0, "negative control: without the lock some are swept before they have their name"
    finally:
        over.set()
        sweeper.join()


def test_who_fires_without_having_persisted_runs_it_again(tmp_path: Path, config: Path) -> None:
    """Firing whenever a finished run is met, which is not what we do, would run it for every settler."""
    runs, out = tmp_path / "runs", tmp_path / "out"
    run_id = unsettled(runs)
    hooked(config, f"echo ran >> {out}")
    store = Store(str(runs))
    for _ in range(3):
        finalize_run(store, run_id)
    until(out.exists, 10)
    result(runs, run_id)
    assert out.read_text("utf-8") == "ran\n"
    hook.fire(hook.command(os.environ), record(runs, run_id), root=str(runs), tail=b"")
    until(lambda: out.read_text("utf-8") == "ran\nran\n", 10)


def test_who_only_looks_runs_none(tmp_path: Path, config: Path) -> None:
    """A judgement in memory, as --watch makes it, starts no hook."""
    runs, out = tmp_path / "runs", tmp_path / "out"
    run_id = unsettled(runs)
    hooked(config, f"echo ran >> {out}")
    assert preview(Store(str(runs)), run_id).finished
    time.sleep(0.3)
    assert not out.exists()


def test_it_delays_nobody_and_is_ended_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that hangs, with a child that ignores TERM, holds up nobody, is ended, and the journal says so."""
    runs = tmp_path / "runs"
    run_id = unsettled(runs)
    script = f"trap '' TERM; echo begun; echo $$ > {tmp_path}/pid; while :; do sleep 0.1; done"
    began = time.monotonic()
    hook.fire(["sh", "-c", script], record(runs, run_id), root=str(runs), tail=b"", limit=0.5)
    assert time.monotonic() - began < 0.4
    told = result(runs, run_id)
    assert (told["trouble"], told["output"]) == ("took longer than 0.5 s and was ended", "begun\n")
    assert not Path("/proc", (tmp_path / "pid").read_text("utf-8").strip()).exists()


def test_its_output_is_bounded(tmp_path: Path) -> None:
    """A hook that writes without end is read, and only the beginning is kept."""
    runs = tmp_path / "runs"
    run_id = unsettled(runs)
    hook.fire(["sh", "-c", "yes | head -c 1000000; exit 5"], record(runs, run_id), root=str(runs), tail=b"")
    told = result(runs, run_id)
    assert (told["exitCode"], len(str(told["output"]))) == (5, hook.OUTPUT)


def test_many_endings_start_four_at_a_time(tmp_path: Path) -> None:
    """Forty hooks queued at once have each run once, never more than four together, and the queue is empty."""
    runs, out = tmp_path / "runs", tmp_path / "out"
    out.mkdir()
    script = f"cd {out}; touch now-$RUNBOARD_ID; ls | grep -c now- >> most; cat >> seen; rm now-$RUNBOARD_ID"
    for number in range(40):
        (runs / f"{number:08x}").mkdir(parents=True)
        hook.fire(["sh", "-c", script], {"id": f"{number:08x}", "status": "failed"}, root=str(runs), tail=b"")
    until(lambda: len(list(runs.glob(f"*/{hook.RESULT}"))) == 40, 30)
    seen = (out / "seen").read_text("utf-8")
    assert all(seen.count(f'"{number:08x}"') == 1 for number in range(40))
    assert max(map(int, (out / "most").read_text("utf-8").split())) <= hook.SLOTS
    until(lambda: not list((runs / hook.QUEUE).glob("*.json")))


async def test_its_failure_is_shown(tmp_path: Path, config: Path) -> None:
    """A hook that fails is told in the board and by doctor, its words cleaned; one that is no program too."""
    runs = tmp_path / "runs"
    hooked(config, "printf 'a\\nbad [b]\\033[31mluck'; exit 9")
    async with real_board(runs) as desk:
        for name in ("one", "two"):  # whose it was is told, and the same words of another's are told again
            run_id = runboard(runs, "run", "--name", name, "--", "true").stdout.strip()
            words = f"on_finish failed for {run_id} {name}: exited with code 9: bad [b]luck"
            await desk.until(lambda words=words: words in desk.toasts(), 15)  # type: ignore[misc]
        write(config, '[hooks]\non_finish = ["no-such-program"]\n')
        other = runboard(runs, "run", "--", "true").stdout.strip()
        await desk.until(lambda: any("no-such-program: No such file" in toast for toast in desk.toasts()), 15)
    assert (run_id != other, record(runs, run_id)["status"]) == (True, "completed")
    told = runboard(runs, "doctor").stdout
    assert "no-such-program: No such file" in told
    assert "no-such-program" in runboard(runs, "show", other).stdout


async def test_its_failure_is_among_what_is_known_of_the_run(tmp_path: Path) -> None:
    """Details have it as a step of the history, at once and on a later board, and `show` has it; a fine one has none.

    Where the result could not be written the journal tells, of which no more than the end is read.
    """
    runs = tmp_path / "runs"
    store = Store(str(runs))
    failed, fine = finished(store).id, finished(store).id

    def fire(run_id: str, script: str) -> None:
        hook.fire(["sh", "-c", script], record(runs, run_id), root=str(runs), tail=b"")

    step = ("History", "on_finish failed", "exited with code 9: bad [b]luck")
    async with real_board(runs) as desk:
        await desk.until(lambda: desk.table.cursor)
        desk.table.go_to(failed)
        await desk.press("3")
        await desk.shows("History", "by me")
        assert "on_finish" not in desk.text()
        fire(failed, "printf 'bad [b]\\033[31mluck'; exit 9")
        await desk.shows(*step, limit=15)
        await desk.press("i")
        await desk.shows("by me", *step)
    fire(fine, "true")
    result(runs, fine)
    async with real_board(runs) as desk:
        await desk.until(lambda: desk.table.cursor)
        desk.table.go_to(failed)
        await desk.press("3")
        await desk.shows(*step)
        desk.table.go_to(fine)
        await desk.hides(step[1])  # negative control: one that did well is nothing to be told
        await desk.shows("History")
    (runs / failed / hook.RESULT).unlink()
    assert step[2] in runboard(runs, "show", failed).stdout
    with (runs / ".journal" / os.uname().nodename).open("a", encoding="utf-8") as file:
        file.write('{"at":"2026-01-01T00:00:00Z","id":"elsewhere"}\n' * 30_000)
    assert "on_finish" not in runboard(runs, "show", failed).stdout  # it lies before what is read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[hooks]\non_finish = "a | b"\n', ("sh", "-c", "a | b")),
        ('[hooks]\non_finish = ["a", "b c"]\n', ("a", "b c")),
        ("[hooks]\non_finish = 5\n", ()),
        ('on_finish = "a"\n', ()),
        ("[hooks\non_finish", ()),
        ("", ()),
    ],
)
def test_what_the_config_says(config: Path, text: str, words: tuple[str, ...]) -> None:
    """A list of words or a line for sh is a hook; whatever else is there is none, and stops no settling."""
    config.write_text(text, "utf-8")
    assert hook.command(os.environ) == words
    config.unlink()
    assert hook.command(os.environ) == ()
