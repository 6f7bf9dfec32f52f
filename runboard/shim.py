"""The tiny parent of every command: starts it, belongs to nobody, and writes down how it ended before it leaves.

It stands alone and imports next to nothing: ``posix`` and ``_signal`` are built into the interpreter, ``os`` and ``signal``
would cost every run some milliseconds. It is started as ``python -I -S shim.py`` with these descriptors: 0 the sheet of
what to do, 1 and 2 the log, 3 the run's directory, 4 the pipe on which the launcher waits.
"""

import _signal  # type: ignore[import-not-found]  # built in, but unknown to typeshed
import posix
import sys
import time

DIRECTORY, READY = 3, 4
RECORD_SIZE = 512
PR_SET_CHILD_SUBREAPER = 36
ENOENT = 2
SIGNALS = _signal.valid_signals()
DEFAULTS = SIGNALS - {_signal.SIGKILL, _signal.SIGSTOP}
FORWARDED = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP)
RETRIES = 60


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


class Ended:
    """How and when the command ended, and what it had used by then."""

    def __init__(self, status: int, usage: "posix._Rusage") -> None:  # type: ignore[name-defined]
        """Note the clocks at once."""
        self.status = status
        self.at = time.time()
        self.uptime = boot_clock()
        self.user, self.system = usage.ru_utime, usage.ru_stime
        self.max_rss = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Leave the launcher's family, start the command, stay with it to its end, and let the successor settle the run."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, SIGNALS)
    posix.setsid()
    if posix.fork():
        posix._exit(0)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # an ignored SIGCHLD survives exec and would reap the command unseen
    sheet = Sheet(read_all(0))
    close_inherited()
    subreaper(True)
    oom_before = oom_kills()
    pid = start(sheet)
    if pid is not None:
        Watch(sheet, pid, oom_before).stay()
    succeed(sheet)


def start(sheet: Sheet) -> "int | None":
    """Start the command and say so in started.json and on the pipe; None where it could not be started."""
    null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    posix.dup2(null, 0)
    stage, pid, errno = b"chdir", 0, 0
    try:
        posix.chdir(sheet.cwd)
        stage = b"exec"
        pid = spawn(sheet)
    except OSError as error:
        errno = error.errno or ENOENT
    posix.dup2(null, 1)
    posix.dup2(null, 2)
    posix.close(null)
    posix.chdir("/")  # so that the shim pins neither a work tree nor a mount
    told = started_record(pid, errno, stage)
    try:
        put("started.json", told)
    except OSError:
        pass  # a full disk: the launcher is told all the same, and the command is alive
    try:
        posix.write(READY, told)
    except OSError:
        pass  # the launcher is gone; whoever settles the run reads started.json
    posix.close(READY)
    return pid or None


def spawn(sheet: Sheet) -> int:
    """Start the command as if from a fresh login: own group, no signal blocked or ignored, the caller's file limit."""
    restore_file_limit(sheet.file_limit)
    environ = {**sheet.environ, **sheet.extra, b"RUNBOARD_RUN_ID": sheet.run_id}
    if b"PATH" in environ:  # posix_spawnp searches the PATH of the parent, not of the environment it is given
        posix.putenv(b"PATH", environ[b"PATH"])
    else:
        posix.unsetenv(b"PATH")
    return posix.posix_spawnp(
        sheet.command[0], sheet.command, environ, setpgroup=0, setsigmask=(), setsigdef=DEFAULTS
    )


def started_record(pid: int, errno: int, stage: bytes) -> bytes:
    """started.json: who the command and its shim are, or why there is no command."""
    if errno:
        what = b'"errno": %d, "stage": "%s"' % (errno, stage)
    else:
        what = b'"pid": %d, "startTicks": %s' % (pid, ticks_text(pid))
    me = posix.getpid()
    return b'{%s, "shimPid": %d, "shimStartTicks": %s, "at": %.6f, "uptime": %.6f}\n' % (
        what, me, ticks_text(me), time.time(), boot_clock()
    )


