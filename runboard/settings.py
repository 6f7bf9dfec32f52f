"""The one registry of settings: each with its key, its kind, its default, one sentence, and what it may not be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from math import isfinite
from typing import NamedTuple

from runboard.columns import COLUMNS
from runboard.query import BadQuery, Query
from runboard.safetext import clean


class Kind(StrEnum):
    """What a value is."""

    TEXT = "text"
    PATH = "path"
    FLAG = "flag"
    NUMBER = "number"
    CHOICE = "choice"
    TEXTS = "list of texts"
    COMMAND = "command"
    TABLE = "table of texts"


class Setting(NamedTuple):
    """One thing that can be set; ``check`` says in a sentence what is wrong with a value of the right kind."""

    key: str
    kind: Kind
    default: object
    sentence: str
    check: Callable[[object], str | None] = lambda _value: None
    choices: tuple[str, ...] = ()
    named: str | None = None

    @property
    def variable(self) -> str | None:
        """The environment variable that sets it too; tables have none."""
        return None if self.kind is Kind.TABLE else self.named or f"RUNBOARD_{self.key.replace('.', '_').upper()}"


def _positive(value: object) -> str | None:
    """A number above zero."""
    return None if isinstance(value, int | float) and value > 0 else "must be more than 0"


def _share(value: object) -> str | None:
    """A percentage."""
    return None if isinstance(value, int | float) and 0 < value <= 100 else "must be more than 0 and at most 100"


def _absolute(value: object) -> str | None:
    """A path that means the same from everywhere."""
    fine = isinstance(value, str) and value.startswith(("/", "~"))
    return None if fine else "must be an absolute path in quotes, or begin with ~"


def _columns(value: object) -> str | None:
    """Keys of columns, each once."""
    names = [str(name) for name in value] if isinstance(value, list | tuple) else []
    known = [column.key for column in COLUMNS]
    for name in names:
        if name not in known:
            others = nearest(name, known) or f"; there are {', '.join(known)}"
            return f"is wrong: there is no column '{clean(name)}'{others}"
        if names.count(name) > 1:
            return f"names the column {name} twice"
    return None


def _sort(value: object) -> str | None:
    """A column, with a minus where its order is turned round; nothing for the usual order."""
    return _columns([str(value).removeprefix("-")]) if value else None


def _filters(value: object) -> str | None:
    """Filters that can be understood, by their names."""
    for name, text in value.items() if isinstance(value, Mapping) else ():
        try:
            Query.parse(text)
        except BadQuery as error:
            return f"is wrong: the filter '{clean(name)}' is no filter: {error}"
    return None


SETTINGS = (
    Setting(
        *("runs_dir", Kind.PATH, None, "The runs directory, absolute or beginning with ~."),
        check=_absolute,
        named="RUNBOARD_RUNS",
    ),
    Setting("theme", Kind.TEXT, "auto", "The colours: the name of a theme, or auto for what suits the terminal."),
    Setting(
        *("ascii", Kind.CHOICE, "auto", "Draw with ASCII only; auto does so where the locale is not UTF-8."),
        choices=("auto", "always", "never"),
    ),
    Setting("board.columns", Kind.TEXTS, (), "The table's columns in their order; empty for the usual.", _columns),
    Setting("board.sort", Kind.TEXT, "", "The column to sort by, with a minus to turn it round.", _sort),
    Setting("board.filters", Kind.TABLE, {}, "Saved filters: a name, and what one would type behind /.", _filters),
    Setting(
        *("attention.silent_minutes", Kind.NUMBER, 10, "After so many minutes without output a run needs you."),
        check=_positive,
    ),
    Setting(
        *("attention.timeout_percent", Kind.NUMBER, 90, "After so much of its time limit a run needs you."),
        check=_share,
    ),
    Setting("notify.toast", Kind.FLAG, True, "Tell endings in a corner of the board."),
    Setting("notify.bell", Kind.FLAG, False, "Ring the terminal's bell when a run has ended."),
    Setting("notify.osc", Kind.FLAG, False, "Have the terminal notify you of endings, where it can (OSC 9, 99, 777)."),
    Setting(
        "hooks.on_finish",
        Kind.COMMAND,
        None,
        "A command for every ending, as a list of words or as a line for sh; the record comes on its stdin.",
    ),
    Setting("keys", Kind.TABLE, {}, "Keys by the id of what they do, several with commas between them."),
)
"""Every setting, in the order in which they are shown."""

BY_KEY = {setting.key: setting for setting in SETTINGS}

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def _texts(value: object) -> bool:
    """Whether it is a list of nothing but texts."""
    return isinstance(value, list | tuple) and all(isinstance(part, str) for part in value)


_FITS: dict[Kind, tuple[Callable[[object], bool], str]] = {
    Kind.FLAG: (lambda value: isinstance(value, bool), "must be true or false, without quotes"),
    Kind.NUMBER: (
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value),
        "must be a number, without quotes",
    ),
    Kind.PATH: (lambda value: isinstance(value, str), "must be an absolute path in quotes, or begin with ~"),
    Kind.TEXT: (lambda value: isinstance(value, str), "must be text in quotes"),
    Kind.CHOICE: (lambda value: isinstance(value, str), "must be one of "),
    Kind.TEXTS: (_texts, 'must be a list of texts, as in ["a", "b"]'),
    Kind.COMMAND: (
        lambda value: bool(value) and (isinstance(value, str) or _texts(value)),
        'must be a command, as ["notify-send", "done"] or as a line for sh in quotes',
    ),
    Kind.TABLE: (
        lambda value: isinstance(value, dict) and all(isinstance(part, str) for part in value.values()),
        "must be a table of texts in quotes",
    ),
}
"""What a value of each kind has to be, and how that is said."""


class BadValue(ValueError):
    """A value that a setting cannot have; the message is a sentence without its subject."""


def taken(setting: Setting, value: object) -> object:
    """A value from a file as the setting's kind has it.

    Raises:
        BadValue: It is of another kind, or not one that the setting takes.
    """
    if setting.kind is Kind.CHOICE and isinstance(value, bool):
        value = "always" if value else "never"
    fits, otherwise = _FITS[setting.kind]
    if not fits(value) or (setting.kind is Kind.CHOICE and value not in setting.choices):
        raise BadValue(otherwise + ", ".join(setting.choices))
    if wrong := setting.check(value):
        raise BadValue(wrong)
    return tuple(value) if isinstance(value, list) else value


def typed(setting: Setting, text: str) -> object:
    """A value from the environment or the command line, where everything is text.

    Raises:
        BadValue: It is not one that the setting takes.
    """
    word = text.strip().lower()
    match setting.kind:
        case Kind.FLAG | Kind.CHOICE if word in _TRUE | _FALSE:
            return taken(setting, word in _TRUE)
        case Kind.FLAG:
            raise BadValue("must be 1 or 0")
        case Kind.NUMBER:
            try:
                return taken(setting, float(text) if "." in text else int(text))
            except ValueError as error:
                raise error if isinstance(error, BadValue) else BadValue("must be a number") from None
        case Kind.PATH:
            return text  # a person who types a path may count it from where they are
        case Kind.TEXTS:
            return taken(setting, [part.strip() for part in text.split(",") if part.strip()])
    return taken(setting, text)


def nearest(name: str, known: list[str]) -> str:
    """A question for who may have mistyped a name; empty where nothing comes near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for a slip

    near = get_close_matches(name, known, 1)
    last = [key for key in known if key.rpartition(".")[2] == name.rpartition(".")[2]]
    return f"; did you mean '{(near or last)[0]}'?" if near or last else ""


