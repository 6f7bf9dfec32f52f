"""Rows in a database: its tables, and the few questions and changes that the index is made of."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from sys import intern

from runboard.bulk import Stored
from runboard.columns import COLUMNS
from runboard.journal import Mark
from runboard.model import Status
from runboard.query import FIELDS, Query, Term
from runboard.row import Row

SCHEMA = f"1 {' '.join(FIELDS)} {' '.join(column.key for column in COLUMNS)}"
"""What a database must say of itself to be understood."""

_TABLES = (
    """CREATE TABLE runs (
        id TEXT, status INTEGER, started REAL, ended REAL, host TEXT, hay TEXT, doc BLOB, tokens INTEGER, cost REAL,
        fills INTEGER, place REAL, folder INTEGER, time INTEGER, inode INTEGER, length INTEGER, size INTEGER)""",
    "CREATE TABLE open (id BLOB PRIMARY KEY)",
    "CREATE TABLE look (text TEXT)",
)
_INDEXES = ("CREATE UNIQUE INDEX by_id ON runs (id)", "CREATE UNIQUE INDEX by_place ON runs (place, id)")
_ROW = "id, status, started, ended, host, hay, doc, tokens, cost, fills"
_PUT = f"INSERT OR REPLACE INTO runs ({_ROW}, place, folder, time, inode, length) VALUES (?{', ?' * 14})"  # noqa: S608 - our own names
_AT_ONCE = 100
_STATUSES = (Status.COMPLETED, Status.FAILED)


@dataclass(slots=True)
class Look:
    """How the disk was found: the root's time in ns, when it was listed, and how far the journals were read."""

    root: int = 0
    listed_at: float = 0.0
    marks: dict[str, Mark] = field(default_factory=dict)


@dataclass(slots=True)
class Change:
    """What a look has found: rows to keep, names of runs that are open, ids of runs that are gone."""

    rows: list[Stored] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    look: Look | None = None


def prepare(db: sqlite3.Connection) -> None:
    """Give a connection the function that conditions on fields are made with."""
    db.create_function("found", 4, _found, deterministic=True)


