"""The lock of a guest's board: what it must refuse and what it must leave, from inside, layer by layer.

Every act is also tried without the lock, where it comes to pass: what is refused is refused by the lock.
"""

from __future__ import annotations

import os
import shutil
import sys
from errno import EACCES, EFBIG, ENOSYS, EPERM, EXDEV
from functools import cache

import pytest

from tests.guestacts import FORBIDDEN, NEEDED
from tests.guests import WITHOUT, Tale, guests_place, interpreter, surroundings, told_by, with_faults
from tests.terminal import Terminal

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine not in {"x86_64", "aarch64"},
    reason="the whole lock is there on Linux only, on x86_64 and aarch64",
)
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, to take a layer away")

POLITE = {EPERM, EACCES}
AS_ON_OLDER_KERNELS = {"openat2": ENOSYS, "clone3": ENOSYS, "write to an open file": EFBIG}
"""Acts that are refused with another error: what a filter cannot look into, and a limit."""

WHO = ["root", "user"]


def python_of(who: str) -> tuple[str, ...]:
    """What starts Python as somebody; skips where that cannot be."""
    words = interpreter(who)
    if not words:
        pytest.skip("needs root" if who == "root" else "an ordinary user can read no interpreter and checkout here")
    return words


@cache
def possible(who: str) -> frozenset[str]:
    """Which forbidden acts this user can do here without the lock: only of these is it known who refuses them."""
    tale = told_by("free", python_of(who))
    assert {name: tale.of(name) for name in NEEDED} == {name: {0} for name in NEEDED}
    return frozenset(name for name in FORBIDDEN if tale.of(name) == {0})


def refused_by(layers: str, *, seccomp: bool, abi: int) -> bool:
    """Whether an act is refused while only some of the layers are there."""
    since = int(layers.partition("l")[2].strip("sr") or 99)
    return "r" in layers or ("s" in layers and seccomp) or since <= abi


def wrong(tale: Tale, who: str, *, seccomp: bool = True, abi: int = 6) -> dict[str, set[int]]:
    """What was not as it must be: forbidden acts that came to pass, though a layer is there; needed ones refused."""
    found = {name: tale.of(name) for name in NEEDED if tale.of(name) != {0}}
    for name, (layers, _act) in FORBIDDEN.items():
        if name in possible(who) and refused_by(layers, seccomp=seccomp, abi=abi):
            expected = {AS_ON_OLDER_KERNELS[name], *POLITE} if name in AS_ON_OLDER_KERNELS else {*POLITE}
            expected |= {EXDEV} if name in {"move", "link"} and not seccomp else set()  # Landlock's word for it
            expected |= {EFBIG} if "r" in layers and not seccomp else set()
            if not tale.of(name) or tale.of(name) - expected:
                found[name] = tale.of(name)
    return found


@pytest.mark.parametrize("who", WHO)
def test_without_the_lock_all_acts_come_to_pass(who: str) -> None:
    """The control: at least forty of the forbidden acts are possible here for who is not locked in."""
    assert len(possible(who)) >= 40


@pytest.mark.parametrize("who", WHO)
def test_the_lock_refuses_what_is_forbidden_and_leaves_what_is_needed(who: str) -> None:
    """From inside the open board, on its loop and in a thread: each act is refused politely, and the board goes on."""
    tale = told_by("board", python_of(who))
    assert (wrong(tale, who), tale.code) == ({}, 0)
    assert {error for name in FORBIDDEN for error in tale.of(name)} <= {*POLITE, ENOSYS, EFBIG}
    assert {where for _name, where in tale.errors} == {"loop", "thread"}
    assert "read-only · locked by the kernel".encode() in tale.raw


@needs_strace
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("absent", "left"), [("Landlock", "seccomp"), ("seccomp", "Landlock")])
def test_each_layer_holds_alone(who: str, absent: str, left: str) -> None:
    """Without one layer the other refuses its own, and says so; what only the missing one refuses comes to pass."""
    tale = told_by("board", python_of(who), WITHOUT[absent])
    filtered = left == "seccomp"
    assert (wrong(tale, who, seccomp=filtered, abi=0 if filtered else 6), tale.code) == ({}, 0)
    assert f"read-only · locked by {left} only".encode() in tale.raw
    assert f"{absent} is not in force" in tale.raw.decode().replace("\n", " ")
    gone = {"read a secret", "list a home"} if filtered else {"chmod", "flock", "inotify"}
    assert {name: tale.of(name) for name in gone} == {name: {0} for name in gone}


@needs_strace
def test_older_kernels_lock_as_far_as_they_can() -> None:
    """With each older ABI of Landlock, and one that promises more than it has, its own rights are withheld."""
    who = WHO[os.geteuid() != 0]
    for abi, said in ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 99)):
        faults = [f"landlock_create_ruleset:retval={said}:when=1", WITHOUT["seccomp"]]
        tale = told_by("bare", python_of(who), *faults)
        assert wrong(tale, who, seccomp=False, abi=abi) == {}, abi
        since = {"open cut to nothing": 3, "connect": 4, "signal": 6}
        assert {name: tale.of(name) == {0} for name in since} == {name: at > abi for name, at in since.items()}, abi


@needs_strace
@pytest.mark.parametrize(
    ("who", "absent"),
    [("root", ("Landlock", "seccomp")), ("user", ("Landlock", "seccomp")), ("user", ("no_new_privs",))],
)
def test_without_any_lock_it_refuses(who: str, absent: tuple[str, ...]) -> None:
    """Where nothing can be put in force --watch ends with 1 and one line; --unlocked looks on, and says so."""
    python = with_faults(python_of(who), *(WITHOUT[one] for one in absent))
    with guests_place() as place:
        argv = [*python, "-m", "runboard", "--runs-dir", str(place / "runs"), "--watch"]
        home = surroundings() | {"HOME": str(place / "home")}
        with Terminal(argv, 300, 30, env=home) as terminal:
            assert terminal.wait_exit(30) == 1
            lines = terminal.text().strip().splitlines()
            assert lines[0].startswith("runboard: --watch cannot be locked here: Landlock is not in force (")
            assert "to look on without a lock, for people you trust, add --unlocked" in terminal.text()
        with Terminal([*argv, "--unlocked"], 120, 30, env=home) as terminal:
            terminal.wait_for("read-only · not locked", 30)
            terminal.press("q")
            assert terminal.wait_exit(30) == 0


def test_a_lock_is_for_a_process_without_threads() -> None:
    """Landlock binds one thread: with another there is no lock, and none is pretended."""
    code = (
        "import threading, time\nfrom runboard.guest import lock\n"
        "threading.Thread(target=time.sleep, args=(2,), daemon=True).start()\nlock([])\n"
    )
    with Terminal([sys.executable, "-c", code], 120, 30) as terminal:
        assert terminal.wait_exit() == 1
        assert "Unlockable: other threads are running already" in terminal.text()
