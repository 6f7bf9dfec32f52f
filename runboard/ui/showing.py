"""Showing the board: from Textual being loaded to the exit code."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from runboard import logs
from runboard.board import Board
from runboard.control import Control
from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.handover import Early
from runboard.ui.sources import Sources
from runboard.ui.taste import PLAIN, Taste
from runboard.understudy import Part, standing_in

if TYPE_CHECKING:  # it loads asyncio
    from runboard.ui.intake import Feed

COLLECTING = (10_000, 20, 50)
"""After how much garbage is collected: a hundred thousand rows are no reason to look through all of them again."""

SWITCHING = 0.00005
"""Seconds after which another thread may go on: who settles needs a moment thirty times for each run, and each time
waits so long where a screen is being painted; at 0.2 ms one in twenty endings comes 2 ms later, at 0.5 ms 6 (m)."""


UNUSED = {
    **dict.fromkeys(("asyncio.sslproto", "asyncio.staggered", "ipaddress", "mimetypes", "textwrap"), Part()),
    "ssl": Part(needs="_ssl"),
    "platformdirs": Part(functions=("user_downloads_path",)),
    "textual.types": Part(elsewhere={"IgnoreReturnCallbackType": "textual._types"}),
}
"""What Textual and asyncio import and a board hardly ever uses."""

TOLD = 200
"""Characters of an error that are told on the terminal."""


def show(
    board: Board,
    feed: Feed,
    control: Control | None,
    open_log: Callable[[str], logs.LogView],
    title: str,
    *,
    read_response: Callable[[str], str | None] = lambda _run_id: None,
    read_run: Callable[[str], Run | None] | None = None,
    sources: Sources = Sources(),  # noqa: B008 - a frozen value
    on_screen: Callable[[list[str]], None] = lambda _run_ids: None,
    early: Early | None = None,
    taste: Taste = PLAIN,
    lock: str = "",
    keep_crash: Callable[[str], str] = lambda _report: "",
) -> int:
    """Show the board until it is left, and return the exit code.

    The caller has seen to it that stdin, stdout and stderr are terminals, and has taken every TEXTUAL* variable and
    ESCDELAY out of the environment, and NO_COLOR where it is empty: Textual reads them when it is imported, and some
    of them load modules or press keys. That import happens here and takes a quarter of a second.

    ``keep_crash`` keeps the report of a crash and says where: on the terminal only its last line is told.

    Returns:
        0 when it was left by q or ctrl+c, 1 after a crash (told on stderr), 128 + n after signal n, 129 when the
        terminal was gone. Runs are never touched by leaving.
    """
    with standing_in(UNUSED):
        from runboard.ui import kinds  # noqa: PLC0415 - see above

        kinds.take_over()
        from runboard.ui.app import RunboardApp  # noqa: PLC0415 - see above

    app = RunboardApp(
        board,
        feed,
        control,
        open_log,
        title=title,
        read_response=read_response,
        read_run=read_run,
        sources=sources,
        on_screen=on_screen,
        taste=taste,
        lock=lock,
    )
    app.early = early
    gc.freeze()
    gc.set_threshold(*COLLECTING)
    sys.setswitchinterval(SWITCHING)
    app.run()
    if early is not None:
        early.leave()
    if app.crash is not None:
        sys.stderr.write(told(app.crash, keep_crash(app.crash)))
    return app.return_code or 0


def told(crash: str, where: str) -> str:
    """One clean line about a crash: what went wrong, and where its report is, if that could be kept."""
    last = clean(crash.rpartition("\n")[2])[:TOLD]
    kept = f" The report is in {clean(where)}" if where else ""
    return f"runboard: the board stopped because of an error; your runs go on. {last}.{kept}\n"
