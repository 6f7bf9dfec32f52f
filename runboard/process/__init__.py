"""Processes: who they are, whether they live, how they ended, and the only code that starts or signals them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runboard import late

if TYPE_CHECKING:
    from runboard.process.ending import NotOurs, TreeEnd, end_tree, proven, signal_member, signal_tree
    from runboard.process.exits import PATIENT_SECONDS, REAP_SECONDS, ExitWatch
    from runboard.process.kernel import boot_clock, kernel_status, kernel_status_of, oom_kills, open_pidfd
    from runboard.process.launching import launch
    from runboard.process.limits import file_limit, raise_file_limit, read_last
    from runboard.process.membership import Member, members
    from runboard.process.pausing import hold_tree, paused, release_tree
    from runboard.process.place import Place, here, identity_of, where
    from runboard.process.pulse import absent, liveness, machine_restarted, shim_alive, shim_stopped, wait_gone
    from runboard.process.roll import Roll
    from runboard.process.table import start_ticks
    from runboard.process.usage import Gauge, Load, Usage
else:
    __getattr__ = late.names(
        __name__,
        {
            "ending": "NotOurs TreeEnd end_tree proven signal_member signal_tree",
            "exits": "PATIENT_SECONDS REAP_SECONDS ExitWatch",
            "kernel": "boot_clock kernel_status kernel_status_of oom_kills open_pidfd",
            "launching": "launch",
            "limits": "file_limit raise_file_limit read_last",
            "membership": "Member members",
            "pausing": "hold_tree paused release_tree",
            "place": "Place here identity_of where",
            "pulse": "absent liveness machine_restarted shim_alive shim_stopped wait_gone",
            "roll": "Roll",
            "table": "start_ticks",
            "usage": "Gauge Load Usage",
        },
    )

__all__ = [
    "PATIENT_SECONDS",
    "REAP_SECONDS",
    "ExitWatch",
    "Gauge",
    "Load",
    "Member",
    "NotOurs",
    "Place",
    "Roll",
    "TreeEnd",
    "Usage",
    "absent",
    "boot_clock",
    "end_tree",
    "file_limit",
    "here",
    "hold_tree",
    "identity_of",
    "kernel_status",
    "kernel_status_of",
    "launch",
    "liveness",
    "machine_restarted",
    "members",
    "oom_kills",
    "open_pidfd",
    "paused",
    "proven",
    "raise_file_limit",
    "read_last",
    "release_tree",
    "shim_alive",
    "shim_stopped",
    "signal_member",
    "signal_tree",
    "start_ticks",
    "wait_gone",
    "where",
]
