"""``python -m runboard``."""

from __future__ import annotations

from runboard.cli import main

if __name__ == "__main__":
    main()
