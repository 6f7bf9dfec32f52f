"""The program as click sees it: every verb with its one line of help, loaded only when it is called."""

from __future__ import annotations

import gc
from importlib import import_module

import click

from runboard.cli.desk import Desk, common_options, theme_option
from runboard.cli.exits import DONE, USAGE
from runboard.cli.printing import complain, put
from runboard.cli.telling import told_code

VERBS = {
    "run": ("starting", "Start a command that goes on without you; print its id."),
    "rerun": ("starting", "Start the command of a run again."),
    "ps": ("ps", "List runs: running first, then newest."),
    "show": ("showing", "Show everything known of one run."),
    "logs": ("reading", "Print or follow a run's output."),
    "grep": ("grepping", "Search the logs of many runs."),
    "watch": ("reading", "Follow a run to its end and exit with its code."),
    "wait": ("ending", "Wait until runs have ended."),
    "kill": ("ending", "End a run's whole process tree."),
    "pause": ("pausing", "Stop a run's processes where they stand."),
    "continue": ("pausing", "Let a paused run go on."),
    "mark": ("marking", "Count a finished run as completed or failed."),
    "tag": ("marking", "Give runs tags, or take tags from them."),
    "note": ("marking", "Put a note on a run."),
    "clean": ("clearing", "Move finished runs to the trash."),
    "trash": ("clearing", "List, restore or empty the trash."),
    "reconcile": ("ending", "Settle runs that have ended, without a board."),
    "demo": ("demo", "Open a board of living sample runs."),
    "config": ("configuring", "Say what is set, and what is wrong with it."),
    "completion": ("shells", "Print a script that completes in bash, zsh or fish."),
    "man": ("manual", "Print the manual page."),
    "doctor": ("doctor", "Say what this machine offers."),
}
"""Verb to the module it lives in and its line in the list of verbs."""


class Program(click.Group):
    """A group whose verbs are looked up in ``VERBS`` and imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all verbs, most used first."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Load one verb; the collector, at rest since the start, wakes when everything is loaded."""
        if cmd_name not in VERBS:
            return None
        module = import_module(f"runboard.cli.{VERBS[cmd_name][0]}")
        gc.freeze()
        gc.enable()
        found: click.Command = getattr(module, f"{cmd_name}_verb")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the verbs without loading them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_module, line) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or name the nearest one."""
        if args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only for a slip

            near = get_close_matches(args[0], VERBS, 1)
            ctx.fail(f"there is no verb '{args[0]}'" + (f"; did you mean '{near[0]}'?" if near else "."))
        return super().resolve_command(ctx, args)


@click.group(
    "runboard",
    cls=Program,
    invoke_without_command=True,
    params=common_options(),
    subcommand_metavar="[VERB [ARGS]...]",
    add_help_option=False,
    context_settings={"max_content_width": 100},
    epilog="ID is an exact id, any unique beginning of one, or @last. Exit codes: 0 done, 1 failed, 2 usage, "
    "3 no such run, 4 some of several failed, 130 interrupted.",
)
@theme_option
@click.option("--watch", is_flag=True, help="Open a board that only looks, locked by the kernel: for guests.")
@click.option("--unlocked", is_flag=True, help="With --watch: without the kernel's lock, for people you trust.")
@click.option("--version", is_flag=True, help="Print the version.")
@click.pass_context
def program(ctx: click.Context, *, watch: bool, unlocked: bool, version: bool) -> int:
    """Open the board of your runs, or do one thing from the shell with a verb.

    \b
    runboard run -- make test     start something and walk away
    runboard                      see how it goes
    """  # noqa: D301 - click's mark for lines that are not to be wrapped
    if version:
        put(f"runboard {_version()}")
        ctx.exit(DONE)
    if unlocked and not watch:
        ctx.fail("--unlocked goes with --watch.")
    if ctx.invoked_subcommand is not None:
        if watch:
            ctx.fail("--watch opens the board and takes no verb; did you mean 'runboard watch'?")
        return DONE
    from runboard.cli.comfort import taste_of  # noqa: PLC0415 - no verb needs the board
    from runboard.cli.opening import open_board  # noqa: PLC0415

    desk = ctx.ensure_object(Desk)
    taste = taste_of(desk.options, writable=not watch)
    return open_board(desk.board_root, writable=not watch, taste=taste, unlocked=unlocked)


def run_command_line(args: list[str]) -> int:
    """Run one call of the program and return its exit code; whatever went wrong is told in one line on stderr."""
    return told_code(lambda: _parsed(args))


def _parsed(args: list[str]) -> int:
    """Run one call; a wrong one is explained."""
    try:
        # Not program.main(): it has ideas of its own about interruptions and closed pipes.
        with program.make_context("runboard", args, obj=Desk()) as ctx:
            code: object = program.invoke(ctx)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "runboard"
        complain(f"{' '.join(error.format_message().split())} See {where} --help")
        return USAGE
    return code if isinstance(code, int) else DONE


def _version() -> str:
    """The installed version; 38 ms, so only for who asks."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - see above

    try:
        return version("runboard")
    except PackageNotFoundError:
        return "(a checkout that is not installed)"
