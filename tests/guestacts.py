"""What a guest's board must not be able to do, act by act, and what it must: tried inside the lock and outside of it.

Each act either succeeds, which leaves no harm in a throw-away place, or raises OSError. Behind its name stands which
layer refuses it by itself: "s" seccomp, "l" Landlock (with the ABI since when), "r" the limit of file sizes.
"""

from __future__ import annotations

import array
import asyncio
import ctypes
import fcntl
import importlib
import mmap
import os
import select
import shutil
import signal
import socket
import sqlite3
import struct
import termios
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from errno import EDEADLK
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_COLUMN = 0 if os.uname().machine == "x86_64" else 1
_NUMBERS = {
    "fork": (57, 0),
    "clone3": (435, 435),
    "openat2": (437, 437),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "ioprio_set": (251, 30),
    "io_uring_setup": (425, 425),
    "memfd_secret": (447, 447),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "fchmodat2": (452, 452),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    "fanotify_init": (300, 262),
    "setxattrat": (463, 463),
}
"""System calls that no library offers, by their numbers on x86_64 and aarch64."""


@dataclass(frozen=True)
class Place:
    """Where acts are tried: a run's directory, a secret outside, a process, servers, a file opened for writing."""

    folder: str
    secret: str
    victim: int
    port: int
    abstract: str
    named: str
    opened: int
    memory: int

    @classmethod
    def lay(cls, root: Path, victim: int, port: int, abstract: str, memory: int) -> Place:
        """Make what acts need, anew."""
        folder = root / "runs" / "victim"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "empty").mkdir(parents=True)
        (folder / "other").mkdir()
        (folder / "file").write_text("as it was")
        (folder / "output.log").write_text("a line of the log\n")
        os.setxattr(folder / "file", "user.kept", b"1")
        secret = root / "home" / "secret"
        (folder / "link").symlink_to(secret)
        opened = os.open(folder / "file", os.O_RDWR)
        return cls(str(folder), str(secret), victim, port, abstract, str(root / "home" / "named"), opened, memory)


Act = Callable[[Place], object]
FORBIDDEN: dict[str, tuple[str, Act]] = {}
NEEDED: dict[str, Act] = {}


def beware() -> None:
    """Fork in no process with threads unless it will be refused: Python in the child would wait for them for ever."""
    if threading.active_count() > 1 and "Seccomp:\t2" not in Path("/proc/self/status").read_text():
        raise OSError(EDEADLK, "there are other threads")


def raw(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call by its name; OSError where it fails."""
    if name in {"fork", "clone3"}:
        beware()
    words = (ctypes.c_long(word) if isinstance(word, int) else word for word in arguments)
    got = int(_LIBC.syscall(_NUMBERS[name][_COLUMN], *words))
    if got < 0:
        raise OSError(ctypes.get_errno(), name)
    return got


def library(name: str, *arguments: object) -> int:
    """Call a function of the C library; OSError where it fails."""
    got = int(getattr(_LIBC, name)(*arguments))
    if got < 0:
        raise OSError(ctypes.get_errno(), name)
    return got


def opening(flags: int, name: str = "file") -> Act:
    """Open a file of a run."""
    return lambda place: os.close(os.open(f"{place.folder}/{name}", flags, 0o600))


def forbidden(layers: str, name: str, act: Act) -> None:
    """Note an act that must be refused, and by whom."""
    assert name not in FORBIDDEN
    FORBIDDEN[name] = layers, act


def child(started: int) -> None:
    """End a process that should not have come to be, in it; collect it, in its parent."""
    if started == 0:
        os._exit(0)
    os.waitpid(started, 0)


def forked(_place: Place) -> None:
    """Start a process as Python does."""
    beware()
    child(os.fork())


def connect(family: int, where: Callable[[Place], tuple[str, int] | str]) -> Act:
    """Connect a stream."""

    def act(place: Place) -> None:
        """To where somebody listens."""
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.connect(where(place))

    return act


def datagram(family: int, where: Callable[[Place], tuple[str, int] | str]) -> Act:
    """Send a datagram."""

    def act(place: Place) -> None:
        """To where it does no harm."""
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.sendto(b"x", where(place))

    return act


def pair_reaches_out(place: Place) -> None:
    """Send through one end of a pair to somebody else."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        one.sendto(b"x", f"\0{place.abstract}-d")


def bound(place: Place) -> None:
    """Listen at a port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()


def bound_name(place: Place) -> None:
    """Make a named socket."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(f"{place.folder}/sock")


def locked(how: int) -> Act:
    """Lock a file that is open for reading."""

    def act(place: Place) -> None:
        """As flock(2), or as a record lock."""
        with open(f"{place.folder}/file", "rb") as file:
            if how:
                fcntl.fcntl(file, fcntl.F_SETLK, struct.pack("hhqqi", fcntl.F_RDLCK, 0, 0, 0, 0))
            else:
                fcntl.flock(file, fcntl.LOCK_SH)

    return act


def leased(place: Place) -> None:
    """Take a lease on a file, so that others wait."""
    with open(f"{place.folder}/output.log", "rb") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)


