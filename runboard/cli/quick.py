"""The verb called most, ``ps``, understood without loading the parser of all verbs, which takes longer than its answer.

What it says means here exactly what it means there; whatever is not plain is left to the parser, which explains it.
"""

from __future__ import annotations

from collections.abc import Iterator

from runboard.cli.listing import Wish
from runboard.cli.said import Desk

_FORMS = {"--json": "json", "--jsonl": "jsonl", "--quiet": "ids", "-q": "ids"}
_ALL = ("--all", "-a")
_COLORS = ("auto", "always", "never")
_COMMON = ("--runs-dir", "--color")
_OWN = ("--sort", "--format", "--limit", "-n")


class _Odd(Exception):
    """Something that the parser is to judge."""


def ps_call(args: list[str]) -> tuple[Desk, Wish] | None:
    """What a plain call of ``ps`` asks for; None for every other call, also for a wrong one."""
    desk, words, wish, rest = Desk(), list[str](), Wish(), iter(args)
    called = False
    try:
        for arg in rest:
            if _common(desk, arg, rest):
                continue
            if not called:
                if arg != "ps":
                    return None
                called = True
            elif arg == "--":
                words += rest
            elif arg.startswith("-"):
                wish = _own(wish, arg, rest)
            else:
                words.append(arg)
    except _Odd:
        return None
    return (desk, wish._replace(words=tuple(words))) if called else None


def _common(desk: Desk, arg: str, rest: Iterator[str]) -> bool:
    """Take an option that every verb has; whether it was one."""
    if arg == "--ascii":
        desk.ascii = "always"
        return True
    name, value = _valued(arg, rest, _COMMON)
    if name == "--runs-dir":
        desk.runs_dir = value
    elif name == "--color":
        if value not in _COLORS:
            raise _Odd
        desk.color = value
    return name is not None


def _own(wish: Wish, arg: str, rest: Iterator[str]) -> Wish:
    """Take an option of ``ps``."""
    if arg in _ALL:
        return wish._replace(everything=True)
    if arg == "--size":
        return wish._replace(sized=True)
    if arg in _FORMS:
        if wish.form not in {None, _FORMS[arg]}:
            raise _Odd
        return wish._replace(form=_FORMS[arg])
    name, value = _valued(arg, rest, _OWN)
    match name:
        case "--sort":
            return wish._replace(sort=value)
        case "--format":
            return wish._replace(template=value)
        case "--limit" | "-n" if value.isascii() and value.isdigit():
            return wish._replace(limit=int(value))
    raise _Odd


def _valued(arg: str, rest: Iterator[str], names: tuple[str, ...]) -> tuple[str | None, str]:
    """The name and the value of an option that takes one; no name where it is none of these."""
    name, equals, value = arg.partition("=")
    if name not in names or (equals and not name.startswith("--")):
        return None, ""
    if not equals:
        found = next(rest, None)
        if found is None:
            raise _Odd
        value = found
    return name, value
