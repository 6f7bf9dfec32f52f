"""Questions to this machine, each answered by trying: what there is, what there is not, and what that means."""

from __future__ import annotations

import fcntl
import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

from runboard import guest, hook
from runboard.process import kernel_status

NETWORKED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "lustre", "fuse.sshfs", "fuse.glusterfs"}
)
"""File systems where other machines write too: locks and notices may not reach from one to the other."""

_PR_GET_CHILD_SUBREAPER = 37
_FEW_FILES = 4096
_FEW_WATCHES = 1024


class State(StrEnum):
    """How a check came out: there, done without, or essential and not there."""

    OK = "ok"
    DEGRADED = "degraded"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    """One answer: what was asked about, how it came out, and what was found or what it means."""

    name: str
    state: State
    detail: str


def probe_machine(environ: Mapping[str, str]) -> list[Check]:
    """Everything but the runs directory."""
    return [
        Check("python", State.OK, f"{platform.python_version()} ({sys.executable})"),
        libraries(),
        system(),
        pidfd(),
        exit_info(),
        subreaper(),
        cgroup(),
        *locks(),
        inotify(),
        open_files(),
        program("git", "work in a run's repo/ cannot be told from what is safe elsewhere; such runs are kept"),
        program("rg", "logs are searched without it, more slowly"),
        terminal(environ),
    ]