def typed(place: Place) -> None:
    """Type into the terminal."""
    fcntl.ioctl(0, termios.TIOCSTI, b"x")


def attribute(place: Place) -> None:
    """Set an attribute of a file as chattr(1) does, to what it is (FS_IOC_GETFLAGS, FS_IOC_SETFLAGS)."""
    flags = array.array("l", [0])
    with open(f"{place.folder}/file", "rb") as file:
        _LIBC.ioctl(file.fileno(), 0x80086601, ctypes.c_void_p(flags.buffer_info()[0]))
        fcntl.ioctl(file, 0x40086602, flags)


def reached(place: Place) -> None:
    """Read another process's memory."""
    there = struct.pack("QQ", place.memory, 8)
    raw("process_vm_readv", place.victim, there, 1, there, 1, 0)


def pidfd(place: Place, act: Callable[[int], object]) -> None:
    """Do something to a process by its descriptor."""
    handle = os.pidfd_open(place.victim)
    try:
        act(handle)
    finally:
        os.close(handle)


def limited(place: Place) -> None:
    """Set another process's limit, to what it is."""
    held = ctypes.create_string_buffer(16)
    library("prlimit", place.victim, 4, None, held)
    library("prlimit", place.victim, 4, held, None)


def renounced(_place: Place) -> None:
    """Set a limit of one's own, to what it is."""
    held = ctypes.create_string_buffer(16)
    library("prlimit", 0, 7, None, held)
    library("setrlimit", 7, held)


def written(place: Place) -> None:
    """Write to a file that was open before."""
    os.pwrite(place.opened, b"other words that are longer", 0)


def read(path: Callable[[Place], str]) -> Act:
    """Read a file."""

    def act(place: Place) -> None:
        """Its first bytes."""
        with open(path(place), "rb") as file:
            file.read(16)

    return act


