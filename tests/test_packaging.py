"""What is installed is whole: the wheel carries the style sheet and runs without the source beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import runboard

SOURCE = Path(runboard.__file__).parent.parent
PROBE = "import runboard.ui.app as app; print(app.__file__); print(app.style_sheet())"

pytestmark = pytest.mark.skipif(not (SOURCE / "pyproject.toml").exists(), reason="needs a checkout")


def built(kind: str, place: Path) -> Path:
    """Build a wheel or an sdist of this checkout."""
    argv = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(place)]
    done = subprocess.run(argv, cwd=SOURCE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [artefact] = place.iterdir()
    return artefact


def style_sheet_of(installed: Path) -> tuple[Path, Path]:
    """Where the package and its style sheet are found when only ``installed`` is on the path."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROBE], env=environment, capture_output=True, text=True, check=True, cwd="/"
    )
    package, sheet = done.stdout.split()
    return Path(package), Path(sheet)


def test_the_wheel_is_whole(tmp_path: Path) -> None:
    """Unpacked somewhere else, the wheel finds its own style sheet; neither tests nor pictures are in it."""
    wheel = built("wheel", tmp_path / "dist")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    assert {path.name.split("-")[0] for path in installed.iterdir()} == {"runboard"}
    package, sheet = style_sheet_of(installed)
    assert package.is_relative_to(installed)
    assert sheet == installed / "runboard" / "tcss" / "runboard.tcss"
    for name in ("runboard.tcss", "dialogs.tcss", "panes.tcss"):
        assert (sheet.parent / name).read_bytes() == (SOURCE / "tcss" / name).read_bytes()


def test_the_checkout_finds_its_style_sheet_beside_the_package() -> None:
    """In a checkout the sheet that is edited is the sheet that is used."""
    _, sheet = style_sheet_of(SOURCE)
    assert sheet == SOURCE / "tcss" / "runboard.tcss"


def test_the_sdist_has_what_tests_need(tmp_path: Path) -> None:
    """The source distribution carries package, sheet, tests with their data, and pictures."""
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {
        "runboard/shim.py",
        "tcss/runboard.tcss",
        "tcss/dialogs.tcss",
        "tcss/panes.tcss",
        "tests/test_packaging.py",
        "README.md",
        "pyproject.toml",
    } <= names
    assert any(name.startswith("tests/data/") for name in names)
