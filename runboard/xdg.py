"""Where the XDG base directory specification has things, and whether anything is set there; nothing is read."""

from __future__ import annotations

import os
from collections.abc import Mapping


def base(environ: Mapping[str, str], key: str, default: str) -> str:
    """A base directory of the XDG specification, which says that a relative one is to be ignored."""
    given = environ.get(key, "")
    return given.rstrip("/") if given.startswith("/") else os.path.expanduser(default)


def config_path(environ: Mapping[str, str]) -> str:
    """Where the config file is, whether it exists or not."""
    return base(environ, "XDG_CONFIG_HOME", "~/.config") + "/runboard/config.toml"


def is_configured(environ: Mapping[str, str]) -> bool:
    """Whether there may be a config file: only where surely none is the settings need not be loaded."""
    try:
        os.lstat(config_path(environ))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # who reads it tells what is wrong
    return True