def libraries() -> Check:
    """Whether what the program stands on is installed, and which version."""
    found, lacking = [], []
    for name in ("click", "orjson", "textual", "watchfiles", "psutil"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lacking.append(name)
    if lacking:
        return Check("libraries", State.MISSING, f"{', '.join(lacking)} not installed; install runboard again with pip")
    return Check("libraries", State.OK, ", ".join(found))


def system() -> Check:
    """The kernel, and whether it tells of processes as Linux does."""
    name = f"{platform.system()} {platform.release()}"
    if platform.system() == "Linux":
        if os.path.exists("/proc/self/stat"):
            return Check("system", State.OK, name)
        return Check("system", State.MISSING, f"{name} without /proc: no process can be told from another; mount it")
    return Check(
        "system",
        State.DEGRADED,
        f"{name}: without /proc and pidfd, ends are noticed once a second and children that left their group may stay",
    )


def pidfd() -> Check:
    """Whether a process can be held on to."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        why = getattr(error, "strerror", None) or "not offered"
        return Check("pidfd", State.DEGRADED, f"{why}: ends are noticed by looking once a second")
    return Check("pidfd", State.OK, "ends are noticed as they happen")


def exit_info() -> Check:
    """Whether the kernel tells how a process ended that was not waited for by us, tried on one of ours."""
    without = Check("exit info", State.DEGRADED, "before Linux 6.15: if a run's shim is killed, its exit code is lost")
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return without
    child = subprocess.Popen(["sh", "-c", "exit 3"], stdin=subprocess.DEVNULL)
    try:
        handle = os.pidfd_open(child.pid)
    except OSError:
        child.wait()
        return without
    child.wait()
    try:
        told = kernel_status(handle, child.pid)
    finally:
        os.close(handle)
    return (
        Check("exit info", State.OK, "exit codes are known even if a run's shim is killed")
        if told == 3 << 8
        else without
    )


def subreaper() -> Check:
    """Whether a shim can adopt what its command leaves behind."""
    if sys.platform == "linux":
        from ctypes import CDLL, byref, c_int  # noqa: PLC0415 - not to be loaded where it is of no use

        if CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, byref(c_int()), 0, 0, 0) == 0:
            return Check("subreaper", State.OK, "daemons that a command leaves behind stay in its tree")
    return Check(
        "subreaper", State.DEGRADED, "daemons that a command leaves behind are found by their environment only"
    )


def cgroup() -> Check:
    """Whether there is a control group of our own whose members the kernel can kill at once."""
    without = "trees are ended by group and environment"
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return Check("cgroup v2", State.DEGRADED, f"not mounted: {without}")
    own = next((line[3:] for line in _text("/proc/self/cgroup").splitlines() if line.startswith("0::")), "/")
    folder = "/sys/fs/cgroup" + own.rstrip("/")
    if not os.access(folder, os.W_OK):
        return Check("cgroup v2", State.DEGRADED, f"{own} is not yours: {without}")
    kills = os.path.exists(f"{folder}/cgroup.kill")
    return Check("cgroup v2", State.OK, f"{own} is yours" + (", with cgroup.kill" if kills else ""))


def locks() -> list[Check]:
    """What there is to lock a guest's board with."""
    return [Check(one.name, State.OK if one.there else State.DEGRADED, one.detail) for one in guest.offers()]


def inotify() -> Check:
    """How many directories may be watched."""
    try:
        watches = int(_text("/proc/sys/fs/inotify/max_user_watches"))
        instances = int(_text("/proc/sys/fs/inotify/max_user_instances"))
    except ValueError:
        return Check("inotify", State.DEGRADED, "not there: changes of other programs are noticed every few seconds")
    enough = watches >= _FEW_WATCHES and instances >= 16
    return Check(
        "inotify", State.OK if enough else State.DEGRADED, f"{watches} watches, {instances} instances for a user"
    )


def open_files() -> Check:
    """How many files may be open, which limits how many live runs are held on to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    enough = hard == resource.RLIM_INFINITY or hard >= _FEW_FILES
    state = State.OK if enough else State.DEGRADED
    return Check("open files", state, f"{soft}, raised to {most} for a board" if soft != hard else most)


def program(name: str, without: str) -> Check:
    """Whether a program is on the path, and which version."""
    path = shutil.which(name)
    if path is None:
        return Check(name, State.DEGRADED, f"not found: {without}")
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, State.DEGRADED, f"{path} does not work: {error}")
    first = (done.stdout.splitlines() or [""])[0]
    return Check(name, State.OK, f"{first} ({path})")


def terminal(environ: Mapping[str, str]) -> Check:
    """Whether a board could be drawn here."""
    name = environ.get("TERM") or "not set"
    lacking = [word for word, stream in (("stdin", 0), ("stdout", 1), ("stderr", 2)) if not os.isatty(stream)]
    if lacking:
        detail = f"TERM {name}; {', '.join(lacking)} not a terminal: verbs work, the board would not open"
        return Check("terminal", State.DEGRADED, detail)
    if name in {"not set", "dumb"}:
        return Check("terminal", State.DEGRADED, f"TERM {name}: the board may not be drawn right")
    size = os.get_terminal_size(1)
    return Check("terminal", State.OK, f"TERM {name}, {size.columns} x {size.lines}, {sys.stdout.encoding}")


def runs_directory(root: str) -> list[Check]:
    """Whether runs can be kept in a directory, and on what file system it lies."""
    place = root
    while not os.path.lexists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        return [Check("runs directory", State.MISSING, f"{root}: {place} is no directory; choose another --runs-dir")]
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        return [Check("runs directory", State.MISSING, f"{place} cannot be written to; choose another --runs-dir")]
    detail = root if place == root else f"{root}, made with the first run"
    return [Check("runs directory", State.OK, detail), file_system(place)]


def file_system(place: str) -> Check:
    """Which file system a directory is on, and whether it has locks that hold."""
    kind = mounted(os.path.realpath(place), _text("/proc/self/mountinfo"))
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pass  # locked by somebody: there are locks
    except OSError as error:
        return Check(
            "file system", State.MISSING, f"{kind} without locks ({error.strerror}); choose another --runs-dir"
        )
    finally:
        os.close(folder)
    if kind in NETWORKED:
        return Check("file system", State.DEGRADED, f"{kind}: what other machines do is noticed every few seconds")
    return Check("file system", State.OK, kind)


def mounted(path: str, mountinfo: str) -> str:
    """The type of the file system that a path is on, after proc_pid_mountinfo(5); the last longest mount counts."""
    kind, longest = "unknown", 0
    for line in mountinfo.splitlines():
        before, _dash, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        inside = point in {"/", path} or path.startswith(point + "/")
        if inside and len(point) >= longest:
            kind, longest = after.split()[0], len(point)
    return kind


def _text(path: str) -> str:
    """A file of the kernel's as text, empty where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def hook_of_endings(root: str, environ: Mapping[str, str]) -> Check:
    """Whether there is a hook for endings, whether its program is there, and how it last failed."""
    words = hook.command(environ)
    if not words:
        return Check("on_finish", State.OK, "none is set; [hooks] on_finish in the config file runs at every ending")
    last = hook.last_failure(root)
    if shutil.which(words[0]) is None:
        return Check("on_finish", State.DEGRADED, last or f"there is no program {words[0]}")
    return Check("on_finish", State.DEGRADED if last else State.OK, last or " ".join(words))
