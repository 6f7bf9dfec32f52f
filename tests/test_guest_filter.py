"""The filter of system calls as the kernel runs it, on both machines; what is purged, readable, and offered."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, ENOSYS, EPERM
from pathlib import Path

import pytest

from runboard.guest import Lock, calls, kernel, landlock, offers, purge, seccomp
from runboard.guest.needs import readable
from tests.guests import WITHOUT, interpreter, surroundings, with_faults
from tests.terminal import Terminal

PID = 4711
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000


def answer(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter for a machine answers to a call: 0 for a pass, else the error; it may never kill."""
    program = [struct.unpack("=HBBI", one) for one in seccomp.filter_for(machine, PID)]
    assert len(program) <= 4096
    _column, own = calls.MACHINES[machine]
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, own if arch is None else arch, 0, *(word & (1 << 64) - 1 for word in words))
    at = held = 0
    while True:
        code, then, other, value = program[at]
        at += 1
        match code:
            case 0x20:
                held = struct.unpack_from("=I", data, value)[0]
            case 0x54:
                held &= value
            case 0x15 | 0x25 | 0x45:
                holds = {0x15: held == value, 0x25: held > value, 0x45: bool(held & value)}[code]
                at += then if holds else other
            case 0x06:
                assert value == _ALLOW or value & 0xFFFF0000 == _ERROR, "a filter that kills"
                return 0 if value == _ALLOW else value & 0xFFFF
            case _:
                raise AssertionError(code)


CASES: list[tuple[str, calls.Numbers, tuple[int, ...], int]] = [
    ("open to read", calls.OPEN["openat"], (0, 0, os.O_RDONLY | os.O_CLOEXEC), 0),
    ("open to write", calls.OPEN["openat"], (0, 0, os.O_WRONLY), EACCES),
    ("create", calls.OPEN["openat"], (0, 0, os.O_CREAT), EACCES),
    ("a thread", calls.CLONE, (0x3D0F00,), 0),
    ("a process", calls.CLONE, (signal.SIGCHLD,), EPERM),
    ("a thread in namespaces", calls.CLONE, (0x3D0F00 | 0x20000000,), EPERM),
    ("signal itself", calls.KILL["kill"], (PID, signal.SIGTERM), 0),
    ("signal another", calls.KILL["kill"], (PID + 1, signal.SIGTERM), EPERM),
    ("signal its group", calls.KILL["kill"], (0, signal.SIGTERM), EPERM),
    ("is it there", calls.PIDFD_SEND_SIGNAL, (3, 0), 0),
    ("signal by descriptor", calls.PIDFD_SEND_SIGNAL, (3, signal.SIGTERM), EPERM),
    ("a pair", calls.SOCKETPAIR, (1, 1 | 0o2000000), 0),
    ("a pair of datagrams", calls.SOCKETPAIR, (1, 2), EPERM),
    ("a pair elsewhere", calls.SOCKETPAIR, (2, 1), EPERM),
    ("send", calls.SENDTO, (3, 1, 1, 0, 0, 0), 0),
    ("send to", calls.SENDTO, (3, 1, 1, 0, 1 << 33, 0), EPERM),
    ("its limits", calls.PRLIMIT, (0, 7, 0, 1), 0),
    ("set its limits", calls.PRLIMIT, (0, 7, 1 << 40, 0), EPERM),
    ("another's limits", calls.PRLIMIT, (1, 7, 0, 1), EPERM),
    ("the size of the terminal", calls.IOCTL, (0, termios.TIOCGWINSZ), 0),
    ("how a process ended", calls.IOCTL, (0, 3 << 30 | 64 << 16 | 0xFF << 8 | 11), 0),
    ("type", calls.IOCTL, (0, termios.TIOCSTI), EPERM),
    ("type on a console", calls.IOCTL, (0, 0x541C), EPERM),
    ("its flags", calls.FCNTL, (0, 3), 0),
    ("lock", calls.FCNTL, (0, 6), EPERM),
    ("lock by description", calls.FCNTL, (0, 38), EPERM),
    ("signals of a descriptor", calls.FCNTL, (0, 8), EPERM),
    ("name a thread", calls.PRCTL, (15,), 0),
    ("be traced", calls.PRCTL, (0x59616D61,), EPERM),
    ("read last", calls.IOPRIO_SET, (1, 0, 3 << 13), 0),
    ("have another read last", calls.IOPRIO_SET, (1, 7, 3 << 13), EPERM),
    ("threads as of late", calls.UNKNOWN["clone3"], (), ENOSYS),
]


