"""A guest's board that tries, from inside, what it must not be able to do: ``python -m tests.guestboard MODE PLACE``.

``board`` opens the board as the command line does, and tries each act on the app's loop and in a thread; ``bare`` locks
itself without a board; ``free`` does not lock itself, and tries each act in a process of its own. What came of it goes
to the FIFO ``report`` in the place, opened before the lock as all else is that acts need.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from tests.guestacts import FORBIDDEN, NEEDED, Place

Told = list[tuple[str, str, int]]
"""For each act where it was tried, and the number of the error; 0 where it came to pass, -1 for a wrong answer."""


def main(mode: str, root: Path) -> None:
    """Prepare, lock, try, tell."""
    mouth = os.open(root / "report", os.O_WRONLY)
    memory = ctypes.create_string_buffer(b"as it is", 16)
    servers = list(listening(root))
    victim = os.fork()
    if victim == 0:
        be_a_victim()
    try:
        port, abstract = servers[0].getsockname()[1], f"guest-{os.getpid()}"

        def lay() -> Place:
            """What acts need, anew."""
            return Place.lay(root, victim, port, abstract, ctypes.addressof(memory))

        def tell(told: Told) -> None:
            """Tell what came of it."""
            os.write(mouth, json.dumps(told).encode())

        {"board": in_a_board, "bare": in_a_lock, "free": freely}[mode](root, lay, tell)
    finally:
        os._exit(0)


def be_a_victim() -> NoReturn:
    """Be what acts are aimed at, for as long as there is whoever does them: once locked in, they cannot end us."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.05)
    os._exit(0)


def listening(root: Path) -> list[socket.socket]:
    """A port, an abstract name for each kind, and a named socket, at which somebody listens."""
    places: tuple[tuple[int, int, tuple[str, int] | str], ...] = (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        (socket.AF_UNIX, socket.SOCK_STREAM, f"\0guest-{os.getpid()}"),
        (socket.AF_UNIX, socket.SOCK_DGRAM, f"\0guest-{os.getpid()}-d"),
        (socket.AF_UNIX, socket.SOCK_STREAM, str(root / "home" / "named")),
    )
    servers = []
    for family, kind, where in places:
        server = socket.socket(family, kind)
        if isinstance(where, str) and where.startswith("/"):
            Path(where).unlink(missing_ok=True)
        server.bind(where)
        if kind == socket.SOCK_STREAM:
            server.listen(100)
        servers.append(server)
    return servers


def tried(name: str, place: Place) -> int:
    """What comes of one act."""
    act = NEEDED[name] if name in NEEDED else FORBIDDEN[name][1]
    try:
        act(place)
    except OSError as error:
        return error.errno or -1
    except (AssertionError, ImportError):
        return -1
    return 0


def all_of(where: str, place: Place, names: Iterable[str]) -> Told:
    """What comes of these acts here."""
    return [(name, where, tried(name, place)) for name in names]


def here_and_in_a_thread(place: Place, tell: Callable[[Told], None], names: Sequence[str]) -> None:
    """Try these acts in this thread and in another."""
    told = all_of("loop", place, names)
    thread = threading.Thread(target=lambda: told.extend(all_of("thread", place, names)))
    thread.start()
    thread.join()
    tell(told)


def in_a_board(root: Path, lay: Callable[[], Place], tell: Callable[[Told], None]) -> None:
    """Open the board as the command line does; once it stands, try everything and leave."""
    from runboard.cli import main as command_line  # noqa: PLC0415 - each mode loads what it needs
    from runboard.cli import screen  # noqa: PLC0415

    place, name = lay(), "show"
    show = getattr(screen, name)

    def show_and_try(*arguments: object, **more: object) -> object:
        """Show the board, in which soon after its start everything is tried."""
        from runboard.ui import app  # noqa: PLC0415 - loaded behind the lock

        class Trying(app.RunboardApp, inherit_bindings=False):
            """The board itself, and no more."""

            async def on_ready(self) -> None:
                """Once it stands."""
                self.set_timer(0.2, self.all_acts)

            def all_acts(self) -> None:
                """Try everything, and leave."""
                here_and_in_a_thread(place, tell, [*FORBIDDEN, *NEEDED])
                self.set_interval(0.05, self.leave_once_told)

            def leave_once_told(self) -> None:
                """Leave when what is to be read in the corner is there."""
                if not self._complaints or any(toast.size for toast in self.screen.query("Toast")):
                    self.call_after_refresh(self.exit)

        app.RunboardApp = Trying  # type: ignore[misc]
        return show(*arguments, **more)

    setattr(screen, name, show_and_try)
    sys.argv = ["runboard", "--runs-dir", str(root / "runs"), "--watch"]
    command_line()


def in_a_lock(root: Path, lay: Callable[[], Place], tell: Callable[[Told], None]) -> None:
    """Lock this process as a board is locked, and try everything."""
    from runboard.guest import lock  # noqa: PLC0415 - see above

    place = lay()
    lock([str(root / "runs")])
    # Without seccomp a process without threads gets namespaces of its own, where it is root: what follows is not told.
    here_and_in_a_thread(place, tell, [*(name for name in FORBIDDEN if FORBIDDEN[name][0] != "s"), *NEEDED])


def freely(_root: Path, lay: Callable[[], Place], tell: Callable[[Told], None]) -> None:
    """Try each act without a lock, in a process of its own that then ends."""
    told: Told = []
    for name in (*FORBIDDEN, *NEEDED):
        place = lay()
        started = os.fork()
        if started == 0:
            os._exit(min(255, tried(name, place) & 0xFF))
        _, status = os.waitpid(started, 0)
        code = os.waitstatus_to_exitcode(status)
        told.append((name, "free", code if 0 <= code < 255 else -1))
        os.close(place.opened)
    tell(told)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