def create(db: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    for table in _TABLES:
        db.execute(table)


def add(db: sqlite3.Connection, rows: list[Stored], others: list[str]) -> None:
    """Put rows and open runs into tables that are only being made."""
    db.executemany(_PUT, rows)
    db.executemany("INSERT INTO open VALUES (?)", ((os.fsencode(name),) for name in others))


def complete(db: sqlite3.Connection, found: Look) -> None:
    """Make the indexes of full tables, which is quicker than to keep them while they fill, and keep the look."""
    for index in _INDEXES:
        db.execute(index)
    _keep(db, found)


def apply(db: sqlite3.Connection, change: Change) -> None:
    """Take over what was found."""
    db.executemany("DELETE FROM runs WHERE id = ?", ((name,) for name in _told([*change.open, *change.gone])))
    ended = [stored[0] for stored in change.rows]
    db.executemany("DELETE FROM open WHERE id = ?", ((os.fsencode(name),) for name in [*ended, *change.gone]))
    db.executemany("INSERT OR IGNORE INTO open VALUES (?)", ((os.fsencode(name),) for name in change.open))
    db.executemany(_PUT, change.rows)
    if change.look is not None:
        _keep(db, change.look)


def look(db: sqlite3.Connection) -> Look:
    """How the disk was found at the last look."""
    root, listed_at, marks = json.loads(db.execute("SELECT text FROM look").fetchone()[0])
    return Look(root, listed_at, {name: (inode, offset, tail) for name, (inode, offset, tail) in marks.items()})


def opened(db: sqlite3.Connection) -> list[str]:
    """The names of the runs without a row."""
    return [os.fsdecode(one[0]) for one in db.execute("SELECT id FROM open ORDER BY id")]


def folders(db: sqlite3.Connection) -> dict[str, int]:
    """The inode of each row's directory."""
    return dict(db.execute("SELECT id, folder FROM runs").fetchall())


def stamps(db: sqlite3.Connection) -> list[tuple[str, int, int, int]]:
    """The time, inode and size of each row's record."""
    return db.execute("SELECT id, time, inode, length FROM runs").fetchall()


def stamps_after(db: sqlite3.Connection, place: int, most: int) -> tuple[list[tuple[str, int, int, int]], int]:
    """The same of so many rows as they lie behind a place, and the place of the last; 0 where there are no more."""
    sql = "SELECT id, time, inode, length, rowid FROM runs WHERE rowid > ? ORDER BY rowid LIMIT ?"
    found = db.execute(sql, (place, most)).fetchall()
    return [one[:4] for one in found], found[-1][4] if len(found) == most else 0


def held(db: sqlite3.Connection, names: Iterable[str]) -> list[Row]:
    """The rows there are of these runs, a hundred at once: each question locks the file and looks at it anew."""
    wanted, found = list(_told(names)), []
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        sql = f"SELECT {_ROW} FROM runs WHERE id IN ({','.join('?' * len(some))})"  # noqa: S608 - our own names
        found += db.execute(sql, some).fetchall()
    return list(map(row, found))


def page(db: sqlite3.Connection, after: tuple[float, str] | None, most: int) -> tuple[list[Row], tuple[float, str]]:
    """So many rows behind a place in the order, and the place of the last of them."""
    where, needs = ("(place, id) > (?, ?)", after) if after else ("1", ())
    sql = f"SELECT {_ROW}, place FROM runs WHERE {where} ORDER BY place, id LIMIT {most}"  # noqa: S608 - our own names
    found = db.execute(sql, needs).fetchall()
    return [row(one) for one in found], (found[-1][-1], found[-1][0]) if found else (0.0, "")


def select(
    db: sqlite3.Connection, query: Query, now: float, most: int | None = None, before: float | None = None
) -> list[str]:
    """The ids of the runs that a query finds, the newest first; of those alone that ended ``before`` a time."""
    where, needs = query.sql(now)
    if before is not None:
        where, needs = f"{where} AND place > ?", [*needs, -before]
    sql = f"SELECT id FROM runs WHERE {where} ORDER BY place, id LIMIT ?"  # noqa: S608 - values are parameters
    return [one[0] for one in db.execute(sql, [*needs, -1 if most is None else most])]


def count(db: sqlite3.Connection, query: Query, now: float) -> int:
    """How many runs a query finds."""
    where, needs = query.sql(now)
    sql = f"SELECT count(*) FROM runs WHERE {where}"  # noqa: S608 - values are parameters
    found: int = db.execute(sql, needs).fetchone()[0]
    return found


def sizes(db: sqlite3.Connection) -> dict[str, int]:
    """The bytes that runs take on the disk, as far as somebody has measured them."""
    return dict(db.execute("SELECT id, size FROM runs WHERE size IS NOT NULL").fetchall())


def put_sizes(db: sqlite3.Connection, measured: Mapping[str, int]) -> None:
    """Keep such sizes; they go with the row when its record changes."""
    db.executemany("UPDATE runs SET size = ? WHERE id = ?", ((size, name) for name, size in measured.items()))


def last(db: sqlite3.Connection) -> tuple[str, float] | None:
    """The run that began last, and when."""
    found = db.execute("SELECT id, ifnull(started, 0.0) AS at FROM runs ORDER BY at DESC, id DESC LIMIT 1").fetchone()
    return (found[0], found[1]) if found else None


def row(stored: Stored) -> Row:
    """A row as everybody has it."""
    run_id, status, started, ended, host, *others = stored[:10]
    return Row(run_id, _STATUSES[status], started, ended, intern(host) if host else None, *others)


def _keep(db: sqlite3.Connection, found: Look) -> None:
    """Keep how the disk was found."""
    db.execute("DELETE FROM look")
    db.execute("INSERT INTO look VALUES (?)", (json.dumps([found.root, found.listed_at, found.marks]),))


def _found(hay: str, host: str | None, key: str, text: str) -> bool:
    """Whether a text occurs in one field of a run."""
    return Term(key, text).found(hay, host)


def _told(names: Iterable[str]) -> Iterator[str]:
    """The names that a row can have: those that are text."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            continue
        yield name
