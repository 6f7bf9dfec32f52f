"""The verb ``man``: the manual page, made from what the parser itself knows, so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc

import click

from runboard.cli.desk import Desk, common_options, verb
from runboard.cli.exits import DONE
from runboard.cli.printing import put
from runboard.settings import SETTINGS


@verb("man", example="runboard man >~/.local/share/man/man1/runboard.1")
def man_verb(desk: Desk) -> int:  # noqa: ARG001 - every verb gets the desk
    """Print the manual page; runboard man | man -l - shows it."""
    for line in page():
        put(line)
    return DONE


def page() -> Iterator[str]:
    """The whole page in roff's man macros, ASCII only."""
    from runboard.cli.app import program  # noqa: PLC0415 - the program has no need of this module

    ctx = click.Context(program, info_name="runboard")
    yield '.TH RUNBOARD 1 "" "runboard" "User Commands"'
    yield ".nh"
    yield from _section("NAME")
    yield f"runboard \\- {_escaped('see what you started and walked away from, and how it ended')}"
    yield from _section("SYNOPSIS")
    yield from _synopsis(ctx)
    yield from _section("DESCRIPTION")
    yield from _prose(program.help or "")
    yield from _section("OPTIONS")
    yield from _options(program, ctx)
    yield from _section("VERBS")
    yield from _prose("Every verb takes the options --runs-dir, --color, --ascii and --help, too.")
    yield from _verbs(program, ctx)
    yield from _section("CONFIGURATION")
    yield from _prose(
        "Settings stand in ~/.config/runboard/config.toml ($XDG_CONFIG_HOME is heeded); the variable in parentheses "
        "counts more, an option most. runboard config validate tells what is wrong."
    )
    for setting in SETTINGS:
        variable = f" ({setting.variable})" if setting.variable else ""
        yield from _item(setting.key + variable, setting.sentence)
    yield from _section("NOTES")
    yield from _prose(program.epilog or "")


def _verbs(group: click.Group, above: click.Context) -> Iterator[str]:
    """Every verb of a group with all that can be said to it, and its own verbs after it."""
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        if command is None or command.hidden:
            continue
        ctx = click.Context(command, info_name=name, parent=above)
        yield f".SS {_escaped(ctx.command_path.removeprefix('runboard '))}"
        yield from _synopsis(ctx)
        yield ".PP"
        yield from _prose(command.help or "")
        yield from _options(command, ctx)
        if command.epilog:
            yield ".PP"
            yield from _prose(command.epilog)
        if isinstance(command, click.Group):
            yield from _verbs(command, ctx)


def _synopsis(ctx: click.Context) -> Iterator[str]:
    """How a verb is called, the literal part in bold."""
    pieces = " ".join(ctx.command.collect_usage_pieces(ctx))
    yield f"\\fB{_escaped(ctx.command_path)}\\fR {_escaped(pieces)}"


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """A verb's options with their help, but those that every verb has."""
    common = set() if ctx.parent is None else {option.name for option in common_options()}
    for param in command.get_params(ctx):
        told = param.get_help_record(ctx)
        if told is not None and isinstance(param, click.Option) and param.name not in common:
            yield from _item(*told)


def _item(head: str, text: str) -> Iterator[str]:
    """A term, and what it means below it."""
    yield ".TP"
    yield f"\\fB{_escaped(head)}\\fR"
    yield _line(text)


def _section(title: str) -> Iterator[str]:
    """The heading of a section."""
    yield f".SH {title}"


def _prose(text: str) -> Iterator[str]:
    """Paragraphs, those that click is not to wrap line by line."""
    for at, paragraph in enumerate(cleandoc(text).split("\n\n")):
        if at:
            yield ".PP"
        if paragraph.startswith("\b"):
            yield ".nf"
            yield from map(_line, paragraph.lstrip("\b\n").splitlines())
            yield ".fi"
        else:
            yield _line(" ".join(paragraph.split()))


def _line(text: str) -> str:
    """A line of text that is none of roff's commands."""
    shown = _escaped(text)
    return f"\\&{shown}" if shown.startswith((".", "'")) else shown


def _escaped(text: str) -> str:
    """A text as roff shows it, character for character."""
    plain = "".join(_ROFF.get(char) or (char if char.isascii() else f"\\[u{ord(char):04X}]") for char in text)
    return " ".join(plain.splitlines())


_ROFF = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
