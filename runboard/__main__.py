"""``python -m runboard``."""

from __future__ import annotations

from runboard.cli import program

if __name__ == "__main__":
    program()
