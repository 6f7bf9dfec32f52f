"""Completion in real shells, run ids and all, with names that would love to be commands; and the manual page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from runboard.cli import completing
from runboard.cli.app import VERBS, program
from runboard.cli.completing import answer
from runboard.cli.manual import page
from tests.leaving import leave
from tests.program import environment
from tests.terminal import Terminal

EVIL = ("$(touch evil)", "`touch evil`", "a;touch evil", "a b", "a'b", "*", "~root", "a|b", "a\nb", "-rf", "é")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Runs with plain ids and hostile names, runs with hostile ids, and the program on a path of its own."""
    root = tmp_path / "runs"
    root.mkdir()
    leave(root, "ab110000", name='$(touch evil) `touch evil` %F{red} "x"\t\n\x1b[31m')
    leave(root, "ab220000", name="second one")
    for run_id in EVIL:
        leave(root, run_id)
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "runboard"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m runboard "$@"\n', "utf-8")
    tool.chmod(0o755)
    return root


def surroundings(runs: Path) -> dict[str, str | None]:
    """An environment in which ``runboard`` is found and knows these runs."""
    path = f"{runs.parent}/bin:{os.environ['PATH']}"
    here = str(Path(__file__).parent.parent)
    more = environment(PATH=path, RUNBOARD_RUNS=str(runs), HOME=str(runs.parent), PYTHONPATH=here)
    return {**more, "ZDOTDIR": str(runs.parent), "XDG_CONFIG_HOME": str(runs.parent)}


