"""Which runs directory: the option, else the environment, else the config file, else where runs already are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from stat import S_ISDIR

from runboard.cli.exits import USAGE, Failure


def runs_dir(option: str | None, environ: Mapping[str, str]) -> str:
    """The absolute path of the runs directory; it need not exist.

    Raises:
        Failure: The option is empty, or the config file cannot be used.
    """
    if option is not None:
        if not option:
            raise Failure("--runs-dir is empty; give a directory", USAGE)
        return absolute(option)
    if environ.get("RUNBOARD_RUNS"):
        return absolute(os.path.expanduser(environ["RUNBOARD_RUNS"]))
    configured = _configured(_base(environ, "XDG_CONFIG_HOME", "~/.config") + "/runboard/config.toml")
    if configured:
        return configured
    shared = os.path.expanduser("~/.agents/runs")
    if os.path.isdir(shared):
        return shared
    return _base(environ, "XDG_STATE_HOME", "~/.local/state") + "/runboard/runs"


def absolute(path: str) -> str:
    """The path from the root of the file system.

    Raises:
        Failure: It counts from the current directory, and that is no longer there.
    """
    try:
        return os.path.abspath(path)
    except FileNotFoundError:
        raise Failure(f"the current directory is gone, and {path} counts from it; go elsewhere first") from None


def check(root: str) -> None:
    """Refuse a path that cannot hold runs; one that does not exist yet can.

    Raises:
        Failure: It is no directory, or it may not be looked into.
    """
    try:
        mode = os.stat(root).st_mode
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise Failure(f"{root} cannot be a runs directory: a part of the path is a file; {_ADVICE}", USAGE) from None
    except OSError as error:
        raise Failure(f"runs directory {root} cannot be opened: {error.strerror}; {_ADVICE}") from None
    if not S_ISDIR(mode):
        raise Failure(f"{root} is a file, not a runs directory; {_ADVICE}", USAGE)
    if not os.access(root, os.R_OK | os.X_OK):
        raise Failure(f"runs directory {root} cannot be read: Permission denied; {_ADVICE}")


_ADVICE = "name another with --runs-dir"


def _base(environ: Mapping[str, str], key: str, default: str) -> str:
    """A base directory of the XDG specification, which says that a relative one is to be ignored."""
    given = environ.get(key, "")
    return given.rstrip("/") if given.startswith("/") else os.path.expanduser(default)


def _configured(path: str) -> str | None:
    """``runs_dir`` from the config file, None where there is no file or no such key."""
    try:
        with open(path, "rb", opener=_open_file) as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Failure(f"config file {path} cannot be read: {error.strerror}", USAGE) from None
    from tomllib import loads  # noqa: PLC0415 - 5 ms that only people with a config file pay

    try:
        value = loads(text.decode()).get("runs_dir")
    except ValueError as error:
        raise Failure(f"config file {path} is no valid TOML: {error}; correct or remove it", USAGE) from None
    if value is None:
        return None
    chosen = os.path.expanduser(value) if isinstance(value, str) else ""
    if not chosen.startswith("/"):
        raise Failure(f"config file {path}: runs_dir must be an absolute path in quotes, or begin with ~", USAGE)
    return os.path.abspath(chosen)


def _open_file(path: str, flags: int) -> int:
    """Open without ever waiting, should the path be a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