def schema() -> dict[str, object]:
    """The registry as a JSON Schema for editors."""
    root: dict[str, object] = {}
    for setting in SETTINGS:
        *tables, name = setting.key.split(".")
        place = root
        for table in tables:
            inner = place.setdefault(table, {"type": "object", "additionalProperties": False, "properties": {}})
            assert isinstance(inner, dict)
            place = inner["properties"]
        place[name] = _shape(setting) | {"description": setting.sentence}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "runboard's config.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": root,
    }


def _shape(setting: Setting) -> dict[str, object]:
    """What JSON Schema says of a setting's values."""
    texts: dict[str, object] = {"type": "array", "items": {"type": "string"}}
    shape: dict[Kind, dict[str, object]] = {
        Kind.FLAG: {"type": "boolean"},
        Kind.NUMBER: {"type": "number", "exclusiveMinimum": 0},
        Kind.CHOICE: {"enum": [*setting.choices, True, False]},
        Kind.TEXTS: texts,
        Kind.COMMAND: {"anyOf": [{"type": "string", "minLength": 1}, texts | {"minItems": 1}]},
        Kind.TABLE: {"type": "object", "additionalProperties": {"type": "string"}},
    }
    default = {} if setting.default is None else {"default": setting.default}
    return shape.get(setting.kind, {"type": "string"}) | default
