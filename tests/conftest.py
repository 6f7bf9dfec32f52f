"""What holds for all tests: nothing is read from the home of who runs them, or left in it."""

from __future__ import annotations

import os
import tempfile

HOME = tempfile.TemporaryDirectory(prefix="runboard-tests-")
"""Where settings, what is remembered and caches are kept; gone with the process."""

for name in ("CONFIG", "STATE", "CACHE"):
    os.environ[f"XDG_{name}_HOME"] = os.path.join(HOME.name, name.lower())