def offer(runs: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """What is offered for the last of these words, the first line left out."""
    assert answer([str(len(words)), "--", "runboard", *words]) == 0
    kind, *lines = capsys.readouterr().out.splitlines()
    assert kind == ":values"
    return lines


def test_what_is_offered(runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Verbs with their line, verbs of verbs, options, choices, keys, columns, and ids with status and name."""
    monkeypatch.setenv("RUNBOARD_RUNS", str(runs))
    assert "kill\tEnd a run's whole process tree." in offer(runs, capsys, "k")
    assert [line.split("\t")[0] for line in offer(runs, capsys, "trash", "")] == ["empty", "list", "restore"]
    assert offer(runs, capsys, "run", "--tim")[0].startswith("--timeout\t")
    assert offer(runs, capsys, "--color", "a") == ["auto", "always"]
    assert offer(runs, capsys, "--color", "=", "n") == ["never"]
    assert offer(runs, capsys, "ps", "status:f") == ["status:failed"]
    assert offer(runs, capsys, "ps", "--sort", "el") == ["elapsed"]
    assert offer(runs, capsys, "kill", "-s", "HU") == ["HUP"]
    assert offer(runs, capsys, "kill", "--signal", "SIGHU") == ["SIGHUP"]
    assert offer(runs, capsys, "show", "ab2") == ["ab220000\tcompleted second one"]
    assert [line.split("\t")[0] for line in offer(runs, capsys, "show", "ab")] == ["ab220000", "ab110000"]
    assert offer(runs, capsys, "wait", "ab") == []
    assert offer(runs, capsys, "nonsense", "x") == []
    monkeypatch.setenv("RUNBOARD_RUNS", "/dev/null/nowhere")
    assert offer(runs, capsys, "show", "ab") == []


def test_only_plain_words_are_offered(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that a shell could act on is not offered, and a name is one clean line; both are there to be offered."""
    monkeypatch.setenv("RUNBOARD_RUNS", str(runs))
    lines = offer(runs, capsys, "show", "")
    assert {line.split("\t")[0] for line in lines} == {"ab110000", "ab220000", "-rf"}
    assert all(line.isprintable() or line.replace("\t", "", 1).isprintable() for line in lines)
    monkeypatch.setattr(completing, "_PLAIN", re.compile(".*", re.DOTALL))
    assert "$(touch evil)" in {line.split("\t")[0] for line in offer(runs, capsys, "show", "")}


def test_completing_loads_no_screen(runs: Path) -> None:
    """Tab waits for neither Textual nor anything else of the screen."""
    code = (
        "import sys\nfrom runboard.cli.completing import answer\nanswer(['2','--','runboard','show',''])\n"
        "print([m for m in ('textual','rich','asyncio','psutil') if m in sys.modules], file=sys.stderr)"
    )
    env = {key: value for key, value in surroundings(runs).items() if value is not None}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == "[]\n"


START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-d", "-i"],
    "fish": ["fish", "--private"],
}
SETUP = {
    "bash": 'PS1="ready> "; bind "set bell-style none"; eval "$(runboard completion bash)"',
    "zsh": 'PS1="ready> "; autoload -Uz compinit; compinit -u -D; eval "$(runboard completion zsh)"',
    "fish": "function fish_prompt; echo 'ready> '; end; set fish_autosuggestion_enabled 0; "
    "runboard completion fish | source",
}


@pytest.mark.parametrize("shell", list(START))
def test_a_real_shell_completes(runs: Path, shell: str) -> None:
    """Tab completes a verb, a run id and a query in the shell itself, and no name of a run is ever executed."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    with Terminal(START[shell], 120, 40, surroundings(runs)) as terminal:
        terminal.send(f"cd {runs.parent}; {SETUP[shell]}\r".encode())
        terminal.send(b"clear\r")
        terminal.wait_for("ready>")
        terminal.send(b"echo runboard; runboard sho\t")
        terminal.wait_for("echo runboard; runboard show")
        terminal.send(b"ab2\t")
        terminal.wait_for("runboard show ab220000")
        terminal.send(b"\x15runboard show ab1\t")
        terminal.wait_for("runboard show ab110000")
        terminal.send(b"\x15runboard show ab")
        terminal.wait_for("runboard show ab\n")  # what is typed while fish still lists something may be lost
        terminal.send(b"\t\t" if shell == "bash" else b"\t")
        terminal.wait_for("ab110000")
        terminal.wait_for("ab220000")
        if shell != "bash":
            terminal.wait_for("second one")
        terminal.send(b"\x15runboard ps status:fa\t")
        terminal.wait_for("status:failed")
        terminal.send(b"\x15runboard show \t\t")
        terminal.send(b"\x15echo done >done\r")
        terminal.wait_for("echo done")
    assert not list(runs.parent.rglob("evil"))


def test_the_scripts_parse() -> None:
    """Each shell that is here takes its script without a word."""
    for shell in START:
        if shutil.which(shell):
            script = subprocess.run(
                [sys.executable, "-m", "runboard", "completion", shell], capture_output=True, check=True, timeout=60
            ).stdout
            done = subprocess.run([shell, "-n"], input=script, capture_output=True, check=False, timeout=60)
            assert (done.returncode, done.stderr) == (0, b""), shell


def every(group: click.Group, above: click.Context) -> list[tuple[str, click.Command]]:
    """Every verb with its whole name."""
    found: list[tuple[str, click.Command]] = []
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        assert command is not None
        ctx = click.Context(command, info_name=name, parent=above)
        found.append((ctx.command_path.removeprefix("runboard "), command))
        if isinstance(command, click.Group):
            found += every(command, ctx)
    return found


def test_the_manual_says_all_and_nothing_wrong() -> None:
    """Every verb and each of its options stands in the page; it is ASCII, and no line of it is a stray command."""
    lines = list(page())
    text = "\n".join(lines).replace("\\-", "-")
    known = every(program, click.Context(program, info_name="runboard"))
    assert len(known) > len(VERBS)
    for name, command in known:
        assert f"\n.SS {name}\n" in text
        for param in command.params:
            assert not isinstance(param, click.Option) or param.opts[0] in text, (name, param.opts)
    assert text.isascii()
    assert {line.split(" ")[0] for line in lines if line.startswith((".", "'"))} <= {
        *(".TH", ".nh", ".SH", ".SS", ".PP", ".TP", ".nf", ".fi"),
    }


def test_roff_takes_the_manual() -> None:
    """Groff renders the page without a warning, words and signs as they are; it would warn of a broken one."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    source = "\n".join(page())
    command = ["groff", "-ww", "-man", "-Tutf8", "-P-c"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    shown = re.sub(".\b", "", done.stdout)
    assert "runboard run -- make test" in shown
    assert "Exit codes: 0 done, 1 failed" in " ".join(shown.split())
    broken = subprocess.run(
        command, input=source + "\n.nonsense\n", capture_output=True, text=True, check=False, timeout=60
    )
    assert "nonsense" in broken.stderr
