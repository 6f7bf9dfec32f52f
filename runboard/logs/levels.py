"""How grave a line of a plain log is by its own account; a line that merely speaks of errors is none.

Recognised are the words that loggers write: in capitals behind a time or at the beginning, in brackets, as
``level=error`` or ``"level":"error"``, ``E1123 14:05`` (klog), ``<11>`` (syslog), ``error:`` as compilers write it, and
the last line of a Python traceback.
"""

from __future__ import annotations

import re
from enum import StrEnum

from runboard.late import pattern

HEAD = 160
"""Characters of a line in which its level is looked for."""

_WORDS = 8
"""Words in front of a level in capitals, where the line bears a time."""


class Level(StrEnum):
    """What stands out, and what steps back; everything between is as it is."""

    ERROR = "error"
    WARNING = "warning"
    DEBUG = "debug"


_NAMES = {
    Level.ERROR: "emerg emergency alert fatal crit critical error err eror severe panic dpanic failure",
    Level.WARNING: "warning warn wrn",
    Level.DEBUG: "debug dbg trace trc verbose fine finer finest",
}
_LEVELS = {name: level for level, names in _NAMES.items() for name in names.split()}
_PLAIN = frozenset({"info", "inf", "information", "notice", "note", "log", "ok"})
_KLOG = {"E": Level.ERROR, "F": Level.ERROR, "W": Level.WARNING, "I": None}

_KLOG_HEAD = pattern(r"([EFWI])\d{4} \d\d:\d\d:\d\d")
_PRIORITY = pattern(r"<(\d{1,3})>")
_TIME = pattern(r"\d\d?:\d\d(?::\d\d)?")
_FIELD = pattern(
    r"""(?<![\w.-])"?(?:level|lvl|severity|levelname|log\.level)"?\s*[=:]\s*"?([A-Za-z]+|\d\d)\b""", re.IGNORECASE
)
_BRACKETED = pattern(r"[\[(<|](?:[\w.-]+:)?([A-Za-z]+)[\])>|]")
_WORD = pattern(r"[^\s\[\](){}<>|,;]+")
_COMPILER = pattern(
    r"(?:npm (?P<npm>ERR!|WARN)|(?P<kind>(?:fatal )?error|fatal|panic|warning)(?:\[\w+\])?:"
    r"|\S+?[:(]\d+(?:[:,]\d+)?\)?: (?P<at>(?:fatal )?error|warning)\b)",
    re.IGNORECASE,
)
_RAISED = pattern(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|ExceptionGroup|SystemExit)(?=:|\s*\Z)")
_WARNED = pattern(r"(?:\S+:\d+: )?(?:[A-Za-z_]\w*\.)*[A-Z]\w*Warning: ")


def level_of(text: str) -> Level | None:
    """The level of a line, given as text without colours; None for what is neither grave nor slight."""
    head = text[:HEAD]
    if found := _KLOG_HEAD.match(head):
        return _KLOG[found[1]]
    if (head[:1] == "{" or "=" in head) and (field := _FIELD.search(text[: 4 * HEAD])):
        return _of_field(field[1])
    if (named := _named(head)) is not None:
        return _LEVELS.get(named)
    return _of_priority(int(found[1]) % 8) if (found := _PRIORITY.match(head)) else _of_form(head)


def _of_form(head: str) -> Level | None:
    """The level of what compilers and package managers say, and of the end of a traceback."""
    if found := _COMPILER.match(head):
        mild = (found["npm"] or found["kind"] or found["at"]).lower() in {"warn", "warning"}
        return Level.WARNING if mild else Level.ERROR
    if _RAISED.match(head):
        return Level.ERROR
    return Level.WARNING if _WARNED.match(head) else None


def _named(head: str) -> str | None:
    """The name of a level, where a logger writes it: in brackets of any letters, or in capitals as a word."""
    time = _TIME.search(head)
    reach = len(head) if time else 24
    for found in _BRACKETED.finditer(head, 0, reach):
        if (name := found[1].lower()) in _LEVELS or name in _PLAIN:
            return name
    for at, found in enumerate(_WORD.finditer(head)):
        if at > (_WORDS if time else 0):
            break
        word = found[0].partition(":")[0]
        if word.isupper() and ((name := word.lower()) in _LEVELS or name in _PLAIN):
            return name
    return None


def _of_field(value: str) -> Level | None:
    """The level that a field tells, by its name or by the numbers of bunyan and pino."""
    if value.isdigit():
        number = int(value)
        return Level.ERROR if number >= 50 else Level.WARNING if number >= 40 else Level.DEBUG if number <= 20 else None
    return _LEVELS.get(value.lower())


def _of_priority(severity: int) -> Level | None:
    """The level of a syslog severity (RFC 5424)."""
    if severity <= 3:
        return Level.ERROR
    return {4: Level.WARNING, 7: Level.DEBUG}.get(severity)
