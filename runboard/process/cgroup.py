"""A control group that holds one run and nothing else, where somebody made one: the kernel then ends it in one stroke.

cgroup.kill (cgroup v2, Linux 5.14) takes the forks under way along, which no walk through the processes can promise.
"""

from __future__ import annotations

import os

from runboard.model import Run
from runboard.process.procfs import slurp
from runboard.process.pulse import command_of_run


def kill_cgroup(run: Run) -> bool:
    """End all that is in the run's own control group; False where it has none that is ours to end.

    It has one where its command lives in a cgroup v2 called ``runboard-<id>`` that holds neither us nor the run's shim,
    which has yet to write down the ending.
    """
    command = command_of_run(run)
    path = cgroup_path(command.pid) if command is not None else None
    if path is None or os.path.basename(path) != f"runboard-{run.id}":
        return False
    others = [cgroup_path(pid) for pid in (os.getpid(), run.process.shim_pid) if pid is not None]
    if any(other is not None and f"{other}/".startswith(f"{path}/") for other in others):
        return False
    try:
        file = os.open(os.path.join(path, "cgroup.kill"), os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False  # not ours, gone already, or a kernel before 5.14
    try:
        os.write(file, b"1")
    except OSError:
        return False  # a threaded group cannot be ended so (EOPNOTSUPP)
    finally:
        os.close(file)
    return True


def cgroup_path(pid: int) -> str | None:
    """The directory of a process's cgroup v2, or None where there is none that can be seen from here."""
    lines = slurp(f"/proc/{pid}/cgroup").decode(errors="surrogateescape").splitlines()
    name = next((line[3:] for line in lines if line.startswith("0::/")), None)
    mounts = (line.split() for line in slurp("/proc/self/mountinfo").decode(errors="surrogateescape").splitlines())
    mount = next(((fields[3], fields[4]) for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"), None)
    if name is None or mount is None or name.endswith(" (deleted)"):
        return None
    root, point = mount
    if root != "/" and not f"{name}/".startswith(f"{root}/"):
        return None  # only another part of the hierarchy is mounted here
    return os.path.normpath(point + name.removeprefix(root if root != "/" else ""))
