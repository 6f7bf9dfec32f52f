"""Where we are (host, boot, pid namespace) and who a process is; a pid means something only in its own place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from runboard.model import Identity
from runboard.process.kernel import start_ticks


@dataclass(frozen=True, slots=True)
class Place:
    """The host, the boot and the pid namespace in which pids and start ticks mean something; None where not told."""

    host: str
    boot_id: str | None
    pid_namespace: str | None


@cache
def here() -> Place:
    """The place of this process."""
    return Place(os.uname().nodename, _boot_id(), _pid_namespace())


def identity_of(
    pid: int, *, shim_pid: int | None = None, shim_start_ticks: int | None = None
) -> Identity | None:
    """Who a living process of this place is; None where there is no such process."""
    ticks = start_ticks(pid)
    if ticks is None:
        return None
    place = here()
    return Identity(pid, ticks, place.boot_id, place.pid_namespace, place.host, shim_pid, shim_start_ticks)


def where(identity: Identity) -> str | None:
    """Why a process cannot be judged from here, in words; None where it can."""
    place = here()
    if identity.host is not None and identity.host != place.host:
        return f"on host {identity.host}"
    if identity.boot_id is not None and identity.boot_id != place.boot_id:
        return None  # gone with its boot, whatever namespace it was in
    if identity.pid_namespace is not None and identity.pid_namespace != place.pid_namespace:
        return "in another pid namespace"
    return None


def other_boot(identity: Identity) -> bool:
    """Whether a process of this host belongs to an earlier boot, and so is gone for certain."""
    place = here()
    return identity.host in {None, place.host} and identity.boot_id is not None and identity.boot_id != place.boot_id


def _boot_id() -> str | None:
    """The kernel's random name for this boot (proc_sys_kernel(5)), or None."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip() or None
    except OSError:
        return None


def _pid_namespace() -> str | None:
    """The pid namespace we live in, such as ``pid:[4026531836]``, or None."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None
