"""The config file and its peers: each value with where it came from; what is wrong is told, and the rest is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from runboard import files, keylines, xdg
from runboard.errors import why
from runboard.safetext import clean
from runboard.settings import BY_KEY, SETTINGS, BadValue, Kind, nearest, taken, typed

MOST = 1 << 18
"""Bytes of a config file that is read; more was not written by hand."""

_TRIES = 20
"""How often a broken file is tried again with one line less, before half of it goes at once."""

base, path = xdg.base, xdg.config_path

DEFAULT, REMEMBERED, FILE = "default", "remembered", "config file"
ENVIRONMENT, COMMAND_LINE = "environment", "command line"
"""Where a value came from, the later one counts."""


class Trouble(NamedTuple):
    """Something wrong: where it stands, on which line if that is known, and what it is."""

    where: str
    line: int | None
    sentence: str

    def __str__(self) -> str:
        """One sentence, safe to show."""
        line = "" if self.line is None else f", line {self.line}"
        return clean(f"{self.where}{line}: {self.sentence}")


class Document(NamedTuple):
    """What a config file says, as far as it can be understood, and why it cannot be."""

    path: str
    data: Mapping[str, object] = MappingProxyType({})
    text: str = ""
    trouble: Trouble | None = None
    present: bool = False

    def wrong(self, key: str, sentence: str) -> Trouble:
        """Something wrong with one key."""
        return Trouble(f"config file {self.path}", keylines.lines(self.text).get(key), sentence)


class Config(NamedTuple):
    """Every setting's value, where it came from, and what was wrong on the way."""

    document: Document
    values: Mapping[str, object]
    sources: Mapping[str, str]
    troubles: tuple[Trouble, ...]

    def text(self, key: str) -> str:
        """A setting that is text."""
        value = self.values[key]
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> float:
        """A setting that is a number."""
        value = self.values[key]
        return float(value) if isinstance(value, int | float) else 0.0

    def table(self, key: str) -> dict[str, str]:
        """A setting that is a table of texts."""
        value = self.values[key]
        return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}


def read(where: str) -> Document:
    """What a config file says; no file says nothing, and of one that is broken the part above the break counts."""
    try:
        data = _bytes(where)
    except (FileNotFoundError, NotADirectoryError):
        return Document(where)
    except files.Unfit as error:
        return _unread(where, str(error))
    except OSError as error:
        return _unread(where, f"cannot be read: {why(error)}")
    try:
        text = data.decode().removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unread(where, "is no valid TOML: this is not UTF-8 text; correct or remove it", line)
    return _parsed(where, text)


def load(
    environ: Mapping[str, str],
    options: Mapping[str, str | None] | None = None,
    remembered: Mapping[str, object] | None = None,
) -> Config:
    """Every setting: its default, else what was remembered, the config file, the environment, the command line."""
    document = read(path(environ))
    values: dict[str, object] = {setting.key: setting.default for setting in SETTINGS}
    sources = dict.fromkeys(values, DEFAULT)
    troubles = [] if document.trouble is None else [document.trouble]
    for key, value in (remembered or {}).items():
        try:
            values[key], sources[key] = taken(BY_KEY[key], value), REMEMBERED
        except (BadValue, KeyError):
            continue  # what an older or newer board remembered is not this one's to judge
    troubles += _from_file(document, values, sources)
    spoken = [(ENVIRONMENT, setting, setting.variable, environ.get(setting.variable or "")) for setting in SETTINGS]
    spoken += [(COMMAND_LINE, BY_KEY[key], f"--{key}", said) for key, said in (options or {}).items()]
    for source, setting, name, said in spoken:
        if said:
            try:
                values[setting.key], sources[setting.key] = typed(setting, said), source
            except BadValue as error:
                troubles.append(Trouble(f"{name}", None, f"'{said}' {error}"))
    return Config(document, values, sources, tuple(troubles))


def _from_file(document: Document, values: dict[str, object], sources: dict[str, str]) -> list[Trouble]:
    """Take what the file says, and tell what cannot be taken."""
    troubles = []
    for key, value in _leaves(document.data):
        setting = BY_KEY.get(key)
        if setting is None:
            tables = {known.partition(".")[0] for known in BY_KEY if "." in known}
            near = nearest(key, [*(known for known in BY_KEY if known != "keys"), *sorted(tables - {key})])
            troubles.append(document.wrong(key, f"there is no setting '{key}'{near}"))
            continue
        try:
            if setting.kind is Kind.TABLE and isinstance(value, dict):
                value = _joined(value)  # noqa: PLW2901 - dots in a name may be written with or without quotes
            values[key], sources[key] = taken(setting, value), FILE
        except BadValue as error:
            troubles.append(document.wrong(key, f"{key} {error}"))
    return troubles


def _leaves(data: Mapping[str, object], above: str = "") -> list[tuple[str, object]]:
    """Every value with its dotted key, as deep as there are settings."""
    found: list[tuple[str, object]] = []
    for name, value in data.items():
        key = above + name
        if key not in BY_KEY and isinstance(value, dict) and any(known.startswith(f"{key}.") for known in BY_KEY):
            found += _leaves(value, f"{key}.")
        else:
            found.append((key, value))
    return found


def _joined(table: Mapping[str, object], above: str = "") -> dict[str, object]:
    """A table with the tables in it flattened, their names joined with dots."""
    found: dict[str, object] = {}
    for name, value in table.items():
        found |= _joined(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return found


def _parsed(where: str, text: str) -> Document:
    """The document in a text, or in as much of it as stands above its first mistake."""
    from tomllib import TOMLDecodeError, loads  # noqa: PLC0415 - 5 ms that only people with a config file pay

    trouble, tries = None, 0
    while True:
        try:
            data = loads(text)
        except RecursionError:
            return _unread(where, "is no valid TOML: nested too deep; correct or remove it")
        except TOMLDecodeError as error:
            line = _mistake(text, str(error))
            if trouble is None:
                words = str(error).partition(" (at ")[0]
                trouble = Trouble(f"config file {where}", line, f"is no valid TOML: {words}; correct or remove it")
            tries += 1
            # What is never closed is noticed at the end of the text, and may have begun far above.
            kept = line - 1 if tries < _TRIES else (line - 1) // 2
            text = "".join(text.splitlines(keepends=True)[:kept])
        else:
            return Document(where, data, text, trouble, present=True)


def _mistake(text: str, message: str) -> int:
    """The line that the parser complains of; it names none where the text ends too soon."""
    _words, found, place = message.partition("(at line ")
    number = place.partition(",")[0]
    return int(number) if found and number.isdigit() else max(1, len(text.splitlines()))


def _bytes(where: str) -> bytes:
    """The bytes of a config file, through a link if it is one.

    Raises:
        Unfit: It is no regular file, or too large.
        OSError: It is absent or cannot be read.
    """
    info = os.stat(where)  # opening a device is an act
    if not files.is_plain(info):
        raise files.Unfit(f"is {files.kind(info)}; it is not read")
    with files.opened(os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as fd:
        data = b""
        while len(data) <= MOST and (part := os.read(fd, MOST + 1 - len(data))):
            data += part
    if len(data) > MOST:
        raise files.Unfit("is larger than 256 KB; it is not read")
    return data


def _unread(where: str, sentence: str, line: int | None = None) -> Document:
    """A file that says nothing that can be used."""
    return Document(where, trouble=Trouble(f"config file {where}", line, sentence), present=True)