@pytest.mark.parametrize("machine", calls.MACHINES)
def test_the_filter_looks_at_arguments(machine: str) -> None:
    """Calls that are needed in one way only pass in that way, on each machine."""
    column = calls.MACHINES[machine][0]
    found = {name: answer(machine, numbers[column] or 0, *arguments) for name, numbers, arguments, _ in CASES}
    assert found == {name: error for name, _numbers, _arguments, error in CASES}


@pytest.mark.parametrize("machine", calls.MACHINES)
def test_the_filter_refuses_by_error(machine: str) -> None:
    """What is never needed fails with EPERM; what nobody knows yet, x32 and another machine's calls fail as well."""
    column = calls.MACHINES[machine][0]
    assert {answer(machine, numbers[column] or 0) for numbers in calls.REFUSED.values() if numbers[column]} == {EPERM}
    assert {answer(machine, number) for number in (calls.NEWEST + 1, 0x40000000 | 39, 0x40000000, 0xFFFFFFFF)} == {
        ENOSYS
    }
    assert answer(machine, 39, arch=0x40000003) == EPERM
    assert answer(machine, 63) == 0


HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}
"""Where the kernel's headers name the calls of each machine, both of which Debian's linux-libc-dev for either has."""

_OF_32_BITS = range(403, 424)
_OTHERWISE_CALLED = {"fstatat": "newfstatat", "sync_file_range2": "sync_file_range"}


def known_calls(machine: str) -> dict[str, int]:
    """Every call that a header knows, with its number."""
    header = Path(HEADERS[machine])
    if not header.exists():
        pytest.skip(f"needs {header}")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text("utf-8"))
    numbers = {_OTHERWISE_CALLED.get(name, name): int(number) for name, number in found}
    for name in ("arch_specific_syscall", "syscalls"):
        numbers.pop(name, None)
    return {name: number for name, number in numbers.items() if number not in _OF_32_BITS}


def passing(machine: str) -> set[str]:
    """The calls that pass, with all their arguments 0."""
    return {name for name, number in known_calls(machine).items() if answer(machine, number) == 0}


def test_no_machine_lets_through_what_the_other_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, what passes on the machine that the lock was not tried on passes on the one that it was tried on too.

    The control: with the numbers of the other machine calls pass that nobody has thought of.
    """
    tried = passing("x86_64")
    assert passing("aarch64") <= tried
    assert {"read", "openat", "futex", "epoll_pwait", "exit_group"} <= passing("aarch64")
    monkeypatch.setitem(calls.MACHINES, "aarch64", (0, calls.MACHINES["aarch64"][1]))
    assert passing("aarch64") - tried >= {"execve", "accept", "unlinkat"}


@pytest.mark.parametrize("machine", calls.MACHINES)
def test_the_numbers_are_the_kernels(machine: str) -> None:
    """Each number is the one in the kernel's header, as far as that knows the call."""
    known = known_calls(machine)
    single = {name.lower(): getattr(calls, name) for name in ("CLONE", "PIDFD_SEND_SIGNAL", "SOCKETPAIR", "SENDTO")}
    single |= {name.lower(): getattr(calls, name) for name in ("IOCTL", "FCNTL", "PRCTL", "IOPRIO_SET")}
    named = calls.REFUSED | calls.UNKNOWN | calls.OPEN | calls.KILL | single | {"prlimit64": calls.PRLIMIT}
    ours = {name: numbers[calls.MACHINES[machine][0]] for name, numbers in named.items()}
    assert {name: number for name, number in ours.items() if name in known} == {
        name: known[name] for name in ours if name in known
    }


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
@pytest.mark.parametrize("said", [8, 9, 10, 99])
def test_a_kernel_that_is_newer_than_we_know_locks_too(said: int) -> None:
    """What is asked for is what is known here, and where a kernel takes less than it says, the most that it takes.

    The control: asked for the rights of the newest alone, a kernel without them gives no lock at all.
    """
    with guarded_fd(landlock._ruleset(min(said, landlock.NEWEST))) as number:
        assert min(landlock.abi(), landlock.NEWEST) <= number <= said
    assert (1 << landlock._FILES[number]) - 1 == (1 << landlock._FILES[min(landlock.abi(), landlock.NEWEST)]) - 1
    if landlock.abi() < landlock.NEWEST:
        newest = ctypes.create_string_buffer(struct.pack("=QQQ", (1 << landlock._FILES[landlock.NEWEST]) - 1, 0, 0), 24)
        with pytest.raises(OSError, match="Invalid argument"):
            kernel.call(landlock._CREATE_RULESET, newest, ctypes.c_long(24), ctypes.c_long(0))


