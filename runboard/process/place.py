"""Where we are (host, boot, pid namespace) and who a process is; a pid means something only in its own place."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

from runboard.model import Identity
from runboard.process.procfs import slurp
from runboard.process.table import start_ticks


class Place(NamedTuple):
    """The host, the boot and the pid namespace in which pids and start ticks mean something; None where not told."""

    host: str
    boot_id: str | None
    pid_namespace: str | None


@cache
def here() -> Place:
    """The place of this process."""
    boot_id = slurp("/proc/sys/kernel/random/boot_id").decode().strip() or None
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = None
    return Place(os.uname().nodename, boot_id, namespace)


def identity_of(pid: int, *, shim_pid: int | None = None, shim_start_ticks: int | None = None) -> Identity | None:
    """Who a living process of this place is; None where there is no such process."""
    ticks = start_ticks(pid)
    if ticks is None:
        return None
    place = here()
    return Identity(pid, ticks, place.boot_id, place.pid_namespace, place.host, shim_pid, shim_start_ticks)


def where(identity: Identity) -> str | None:
    """Why a process cannot be judged or reached from here, in words; None where it can."""
    place = here()
    if identity.host not in {None, place.host}:
        return f"on host {identity.host}"
    if other_boot(identity):
        return None  # it went with its boot, whatever namespace it was in
    if identity.pid_namespace not in {None, place.pid_namespace}:
        return "in another pid namespace"
    return None


def other_boot(identity: Identity) -> bool:
    """Whether a process of this host belongs to an earlier boot, and so is gone for certain."""
    place = here()
    if identity.host not in {None, place.host} or place.boot_id is None:
        return False
    return identity.boot_id not in {None, place.boot_id}
