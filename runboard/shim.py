"""The tiny parent of every command: starts it, belongs to nobody, and writes down how it ended before it leaves.

It stands alone and imports next to nothing: ``posix`` and ``_signal`` are built into the interpreter; ``os`` and its
like would cost every run milliseconds. It is started as ``python -I -S shim.py`` with these descriptors: 0 the sheet of
what to do, 1 and 2 the log, 3 the run's directory, 4 the pipe on which the launcher waits.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # built in, but unknown to typeshed
import posix
import sys
import time

DIRECTORY, READY = 3, 4
SIGNALS = _signal.valid_signals()
DEFAULTS = SIGNALS - {_signal.SIGKILL, _signal.SIGSTOP}
FORWARDED = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP)
RUN_MARK, SHIM_MARK, SETTLING_MARK = b"RUNBOARD_RUN_ID=", b"RUNBOARD_SHIM=", b"RUNBOARD_SETTLING="
RESERVED = (
    b" " * 512
)  # kept on disk for exit.json: a full disk is a common way to die, and no reason to lose the ending
RETRIES = 60  # seconds for which exit.json is tried again where it cannot be written all the same
UPTIME = time.CLOCK_BOOTTIME  # seconds since boot, time asleep included, that no change of the wall clock moves
FOR_EVER = 1e12  # seconds, for a command without a time limit
GIVE_UP = 10.0  # seconds after which what SIGKILL does not end is left: another user's process, one in a hung disk


class Sheet:
    """What the launcher asks for; every text is bytes, exactly as the kernel will see it."""

    def __init__(self, data: bytes) -> None:
        """Take the fields apart; lists are preceded by their length."""
        fields = iter(data.split(b"\0"))

        def some() -> list[bytes]:
            return [next(fields) for _ in range(int(next(fields)))]

        self.run_id = next(fields)
        self.timeout = float(next(fields))
        self.grace = float(next(fields))
        self.file_limit = int(next(fields))
        self.cwd = next(fields)
        self.command = some()
        self.successor = some()
        self.environ = dict(pair.split(b"=", 1) for pair in some())
        self.extra = dict(pair.split(b"=", 1) for pair in some())


def main() -> None:
    """Leave the launcher's family, start the command, stay with it to its end, and let the successor settle the run."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, SIGNALS)
    posix.setsid()
    if posix.fork():
        posix._exit(0)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # one inherited as ignored would have the kernel reap the command
    sheet = Sheet(slurp("/dev/fd/0"))
    close_inherited()
    subreaper(on=True)
    watch = Watch(sheet)
    watch.pid = start(sheet)
    if watch.pid:
        watch.stay()
    if not watch.succeeded and not settled_by_another():
        become_successor(sheet)


def start(sheet: Sheet) -> int:
    """Start the command and say so in started.json and on the pipe; returns its pid, or 0 where it did not start."""
    null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    posix.dup2(null, 0)
    stage, pid, errno = b"chdir", 0, 0
    try:
        posix.chdir(sheet.cwd)
        stage = b"exec"
        pid = spawn(sheet)
    except OSError as error:
        errno = error.errno or 5
    posix.dup2(null, 1)
    posix.dup2(null, 2)
    posix.close(null)
    posix.chdir("/")  # so that the shim pins neither a work tree nor a mount
    told = started_record(pid, errno, stage)
    attempt(put, "started.json", told)  # where the disk is full the launcher is told all the same
    attempt(posix.write, READY, told)  # where the launcher is gone whoever settles the run reads started.json
    posix.close(READY)
    return pid


