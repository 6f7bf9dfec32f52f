"""What every verb is made with: the options common to all, and the way it treats several runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from runboard.cli.exits import FAILED, NO_SUCH_RUN, USAGE, Failure, code_of_several
from runboard.cli.finding import are_many
from runboard.cli.printing import complain
from runboard.cli.said import Desk
from runboard.store import LAST, AmbiguousRun, NoSuchRun, Store, StoreError

__all__ = ["Desk", "common_options", "each", "find", "theme_option", "verb"]


def verb(
    name: str, example: str, kind: type[click.Command] = click.Command, *, interspersed: bool = True
) -> Callable[[Callable[..., int]], click.Command]:
    """Make a function that takes the desk and its options a verb that returns its exit code.

    Args:
        name: What to call it by.
        example: One call worth imitating.
        kind: The class of its parser.
        interspersed: Whether options may stand behind arguments.
    """

    def made(function: Callable[..., int]) -> click.Command:
        make: Callable[[Callable[..., Any]], click.Command] = click.command(
            name,
            kind,
            epilog=f"Example: {example}",
            add_help_option=False,
            context_settings={"allow_interspersed_args": interspersed},
        )
        command = make(click.pass_obj(function))
        command.params.extend(common_options())
        return command

    return made


def common_options() -> list[click.Parameter]:
    """The options that every verb has, as the program itself does; click's own --help would load its translations."""
    return [
        click.Option(
            ["--runs-dir"],
            metavar="DIR",
            expose_value=False,
            callback=_keep,
            help="The runs directory, in place of $RUNBOARD_RUNS.",
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            expose_value=False,
            callback=_keep,
            help="When to use colours.",
        ),
        click.Option(
            ["--ascii"],
            flag_value="always",
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Draw with ASCII only.",
        ),
        click.Option(
            ["-h", "--help"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_help,
            help="Show this message and exit.",
        ),
    ]


def theme_option(function: Callable[..., int]) -> Callable[..., int]:
    """Give a verb that opens the board its option for the colours."""
    option = click.option("--theme", metavar="NAME", expose_value=False, callback=_keep, help="The colours.")
    return option(function)


def find(store: Store, text: str) -> str:
    """The id that an exact id, a unique prefix or @last means.

    Raises:
        Failure: It means no run, or more than one.
    """
    try:
        if text == LAST and are_many(store.root):
            from runboard.cli.asking import last  # noqa: PLC0415 - SQLite takes longer to load than few runs to read

            return last(store)
        return store.find(text)
    except AmbiguousRun as error:
        raise Failure(str(error), USAGE) from None
    except NoSuchRun as error:
        raise Failure(str(error), NO_SUCH_RUN) from None


def each(
    items: Sequence[str],
    act: Callable[[str], int],
    troubles: tuple[type[Exception], ...] = (),
    meaning: Callable[[str], str] = str,
) -> int:
    """Do something to each of several runs, telling what went wrong with which, and sum up in one exit code.

    Args:
        items: Runs as typed.
        act: Does it to one run, by its id, and returns its exit code.
        troubles: What ``act`` may raise beside Failure and StoreError, with a sentence in it.
        meaning: Finds the id; all are found, and those that cannot be are told, before anything is done to any.
    """
    codes, known = [], []
    for item in items:
        try:
            known.append(meaning(item))
        except Failure as error:
            complain(str(error))
            codes.append(error.code)
    expected: tuple[type[Exception], ...] = (StoreError, *troubles)
    for run_id in dict.fromkeys(known):
        try:
            codes.append(act(run_id))
        except Failure as error:
            complain(str(error))
            codes.append(error.code)
        except expected as error:
            complain(str(error))
            codes.append(NO_SUCH_RUN if isinstance(error, NoSuchRun) else FAILED)
    return code_of_several(codes)


def _keep(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Note what a common option said, wherever it stood."""
    if value is not None and option.name is not None:
        setattr(context.ensure_object(Desk), option.name, value)


def _help(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the help, and leave."""
    if wanted and not context.resilient_parsing:
        click.echo(context.get_help())
        context.exit()
