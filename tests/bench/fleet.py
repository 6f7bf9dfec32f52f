"""A fleet: as many runs in a directory as a busy year leaves, written straight to the disk, the same every time."""

from __future__ import annotations

import os
import random
from pathlib import Path

from runboard import files
from runboard.model import Run
from runboard.record import iso
from runboard.store import Store

REPOS = ("shop", "site", "billing", "search-index", "mobile-app", "infra", "data-pipeline", "ml-training", None)
MODELS = ("claude-opus-4-1", "claude-sonnet-4", "gpt-5-codex", "gemini-2.5-pro", "qwen3-coder", None, None)
PERSONAS = ("engineer", "reviewer", "tester", None, None, None)
HOSTS = ("forge", "anvil", "node-17.cluster.example.org")
TASKS = ("nightly tests", "fix flaky login", "train ranker", "port to Python 3.13", "sweep lr", "review pull request")
TAGS = ("nightly", "slow", "gpu", "release", "experiment-7")
ENDINGS = (
    ("completed", "exited", None, 0, None),
    ("completed", "exited", None, 0, None),
    ("completed", "exited", None, 0, None),
    ("completed", None, None, 0, None),
    ("failed", "exited", "Exited with code 1", 1, None),
    ("failed", "exited", "Exited with code 145", 145, None),
    ("failed", "signal", "Crashed: SIGSEGV (core dumped)", None, 11),
    ("failed", "killed", "Killed by alice@forge (SIGTERM)", None, 15),
    ("failed", "timeout", "Timeout exceeded (30m)", None, 15),
    ("failed", "agent-error", "API Error: 529 the service is overloaded, try again later", 1, None),
)
LATEST = 1_795_300_000.0
"""Epoch seconds at which the last of them ended."""


def fleet(place: Path, finished: int = 100_000, live: int = 0) -> Store:
    """A runs directory with so many finished runs, and so many live ones that sleep until they are killed."""
    place.mkdir(parents=True, exist_ok=True)
    chance = random.Random(7)
    for number in range(finished):
        put(place, f"{chance.getrandbits(32):08x}", record(chance, number))
    store = Store(str(place))
    if live:
        sleepers(store, live)
    return store


def put(place: Path, run_id: str, doc: dict[str, object]) -> None:
    """Write one run's record; a name that is taken stays as it is."""
    folder = f"{place}/{run_id}"
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return
    with open(f"{folder}/run.json", "wb") as file:
        file.write(files.encode({"id": run_id, **doc}, indent=True))


def record(chance: random.Random, number: int) -> dict[str, object]:
    """What a finished run's run.json holds; they ended a few minutes from one another."""
    status, reason, error, code, signal = chance.choice(ENDINGS)
    ended = LATEST - number * 300 + chance.random() * 600
    started = ended - chance.lognormvariate(5, 2)
    repo, task, host = chance.choice(REPOS), chance.choice(TASKS), chance.choice(HOSTS)
    spent = chance.randrange(2_000, 900_000)
    at, to = iso(started), iso(ended)
    return {
        "repo": repo,
        "issue": f"{repo}#{chance.randrange(2000)}" if repo and chance.random() < 0.5 else None,
        "persona": chance.choice(PERSONAS),
        "model": (model := chance.choice(MODELS)),
        "branch": f"work/{task.replace(' ', '-')}-{number % 97}" if repo else None,
        "status": status,
        "pid": 1000 + number % 60_000,
        "startedAt": at,
        "completedAt": to,
        "error": error,
        "timeout": 30,
        "usage": {"input_tokens": spent // 3, "total_tokens": spent, "cost": round(spent / 250_000, 4)}
        if model
        else None,
        "schema": 1,
        "name": f"{task} {number}",
        "command": ["python", "-m", "jobs.run", "--task", task, "--seed", str(number)],
        "cwd": f"/home/alice/{repo or 'work'}",
        "tags": chance.sample(TAGS, chance.randrange(3)),
        "reason": reason,
        "exitCode": code,
        "signal": signal,
        "process": {
            "pid": 1000 + number % 60_000,
            "startTicks": 5_000_000 + number * 7,
            "bootId": "5b1ff3b8-9d1c-4a4e-8a5e-2f3d1c0a9b87",
            "pidNamespace": "pid:[4026531836]",
            "host": host,
        },
        "history": [
            {"at": at, "from": "", "to": "running", "by": f"alice@{host}"},
            {"at": to, "from": "running", "to": status, "reason": reason, "by": "shim", "detail": "exit record"},
        ],
    }


def sleepers(store: Store, count: int) -> list[Run]:
    """So many live runs that only sleep."""
    from runboard.control import Control  # noqa: PLC0415 - who only writes records does without

    control = Control(store)
    return [control.start(["sleep", "10000"], name=f"sleeper {number}") for number in range(count)]