def spawn(sheet: Sheet) -> int:
    """Start the command as if from a fresh login: own group, no signal blocked or ignored, the caller's file limit."""
    if sheet.file_limit != posix.sysconf("SC_OPEN_MAX"):  # a board raises its own
        import resource  # noqa: PLC0415 - rarely needed

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        attempt(resource.setrlimit, resource.RLIMIT_NOFILE, (sheet.file_limit, hard))
    environ = {**sheet.environ, **sheet.extra, RUN_MARK[:-1]: sheet.run_id}
    if b"PATH" in environ:  # posix_spawnp searches the PATH of the parent, not of the environment it is given
        posix.putenv(b"PATH", environ[b"PATH"])
    else:
        posix.unsetenv(b"PATH")
    return posix.posix_spawnp(sheet.command[0], sheet.command, environ, setpgroup=0, setsigmask=(), setsigdef=DEFAULTS)


def started_record(pid: int, errno: int, stage: bytes) -> bytes:
    """started.json: who the command and its shim are, or why there is no command."""
    if errno:
        what = b'"errno": %d, "stage": "%s"' % (errno, stage)
    else:
        what = b'"pid": %d, "startTicks": %s' % (pid, ticks_of(pid) or b"null")
    me = posix.getpid()
    who = b'"shimPid": %d, "shimStartTicks": %s' % (me, ticks_of(me) or b"null")
    return b'{%s, %s, "at": %.6f, "uptime": %.6f}\n' % (what, who, time.time(), time.clock_gettime(UPTIME))


class Watch:
    """The wait for the command's end, with its time limit and the signals that are passed on to it.

    Its group may be signalled while it is not reaped: only we reap it, and until then nobody else gets its number.
    """

    def __init__(self, sheet: Sheet) -> None:
        """Start the clock of the time limit; ``pid`` is told when there is one."""
        self.sheet = sheet
        self.pid = 0
        self.ended = False
        self.succeeded = False
        self.oom_before = oom_kills()
        self.deadline = time.monotonic() + (sheet.timeout or FOR_EVER)
        self.fired: float | None = None
        self.kill_at = 0.0
        self.quiet = 0

    def stay(self) -> None:
        """Return when the command has ended and, where its time had run out, nothing of its tree is left."""
        attempt(reserve, "exit.json", RESERVED)
        while not self.done():
            left = (self.deadline if self.fired is None else self.kill_at) - time.monotonic()
            info = _signal.sigtimedwait(SIGNALS, min(max(left, 0.02), 3600.0 if self.fired is None else 0.25))
            if info and info.si_signo in FORWARDED and not self.ended:
                attempt(posix.killpg, self.pid, info.si_signo)

    def done(self) -> bool:
        """Collect what has ended, keep the time limit, and say whether there is nothing left to wait for.

        Ends are collected first: a command that ended in time did so, however late we are woken.
        """
        now = time.monotonic()  # before the look: what is still alive after it was alive at this moment
        self.reap()
        if self.fired is None:
            if not self.ended and now >= self.deadline:
                self.fire(now)
            return self.ended
        members = tree(self.sheet.run_id)
        if now >= self.kill_at:
            if not self.ended:
                attempt(posix.killpg, self.pid, _signal.SIGKILL)  # at once for the whole group: no fork slips through
            for pid, ticks, _group in members:
                send(pid, ticks, _signal.SIGKILL)
        self.quiet = 0 if members else self.quiet + 1
        if self.ended and members and not self.succeeded:
            self.succeeded = True  # the run can be settled while we stay for what is left of its tree
            if not posix.fork():
                become_successor(self.sheet)
                posix._exit(0)
        return self.ended and (self.quiet >= 2 or now >= self.kill_at + GIVE_UP)

    def fire(self, now: float) -> None:
        """The time is up: ask the whole tree to end, awake or stopped, each process once."""
        self.fired = time.clock_gettime(UPTIME)
        self.kill_at = now + self.sheet.grace
        others = [(pid, ticks) for pid, ticks, group in tree(self.sheet.run_id) if group != self.pid]
        for number in (_signal.SIGTERM, _signal.SIGCONT):
            attempt(posix.killpg, self.pid, number)
            for pid, ticks in others:
                send(pid, ticks, number)

    def reap(self) -> None:
        """Collect every child that has ended, the adopted ones too, and record the command's end at once."""
        while True:
            try:
                pid, status, usage = posix.wait4(-1, posix.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.ended = True
                self.record(status, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024)

    def record(self, status: int, user: float, system: float, max_rss: int) -> None:
        """Write exit.json, and try again for a minute where the disk has no room for it."""
        text = b'{"status": %d, "at": %.6f, "uptime": %.6f, ' % (status, time.time(), time.clock_gettime(UPTIME))
        text += b'"timedOutAt": null, ' if self.fired is None else b'"timedOutAt": %.6f, ' % self.fired
        text += b'"oomKills": %d, ' % max(0, oom_kills() - self.oom_before)
        text += b'"userTime": %.6f, "systemTime": %.6f, "maxRss": %d}\n' % (user, system, max_rss)
        for _ in range(RETRIES):
            if attempt(put, "exit.json", text) or not posix.fstat(DIRECTORY).st_nlink:
                return  # written, or the directory was removed and nobody will ask
            time.sleep(1)


def become_successor(sheet: Sheet) -> None:
    """Become the successor, which settles the run, with the environment the launcher had and one mark of ours.

    The mark keeps the successor and its hooks out of the tree of any run that is being ended.
    """
    subreaper(on=False)
    if not sheet.successor:
        return
    while pending := _signal.sigpending():
        _signal.sigwait(pending)  # meant for us; it would kill the successor
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):  # the two that Python ignores
        _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    posix.execve(sheet.successor[0], sheet.successor, {**sheet.environ, SETTLING_MARK[:-1]: sheet.run_id})


