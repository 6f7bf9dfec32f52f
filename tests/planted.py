"""A runs directory, a home and an environment in which every place that can hold a text holds a hostile one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.hostile import payloads
from tests.leaving import ago

DIGITS = "0123456789abcdefghijklmnopqrstuv"
_TEXTS = ("repo", "issue", "persona", "branch", "engine", "agent", "sessionId", "rerunOf")
_GIT = ("git", "-c", "user.name=x", "-c", "user.email=x", "-c", "init.defaultBranch=main")


class Planter:
    """Puts the next payload, behind its mark, wherever one is wanted, and counts them."""

    def __init__(self, seed: int) -> None:
        """Take the payloads of a seed."""
        self._texts = payloads(seed)
        self.placed = 0
        self.last_lines: list[str] = []
        self.first_words: list[str] = []
        self.troubles: list[str] = []

    def text(self) -> str:
        """The next payload; bytes that are no UTF-8 are surrogates in it."""
        mark = self.mark()
        self.placed += 1
        return f"{mark}{next(self._texts)}."

    def mark(self) -> str:
        """The mark of the next payload."""
        return "¤" + "".join(DIGITS[self.placed >> shift & 31] for shift in (10, 5, 0))

    def tame(self) -> str:
        """A mark with nothing behind it, to be waited for."""
        return self.text()[:4]

    def line(self) -> bytes:
        """The next payload as a program would write it."""
        text = self.text()
        try:
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return text.encode("utf-8", "surrogatepass")

    def word(self, most: int = 2000) -> str:
        """The next payload as the kernel takes it: an argument, a variable, with ``most`` 200 a file's name."""
        return os.fsdecode(self.line().replace(b"\0", b"").replace(b"/", b"|" if most <= 255 else b"/")[:most])

    def record(self, number: int, **fields: object) -> dict[str, Any]:
        """A record of a run that has failed, with a payload in every field there is and in some there are not."""
        text = self.text
        steps = [{key: text() for key in ("from", "to", "reason", "by", "detail")} | {"at": ago(90)} for _ in range(12)]
        return {
            "id": text(),
            "name": text(),
            "note": f"{text()}\n{text()}",
            "error": text(),
            "model": text(),
            **{key: text() for key in _TEXTS},
            "status": "failed",
            "reason": "agent-error",
            "startedAt": ago(9000 + number),
            "schema": 1,
            "completedAt": ago(8000 + number),
            "exitCode": 20 + number,
            "cwd": text(),
            "tags": [text(), text()],
            "command": ["make", text(), text()],
            "env": {text(): text()},
            "warnings": [text(), text()],
            "usage": {"input_tokens": 5, "cost": 0.1, text(): text()},
            text(): {text(): [text()]},
            "process": {"pid": 99, "host": text()},
            "history": steps,
            "killRequest": {"at": ago(8000), "by": text(), "signal": 15},
            "mark": {"at": ago(8000), "by": text(), "why": text(), "before": {"status": "failed", "error": text()}},
            **fields,
        }

    def agent(self) -> bytes:
        """A line of an agent's log, as JSON, with a payload in it."""
        tool = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": self.text()}}
        message = {"role": "assistant", "content": [{"type": "text", "text": self.text()}, tool]}
        return json.dumps({"type": "assistant", "message": message}).encode()

    def run(self, runs: Path, number: int, **fields: object) -> Path:
        """A run's directory: the record, the log, the answer, what the hook left; every seventh has a strange name."""
        folder = runs / (self.word(200) if number % 7 == 6 else f"{number:08x}")
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(self.record(number, **fields)), "utf-8")
        agent = number % 5 == 4
        begins = {"type": "system", "subtype": "init", "session_id": self.text(), "model": "m", "cwd": "/"}
        log = [json.dumps(begins).encode(), *(self.agent() for _ in range(40))] if agent else []
        log += [] if agent else [self.line() for _ in range(85)]
        self.last_lines.append(self.tame())
        self.first_words.append(self.tame())
        (folder / "output.log").write_bytes(b"\n".join([*log, self.last_lines[-1].encode(), b""]))
        answer = [self.first_words[-1].encode(), *(self.line() for _ in range(30))]
        (folder / "response.md").write_bytes(b"\n\n".join(answer))
        trouble = self.text()
        self.troubles.append(trouble[:4])
        told = {"at": 1e300 if number % 2 else 5.0, "exitCode": 7, "trouble": trouble, "output": self.text()}
        (folder / "hook.json").write_text(json.dumps(told | {"command": [self.text()]}), "utf-8")
        return folder

    def damaged(self, runs: Path, count: int) -> None:
        """Runs whose records are no records, each in its own way."""
        for number in range(count):
            folder = runs / f"d{number:07x}"
            folder.mkdir(parents=True)
            status = {"status": self.text(), "name": self.text()}
            broken = (
                json.dumps(status).encode(),
                self.line(),
                b'{"status": "' + self.line(),
                json.dumps([self.text()]).encode(),
            )
            (folder / "run.json").write_bytes(broken[number % 4])
            os.utime(folder / "run.json", (0, 0))

    def checkout(self, folder: Path) -> None:
        """A checkout below a run, with changed and new files of strange names and contents."""
        tree = folder / "repo"
        tree.mkdir()
        subprocess.run([*_GIT, "init", "-q"], cwd=tree, check=True)
        names = [self.word(200) for _ in range(12)]
        for name in names:
            (tree / name).write_bytes(b"before\n")
        subprocess.run([*_GIT, "add", "-A"], cwd=tree, check=True)
        subprocess.run([*_GIT, "commit", "-qm", self.word()], cwd=tree, check=True)
        for name in [*names[:8], *(self.word(200) for _ in range(12))]:
            (tree / name).write_bytes(b"\n".join(self.line() for _ in range(3)))

    def program(self, folder: Path) -> Path:
        """A program of a strange name that sleeps."""
        path = folder / self.word(200)
        shutil.copy(shutil.which("sleep") or "/bin/sleep", path)
        return path

    def config(self, home: Path) -> None:
        """A config file and a memory with strange names and values; notifications of every kind are on."""

        def quoted() -> str:
            """The next payload as TOML writes it, every character escaped."""
            codes = [ord(one) for one in self.text()]
            return '"' + "".join(f"\\U{code:08x}" for code in codes if not 0xD800 <= code < 0xE000) + '"'

        lines = [
            *("notify.toast = true", "notify.bell = true", "notify.osc = true", f"theme = {quoted()}"),
            *(f"{quoted()} = {quoted()}", f"board.sort = {quoted()}", f"board.columns = [{quoted()}]"),
            *("[keys]", f"{quoted()} = {quoted()}", f'"table.down" = {quoted()}'),
            *("[board.filters]", *(f"{quoted()} = {quoted()}" for _ in range(4))),
        ]
        (home / "config" / "runboard").mkdir(parents=True)
        (home / "config" / "runboard" / "config.toml").write_text("\n".join(lines), "utf-8")
        (home / "state" / "runboard").mkdir(parents=True)
        kept = {self.text(): self.text(), "filters": {self.text(): self.text()}, "theme": self.text()}
        (home / "state" / "runboard" / "board.json").write_text(json.dumps(kept), "utf-8")

    def environment(self, home: Path) -> dict[str, str | None]:
        """The environment of somebody who was given strange variables."""
        strange = (
            "USER",
            "LOGNAME",
            "HOSTNAME",
            "TERM_PROGRAM",
            "TERM_PROGRAM_VERSION",
            "TMUX",
            "STY",
            "RUNBOARD_THEME",
        )
        environment: dict[str, str | None] = {name: self.word(200) for name in strange}
        places = {"XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache", "HOME": ""}
        return environment | {name: str(home / word) for name, word in places.items()}