class Watch:
    """The wait for the command's end, with its time limit and the signals that are passed on to it."""

    def __init__(self, sheet: Sheet, pid: int, oom_before: int) -> None:
        """Start the clock of the time limit."""
        self.sheet = sheet
        self.pid = pid
        self.oom_before = oom_before
        self.ended: "Ended | None" = None
        self.deadline = time.monotonic() + sheet.timeout if sheet.timeout > 0 else None

    def stay(self) -> None:
        """Return when the command has ended and its record is written."""
        try:
            write_temporary("exit.json", b"")
        except OSError:
            pass
        while True:
            self.reap()
            if self.ended is not None:
                return
            self.attend(_signal.sigwaitinfo(SIGNALS).si_signo)

    def attend(self, number: int) -> None:
        """Pass a request to end on to the command's group; everything else only wakes us."""
        if number in FORWARDED and self.ended is None:
            posix.killpg(self.pid, number)

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
                self.ended = Ended(status, usage)
                self.record(self.ended)

    def record(self, ended: Ended) -> None:
        """Write exit.json, and try again for a minute where the disk has no room."""
        text = b'{"status": %d, "at": %.6f, "uptime": %.6f, "timedOutAt": null, "oomKills": %d,' % (
            ended.status, ended.at, ended.uptime, max(0, oom_kills() - self.oom_before)
        )
        text += b' "userTime": %.6f, "systemTime": %.6f, "maxRss": %d}\n' % (ended.user, ended.system, ended.max_rss)
        for _ in range(RETRIES):
            try:
                return put("exit.json", text)
            except FileNotFoundError:
                return None
            except OSError:
                time.sleep(1)


def succeed(sheet: Sheet) -> None:
    """Become the successor, which settles the run, with the environment the launcher had and no trace of ours."""
    subreaper(False)
    if not sheet.successor:
        return
    while _signal.sigpending():
        _signal.sigwait(_signal.sigpending())
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    posix.execve(sheet.successor[0], sheet.successor, sheet.environ)


def put(name: str, data: bytes) -> None:
    """Write a record whole: temporary file, fsync, rename, fsync of the directory."""
    temporary = write_temporary(name, data)
    posix.rename(temporary, name, src_dir_fd=DIRECTORY, dst_dir_fd=DIRECTORY)
    posix.fsync(DIRECTORY)


def write_temporary(name: str, data: bytes) -> str:
    """Write a record's bytes under its temporary name, padded so that later ones fit into the same blocks."""
    temporary = f".{name}.shim"
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC | posix.O_NOFOLLOW
    file = posix.open(temporary, flags, 0o600, dir_fd=DIRECTORY)
    try:
        posix.write(file, data.ljust(RECORD_SIZE))
        posix.fsync(file)
    finally:
        posix.close(file)
    return temporary


def read_all(file: int) -> bytes:
    """Everything from the beginning of an open file."""
    data, at = b"", 0
    while piece := posix.pread(file, 1 << 20, at):
        data, at = data + piece, at + len(piece)
    return data


def close_inherited() -> None:
    """Close what the launcher happened to have open; keep our own descriptors from the command."""
    for name in posix.listdir("/dev/fd"):
        if int(name) > READY:
            try:
                posix.close(int(name))
            except OSError:
                pass  # the one that listed the directory
    posix.set_inheritable(DIRECTORY, False)
    posix.set_inheritable(READY, False)


def restore_file_limit(soft: int) -> None:
    """Give the command the soft limit of open files its caller had, not the one a board raised for itself."""
    if soft > 0 and soft != posix.sysconf("SC_OPEN_MAX"):
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def subreaper(on: bool) -> None:
    """Ask the kernel to give us the orphans of the tree (PR_SET_CHILD_SUBREAPER, Linux 3.4)."""
    try:
        import _ctypes

        prctl = _ctypes.dlsym(_ctypes.dlopen(None, 2), "prctl")
    except (ImportError, OSError):
        return
    _ctypes.call_function(prctl, (PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0))


def stat(pid: int) -> "list[bytes] | None":
    """The fields of /proc/PID/stat from the state on (field 3); the name before them may hold anything, even ``) R 1``."""
    data = slurp(f"/proc/{pid}/stat")
    return data[data.rindex(b")") + 2 :].split() if data else None


def ticks_text(pid: int) -> bytes:
    """A process's start in clock ticks since boot as JSON."""
    fields = stat(pid)
    return fields[19] if fields else b"null"


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot."""
    data = slurp("/proc/vmstat")
    at = data.find(b"\noom_kill ")
    return int(data[at + 10 :].split(None, 1)[0]) if at >= 0 else 0


def boot_clock() -> float:
    """Seconds since boot, time asleep included, that no change of the wall clock moves."""
    return time.clock_gettime(time.CLOCK_BOOTTIME if hasattr(time, "CLOCK_BOOTTIME") else time.CLOCK_MONOTONIC)


def slurp(path: str) -> bytes:
    """A small file of /proc, or nothing where it cannot be had."""
    data = b""
    try:
        file = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return data
    try:
        while piece := posix.read(file, 1 << 16):
            data += piece
    except OSError:
        return b""
    finally:
        posix.close(file)
    return data


if __name__ == "__main__":
    try:
        main()
    finally:
        posix._exit(0)