def settled_by_another() -> bool:
    """Whether somebody else, mostly an open board, settles the run within a tenth of a second.

    A board does so in milliseconds; a successor for each of a thousand runs that end together would starve it.
    A record indented by two is ours; in the older tool's, or in none, nothing is found, and the successor looks.
    """
    for pause in (0.01, 0.02, 0.03, 0.04):
        time.sleep(pause)
        data = b""
        try:
            file = posix.open("run.json", posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK, dir_fd=DIRECTORY)
            data = posix.read(file, 1 << 16)
            posix.close(file)
        except OSError:
            return False
        if b'\n  "status": "completed",\n' in data or b'\n  "status": "failed",\n' in data:
            return True
    return False


def tree(run_id: bytes) -> list[tuple[int, bytes, int]]:
    """Every living process of the run as (pid, start ticks, group): our descendants, and whoever carries its mark.

    As a subreaper we are the parent of all its orphans; other runs and their shims, and all below them, are not ours.
    """
    me, mine = posix.getpid(), RUN_MARK + run_id
    found: dict[int, list[bytes]] = {}
    children: dict[int, list[int]] = {}
    for name in posix.listdir("/proc"):
        fields = stat(int(name)) if name.isdigit() and int(name) > 1 else []
        if fields and (fields[0] not in b"ZX" or int(fields[17]) > 1):
            found[int(name)] = fields
            children.setdefault(int(fields[1]), []).append(int(name))
    marks = {pid: marks_of(pid) for pid in found}
    waiting = [*children.get(me, ()), *(pid for pid in found if mine in marks[pid])]
    members: set[int] = set()
    while waiting:
        pid = waiting.pop()
        if pid not in members and pid != me and all(mark == mine for mark in marks[pid]):
            members.add(pid)
            waiting += children.get(pid, ())
    return [(pid, found[pid][19], int(found[pid][2])) for pid in sorted(members)]


def marks_of(pid: int) -> list[bytes]:
    """The marks of ours in a process's environment, as NAME=value."""
    entries = slurp(f"/proc/{pid}/environ").split(b"\0")
    return [entry for entry in entries if entry.startswith((RUN_MARK, SHIM_MARK, SETTLING_MARK))]


def send(pid: int, ticks: bytes, number: int) -> None:
    """Signal one process through a pidfd that was opened before its identity was checked."""
    try:
        file = posix.pidfd_open(pid)
    except OSError:
        return
    if ticks_of(pid) == ticks:
        attempt(_signal.pidfd_send_signal, file, number)
    posix.close(file)


