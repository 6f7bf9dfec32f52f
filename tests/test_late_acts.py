"""What is needed when something is wrong has been loaded before: no ending and no act imports anything of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ACTS = """
import sys
from runboard import late
from runboard.cli import screen
from runboard.control import Control
from runboard.index import Index
from runboard.reconciler import Reconciler
from runboard.store import Store
from tests.faults import acts
from tests.faults.paths import PATHS
if "ready" in sys.argv:
    late.everything()
wanted = ("settle", "settle_together", "ask_kill", "trash", "restore", "destroy")
stores = {path.act: Store(f"{sys.argv[1]}/{path.act}") for path in PATHS if path.act in wanted}
runs = {path.act: path.ready(stores[path.act]) for path in PATHS if path.act in wanted}
control = Control(Store(f"{sys.argv[1]}/mine"), by="me")
before = set(sys.modules)
for act in wanted:
    acts.ACTS[act](stores[act], runs[act], 7)
run = control.start(["sleep", "60"])
control.kill(run.id)
control.trash(run.id)
control.restore(run.id)
print(*sorted(name for name in set(sys.modules) - before if name.startswith("runboard")))
"""


@pytest.mark.parametrize("how", ["ready", "late"])
def test_no_ending_and_no_act_loads_anything_of_ours(tmp_path: Path, how: str) -> None:
    """After `late.everything` nothing of ours is left to be loaded by them; the control: without it some is."""
    done = subprocess.run([sys.executable, "-c", ACTS, str(tmp_path), how], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (done.stdout == "\n") is (how == "ready"), done.stdout