W, C, X, T, A = os.O_WRONLY, os.O_CREAT, os.O_EXCL, os.O_TRUNC, os.O_APPEND
for _layers, _name, _act in (
    ("sl1", "open for writing", opening(W)),
    ("sl1", "open for both", opening(os.O_RDWR)),
    ("sl1", "create", opening(W | C | X, "new")),
    ("sl1", "create for reading", opening(C | X, "new")),
    ("sl1", "append", opening(W | A)),
    ("sl3", "open cut to nothing", opening(T)),
    ("sl1", "unnamed file", lambda p: os.close(os.open(p.folder, os.O_TMPFILE | os.O_RDWR, 0o600))),
    ("sl1", "openat2", lambda p: raw("openat2", -100, f"{p.folder}/file".encode(), struct.pack("QQQ", 1, 0, 0), 24)),
    ("sl1", "write a knob of /proc", lambda _: os.close(os.open("/proc/self/comm", W))),
    ("r", "write to an open file", written),
    ("sl3", "truncate", lambda p: os.truncate(f"{p.folder}/file", 1)),
    ("s", "truncate an open file", lambda p: os.ftruncate(p.opened, 1)),
    ("sr", "allocate", lambda p: os.posix_fallocate(p.opened, 0, 100)),
    ("sr", "copy within files", lambda p: os.copy_file_range(p.opened, p.opened, 3, 0, 5)),
    ("sl1", "rename", lambda p: os.rename(f"{p.folder}/file", f"{p.folder}/elif")),
    ("sl2", "move", lambda p: os.rename(f"{p.folder}/file", f"{p.folder}/other/file")),
    ("sl1", "link", lambda p: os.link(f"{p.folder}/file", f"{p.folder}/hard")),
    ("sl1", "symlink", lambda p: os.symlink("file", f"{p.folder}/soft")),
    ("sl1", "unlink", lambda p: os.unlink(f"{p.folder}/file")),
    ("sl1", "mkdir", lambda p: os.mkdir(f"{p.folder}/dir")),
    ("sl1", "rmdir", lambda p: os.rmdir(f"{p.folder}/empty")),
    ("sl1", "fifo", lambda p: os.mkfifo(f"{p.folder}/fifo")),
    ("s", "chmod", lambda p: os.chmod(f"{p.folder}/file", 0o777)),
    ("s", "chmod of an open file", lambda p: os.fchmod(p.opened, 0o777)),
    ("s", "fchmodat2", lambda p: raw("fchmodat2", -100, f"{p.folder}/file".encode(), 0o777, 0)),
    ("s", "chown", lambda p: os.chown(f"{p.folder}/file", os.geteuid(), os.getegid())),
    ("s", "times", lambda p: os.utime(f"{p.folder}/file", (1, 1))),
    ("s", "set an attribute", lambda p: os.setxattr(f"{p.folder}/file", "user.new", b"1")),
    ("s", "remove an attribute", lambda p: os.removexattr(f"{p.folder}/file", "user.kept")),
    ("s", "chattr", attribute),
    ("s", "flock", locked(0)),
    ("s", "record lock", locked(1)),
    ("s", "lease", leased),
    ("sl1", "exec", lambda _: os.execv("/bin/true", ["true"])),
    ("s", "fork", forked),
    ("s", "old fork", lambda _: child(raw("fork"))),
    ("s", "clone3", lambda _: child(raw("clone3", struct.pack("8Q", 0, 0, 0, 0, 17, 0, 0, 0), 64))),
    ("sl1", "spawn", lambda _: child(os.posix_spawn("/bin/true", ["true"], {}))),
    ("sl6", "signal", lambda p: os.kill(p.victim, signal.SIGCONT)),
    ("sl6", "signal by descriptor", lambda p: pidfd(p, lambda fd: signal.pidfd_send_signal(fd, signal.SIGCONT))),
    ("sl6", "signal a thread", lambda p: raw("tkill", p.victim, int(signal.SIGCONT))),
    ("sl6", "signal a thread of a group", lambda p: raw("tgkill", p.victim, p.victim, int(signal.SIGCONT))),
    (
        "sl6",
        "queue a signal",
        lambda p: raw("rt_sigqueueinfo", p.victim, int(signal.SIGCONT), struct.pack("iii", 18, 0, -1) + bytes(116)),
    ),
    ("s", "signal our group", lambda _: os.kill(0, 0)),
    ("s", "signal everybody", lambda _: os.kill(-1, 0)),
    ("sl1", "trace", lambda p: raw("ptrace", 0x4206, p.victim, 0, 0)),
    ("sl1", "read memory", reached),
    ("sl1", "take a descriptor", lambda p: pidfd(p, lambda fd: raw("pidfd_getfd", fd, 0, 0))),
    ("s", "limit another", limited),
    ("s", "limit itself", renounced),
    ("s", "slow another", lambda p: os.setpriority(os.PRIO_PROCESS, p.victim, 19)),
    ("s", "pin another", lambda p: os.sched_setaffinity(p.victim, os.sched_getaffinity(p.victim))),
    ("s", "schedule another", lambda p: os.sched_setscheduler(p.victim, os.SCHED_BATCH, os.sched_param(0))),
    ("s", "starve another's disk", lambda p: raw("ioprio_set", 1, p.victim, 2 << 13 | 4)),
    ("sl4", "connect", connect(socket.AF_INET, lambda p: ("127.0.0.1", p.port))),
    ("s", "datagram", datagram(socket.AF_INET, lambda _: ("127.0.0.1", 9))),
    ("sl4", "listen", bound),
    ("sl6", "connect to an abstract name", connect(socket.AF_UNIX, lambda p: f"\0{p.abstract}")),
    ("s", "connect to a named socket", connect(socket.AF_UNIX, lambda p: p.named)),
    ("sl1", "make a named socket", bound_name),
    ("sl6", "datagram from a pair", pair_reaches_out),
    ("s", "netlink", lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()),
    ("s", "type into the terminal", typed),
    ("s", "io_uring", lambda _: os.close(raw("io_uring_setup", 1, ctypes.create_string_buffer(128)))),
    ("s", "memory file", lambda _: os.close(os.memfd_create("x"))),
    ("s", "shared memory", lambda _: library("shmctl", library("shmget", 0, 4096, 0o1600), 0, None)),
    ("s", "message queue", lambda _: library("msgctl", library("msgget", 0, 0o1600), 0, None)),
    ("s", "inotify", lambda _: os.close(library("inotify_init1", 0))),
    ("s", "fanotify", lambda _: os.close(raw("fanotify_init", 0, 0))),
    ("s", "new namespace", lambda _: library("unshare", 0x10000000)),
    ("s", "own mounts", lambda _: library("unshare", 0x00020000)),
    ("s", "file system context", lambda _: os.close(raw("fsopen", b"tmpfs", 0))),
    ("s", "chroot", lambda p: os.chroot(p.folder)),
    ("s", "host name", lambda _: library("sethostname", os.uname().nodename.encode(), len(os.uname().nodename))),
    ("s", "bpf", lambda _: os.close(raw("bpf", 0, struct.pack("IIIII", 2, 4, 8, 1, 0) + bytes(100), 120))),
    ("s", "userfaultfd", lambda _: os.close(raw("userfaultfd", 1))),
    (
        "s",
        "performance events",
        lambda _: os.close(raw("perf_event_open", struct.pack("IIQ", 1, 128, 0) + bytes(112), 0, -1, -1, 0)),
    ),
    ("s", "keys", lambda _: raw("add_key", b"user", b"x", b"y", 1, -2)),
    ("s", "another user", lambda _: os.setresuid(os.getuid(), os.geteuid(), os.geteuid())),
    ("s", "groups", lambda _: os.setgroups([])),
    ("s", "personality", lambda _: library("personality", 0)),
    ("s", "sync all disks", lambda p: library("syncfs", p.opened)),
    ("l1", "read a secret", read(lambda p: p.secret)),
    ("l1", "list a home", lambda p: os.listdir(os.path.dirname(p.secret))),
    ("l1", "read a secret through a run", read(lambda p: f"{p.folder}/link")),
    ("l1", "read the users", read(lambda _: "/etc/passwd")),
    ("l1", "read another's environment", lambda p: os.close(os.open(f"/proc/{p.victim}/environ", os.O_RDONLY))),
    ("l1", "see where another works", lambda p: os.readlink(f"/proc/{p.victim}/cwd")),
):
    forbidden(_layers, _name, _act)