def attempt(act: object, *arguments: object) -> bool:
    """Do what the system may refuse without harm; whether it did not."""
    try:
        act(*arguments)  # type: ignore[operator]  # to name Callable would cost an import
    except (OSError, ValueError):  # the latter for a limit above the hard one
        return False
    return True


def put(name: str, data: bytes) -> None:
    """Write a record whole: temporary file, rename, then fsync of file and directory.

    Whoever settles the run reads it at once and waits for the disk with its own record, not also for us with ours.
    After a power cut in between there is no record that can be read, as if it had come before.
    """
    file = open_temporary(name, data)
    try:
        posix.rename(f".{name}.shim", name, src_dir_fd=DIRECTORY, dst_dir_fd=DIRECTORY)
        posix.fsync(file)
    finally:
        posix.close(file)
    posix.fsync(DIRECTORY)


def reserve(name: str, data: bytes) -> None:
    """Have blocks for a record under its temporary name, so that a disk that is full at the end has room for it."""
    file = open_temporary(name, data)
    try:
        posix.fsync(file)
    finally:
        posix.close(file)


def open_temporary(name: str, data: bytes) -> int:
    """A record under its temporary name, written over the blocks that may have been reserved for it, still open."""
    temporary = f".{name}.shim"
    attempt(remove_odd, temporary)
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC | posix.O_NOFOLLOW | posix.O_NONBLOCK
    file = posix.open(temporary, flags, 0o600, dir_fd=DIRECTORY)
    try:
        at = 0
        while at < len(data):
            at += posix.pwrite(file, data[at:], at)
        posix.ftruncate(file, at)
    except OSError:
        posix.close(file)
        raise
    return file


def remove_odd(name: str) -> None:
    """Remove what the command put in a record's place: a FIFO would hold us for ever, a hard link is another's file."""
    info = posix.stat(name, dir_fd=DIRECTORY, follow_symlinks=False)
    if info.st_mode >> 12 != 0o10 or info.st_nlink != 1:
        posix.unlink(name, dir_fd=DIRECTORY)


def close_inherited() -> None:
    """Close what the launcher happened to have open; keep our own descriptors from the command."""
    for name in posix.listdir("/dev/fd"):
        if int(name) > READY:
            attempt(posix.close, int(name))  # the one that listed the directory is closed already
    posix.set_inheritable(DIRECTORY, False)
    posix.set_inheritable(READY, False)


def subreaper(*, on: bool) -> None:
    """Ask the kernel to give us the orphans of the tree (PR_SET_CHILD_SUBREAPER is 36, Linux 3.4)."""
    try:
        import _ctypes  # noqa: PLC0415 - an interpreter may be built without it
    except ImportError:
        return
    prctl = _ctypes.dlsym(_ctypes.dlopen("", 2), "prctl")
    _ctypes.call_function(prctl, (36, int(on), 0, 0, 0))


def stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the state on (field 3); the name before them may be anything, even ") R 1"."""
    data = slurp(f"/proc/{pid}/stat")
    return data[data.rfind(b")") + 1 :].split()


def ticks_of(pid: int) -> bytes:
    """When a process started, in clock ticks since boot; empty where it is gone."""
    return b"".join(stat(pid)[19:20])


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot."""
    data = slurp("/proc/vmstat")
    at = data.find(b"\noom_kill ")
    return int(data[at:].split(None, 2)[1]) if at >= 0 else 0


def slurp(path: str) -> bytes:
    """A file, mostly of /proc, or nothing where it cannot be had."""
    data = b""
    try:
        file = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return data
    try:
        while piece := posix.read(file, 1 << 16):
            data += piece
    except OSError:
        data = b""
    posix.close(file)
    return data


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001 - told in the run's log, while that is still our output
        sys.excepthook(*sys.exc_info())
    posix._exit(0)
