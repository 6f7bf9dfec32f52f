"""Disks to be filled, frozen, cut off and unmounted: small file systems of their own, for who may mount."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def done(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the system; the test skips, saying why, where it is missing or refuses."""
    if shutil.which(str(words[0])) is None:
        pytest.skip(f"{words[0]} is not installed")
    found = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        pytest.skip(f"{' '.join(map(str, words))} is refused here: {found.stderr.strip()}")
    return found


@contextmanager
def memory_disk(place: Path, options: str) -> Iterator[Path]:
    """A tmpfs with these options."""
    place.mkdir()
    done("mount", "-t", "tmpfs", "-o", options, "tmpfs", place)
    try:
        yield place
    finally:
        while os.path.ismount(place):  # something may lie over it
            subprocess.run(("umount", "-l", place), check=True, capture_output=True)


@contextmanager
def loop_disk(place: Path, image: Path, options: str = "") -> Iterator[Path]:
    """The ext4 file system of an image, which is made where it is missing."""
    place.mkdir(exist_ok=True)
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(8 << 20)
        done("mkfs.ext4", "-q", "-b", "1024", "-J", "size=1", "-O", "^metadata_csum", image)
    done("mount", "-o", f"loop{options}", image, place)
    try:
        yield place
    finally:
        subprocess.run(("umount", "-l", place), check=False, capture_output=True)