def needed(act: Act) -> Act:
    """Note an act that must be possible."""
    NEEDED[act.__name__] = act
    return act


@needed
def read_a_log(place: Place) -> None:
    """The log of a run."""
    with open(f"{place.folder}/output.log", "rb") as file:
        assert file.read() == b"a line of the log\n"


@needed
def list_runs(place: Place) -> None:
    """The runs directory."""
    assert "victim" in os.listdir(os.path.dirname(place.folder))


@needed
def map_a_log(place: Place) -> None:
    """A log mapped into memory."""
    with open(f"{place.folder}/output.log", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:6] == b"a line"


@needed
def look_at_processes(place: Place) -> None:
    """The process table."""
    with open(f"/proc/{place.victim}/stat", "rb") as stat, open(f"/proc/{place.victim}/cmdline", "rb") as command:
        assert stat.read().startswith(b"%d (" % place.victim)
        assert b"guestboard" in command.read()


@needed
def hold_on_to_a_process(place: Place) -> None:
    """A pidfd, waited for."""
    pidfd(place, lambda fd: select.select([fd], [], [], 0))


@needed
def start_a_thread(_place: Place) -> None:
    """A thread that works."""
    done: list[int] = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start()
    thread.join(5)
    assert done == [1]


@needed
def run_a_loop(_place: Place) -> None:
    """An event loop of one's own, in a thread of its own."""
    got: list[int] = []

    async def work() -> None:
        """Wait a moment, and for a thread."""
        await asyncio.sleep(0)
        got.append(await asyncio.to_thread(int, "7"))

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    thread.join(10)
    assert got == [7]


@needed
def talk_through_a_pair(_place: Place) -> None:
    """A pair of connected sockets."""
    one, other = socket.socketpair()
    with one, other:
        one.send(b"x")
        assert other.recv(1) == b"x"


@needed
def load_a_module(_place: Place) -> None:
    """Modules that were not loaded before: of Python, of a library, and one that is a shared library itself."""
    for name in ("colorsys", "_lsprof", "rich.diagnose"):
        importlib.import_module(name)


@needed
def signal_itself(_place: Place) -> None:
    """A signal to this very process."""
    assert signal.getsignal(signal.SIGURG) is not None
    os.kill(os.getpid(), signal.SIGURG)


@needed
def ask_the_terminal(_place: Place) -> None:
    """Its size and its modes."""
    assert termios.tcgetwinsize(0)[0] > 0
    termios.tcsetattr(0, termios.TCSADRAIN, termios.tcgetattr(0))


@needed
def tell_the_time(_place: Place) -> None:
    """The local time, with its zone read anew."""
    time.tzset()
    assert time.localtime().tm_year > 2000


@needed
def have_random_bytes(_place: Place) -> None:
    """Random bytes."""
    assert len(os.urandom(8)) == 8


@needed
def ask_a_database(_place: Place) -> None:
    """SQLite in memory."""
    with sqlite3.connect(":memory:") as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


@needed
def know_its_limits(_place: Place) -> None:
    """A limit read."""
    assert library("prlimit", 0, 7, None, ctypes.create_string_buffer(16)) == 0


@needed
def see_the_disk(place: Place) -> None:
    """The free space."""
    assert os.statvfs(place.folder).f_blocks > 0