@contextmanager
def guarded_fd(made: tuple[int, int]) -> Iterator[int]:
    """What was made in a ruleset, whose descriptor is closed afterwards."""
    try:
        yield made[0]
    finally:
        os.close(made[1])


def test_the_words_say_which_layers_hold() -> None:
    """One layer alone is named; both are the kernel."""
    locks = (Lock(7, True), Lock(7), Lock(0, True), Lock())
    words = ["locked by the kernel", "locked by Landlock only", "locked by seccomp only", "not locked"]
    assert [one.words for one in locks] == words


def test_what_steers_others_is_purged() -> None:
    """What steers interpreters, Textual, the linker, or names programs, goes; the rest stays."""
    kept = {"PATH": "/bin", "TERM": "xterm", "LANG": "C", "RUNBOARD_RUNS": "/x", "HOME": "/h"}
    steering = ("PYTHONPATH", "PYTHONASYNCIODEBUG", "TEXTUAL_DRIVER", "TEXTUAL", "LD_PRELOAD", "BROWSER", "PAGER")
    environ = kept | dict.fromkeys((*steering, "EDITOR", "VISUAL"), "evil")
    purge(environ)
    assert environ == kept


def test_nobodys_home_is_readable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A directory that modules are looked for in is not readable for that: its packages are, and those of Python."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "click").mkdir()
    (tmp_path / "click" / "__init__.py").touch()
    (tmp_path / "secret").touch()
    sys.path_importer_cache.pop(str(tmp_path), None)
    monkeypatch.delitem(sys.modules, "click", raising=False)
    places = [os.path.realpath(one) for one in readable()]
    assert str(tmp_path / "click") in places
    below = [one for one in places if os.path.isdir(one)]
    for hidden in (
        str(tmp_path / "secret"),
        os.path.expanduser("~/.ssh"),
        os.path.expanduser("~/.bashrc"),
        "/etc/shadow",
    ):
        assert not [one for one in below if hidden.startswith(f"{one}/")], hidden


def test_doctor_says_what_the_kernel_gives(tmp_path: Path) -> None:
    """Each layer has a line, and without it there is what that means."""
    assert {one.name for one in offers()} == {"landlock", "seccomp", "no_new_privs"}
    python = interpreter("root") or interpreter("user")
    words = ["-m", "runboard", "--runs-dir", str(tmp_path), "doctor"]
    faults = [*WITHOUT.values()] if os.path.exists("/usr/bin/strace") else []
    with Terminal([*with_faults(python, *faults), *words], 200, 40, env=surroundings()) as terminal:
        terminal.wait_exit(30)
        lines = [line.split(maxsplit=2) for line in terminal.text().splitlines()]
    states = {line[0]: line[1:] for line in lines if len(line) == 3}
    if not faults:
        pytest.skip("needs strace, to take the layers away")
    assert states["landlock"] == ["degraded", "not offered by this kernel: --watch cannot be locked"]
    assert [states[name][0] for name in ("seccomp", "no_new_privs")] == ["degraded", "degraded"]
