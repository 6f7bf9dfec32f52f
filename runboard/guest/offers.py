"""What this machine gives to lock a guest's board with."""

from __future__ import annotations

from typing import NamedTuple

from runboard.guest import kernel, landlock, seccomp


class Offer(NamedTuple):
    """One layer: whether it is there, and what it does or what is done without it."""

    name: str
    there: bool
    detail: str


def offers() -> list[Offer]:
    """Every layer; nothing is locked by asking."""
    version = landlock.abi()
    filtered, kept = seccomp.available(), kernel.knows_no_new_privileges()
    without = "--watch is locked without it" if version or filtered else "--watch cannot be locked"
    return [
        Offer(
            "landlock",
            version > 0,
            f"ABI {version}: {landlock.covered(version)}" if version else f"not offered by this kernel: {without}",
        ),
        Offer(
            "seccomp",
            filtered,
            f"a filter for {seccomp.machine()}"
            if filtered
            else f"no filter for {seccomp.machine()} and this kernel: {without}",
        ),
        Offer("no_new_privs", kept, "known" if kept else "not known: only root can lock --watch"),
    ]
