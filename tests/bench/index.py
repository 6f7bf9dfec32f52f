"""What ``ps`` and ``clean`` take to choose among 100,000 runs: with their index against ten runs, without against C."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.fleet import fleet
from tests.program import environment
from tests.waiting import until

READER = r"""
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    static char data[1 << 16];
    char path[512];
    struct dirent *entry;
    int root = open(argv[1], O_RDONLY | O_DIRECTORY);
    DIR *names = fdopendir(dup(root));
    while ((entry = readdir(names))) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/run.json", entry->d_name);
        int fd = openat(root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) continue;
        if (read(fd, data, sizeof data) < 0) return 1;
        close(fd);
    }
    return 0;
}
"""
"""Opens, reads and closes every record: what any program must do that has no index."""


def listing(place: Path) -> list[Figure]:
    """``ps`` in its default view, each in turns with what it is compared with."""
    many, few = fleet(place / "many"), fleet(place / "few", 10)
    caches = place / "caches"
    program = str(Path(sys.executable).with_name("runboard"))

    def ps(root: str, *words: str, verb: str = "ps") -> float:
        """Wall milliseconds of one call."""
        return timed([program, "--runs-dir", root, verb, *words], caches)

    ps(many.root)
    warm, ten, found, chosen = [], [], [], []
    for _ in range(20):
        ten.append(ps(few.root))
        warm.append(ps(many.root))
        found.append(ps(many.root, "status:failed", "repo:shop", "cost>2"))
        chosen.append(ps(many.root, "-n", "status:failed", "repo:shop", "cost>3.5", verb="clean"))
    reader = compiled(place)
    absent, floor, made = [], [], []
    for _ in range(7):
        if reader:
            floor.append(timed([reader, many.root], caches))
        shutil.rmtree(caches)
        begun = time.perf_counter()
        absent.append(ps(many.root))
        until(lambda: any(caches.glob("runboard/*.db")), 120)  # nothing is measured while it is being made
        made.append((time.perf_counter() - begun) * 1e3)
    against = "open, read, close in C" if reader else "no cc here"
    return [
        Figure("ps, 100,000 runs, index warm", "ms", warm, "ps, 10 runs", ten, "<= 2x"),
        Figure("ps QUERY, 100,000 runs, index warm", "ms", found, "ps, 10 runs", ten, "<= 3x"),
        Figure("clean -n QUERY, 100,000 runs, index warm", "ms", chosen, "ps, 10 runs", ten, ""),
        Figure("ps, 100,000 runs, no index", "ms", absent, against, floor, "<= 2x"),
        Figure("... until the index is made beside, at low priority", "ms", made, against, floor),
    ]


def compiled(place: Path) -> str | None:
    """The reader in C; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    (place / "reader.c").write_text(READER, "utf-8")
    subprocess.run([compiler, "-O2", "-o", str(place / "reader"), str(place / "reader.c")], check=True)
    return str(place / "reader")


def timed(argv: list[str], caches: Path) -> float:
    """Wall milliseconds of a whole process with caches of its own."""
    env = environment(XDG_CACHE_HOME=str(caches))
    begun = time.perf_counter()
    subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=env
    )
    return (time.perf_counter() - begun) * 1e3
