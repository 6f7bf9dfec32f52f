"""What is set: from which source, on which line what is wrong stands, and that a bad file costs no more than itself."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from runboard import keylines
from runboard.cli.app import run_command_line
from runboard.config import MOST, load, path
from runboard.settings import BY_KEY, SETTINGS, Kind, schema
from tests.program import COMMAND, environment
from tests.terminal import Terminal
from tests.waiting import until

HARD = '''\
# theme = "comment"
"dotted.name" = """
theme = 1
"""
[keys]  # [not.a.table]
"table.down" = "j"
run . 'kill' = "K"
"esc\\u0061pe" = ["]", { in = 1 }, # ]
  { deep = 2 }]
board = { sort = "x", "fil ters" = { a = 'b}' } }
[[many]]
n = 1
'''


def test_keys_are_found_on_their_lines() -> None:
    """Comments, long strings, quotes, escapes, dots, inline tables and lists of tables mislead nobody."""
    assert keylines.lines(HARD) == {
        "dotted.name": 2,
        "keys": 5,
        "keys.table.down": 6,
        "keys.run": 7,
        "keys.run.kill": 7,
        "keys.escape": 8,
        "keys.escape.in": 8,
        "keys.escape.deep": 9,
        "keys.board": 10,
        "keys.board.sort": 10,
        "keys.board.fil ters": 10,
        "keys.board.fil ters.a": 10,
        "many": 11,
        "many.n": 12,
    }


def test_looking_for_the_name_would_mislead() -> None:
    """The negative control: the first line with the word in it is not where the key stands."""
    text = f'{HARD}[x]\ntheme = "real"\n'
    naive = next(at for at, line in enumerate(text.splitlines(), 1) if re.match(r"\W*theme\b", line))
    assert (naive, keylines.lines(text)["x.theme"]) == (1, 14)


@pytest.mark.parametrize(
    "text", ["[", "a", "a =", "[[", 'a = """', "a = [1,", "a = {b", "=", '"', "]", "a = }\nb = 1", "\\"]
)
def test_nonsense_ends(text: str) -> None:
    """A text that is no TOML ends the walk; nothing hangs or raises."""
    assert isinstance(keylines.lines(text), dict)


def write(folder: Path, text: str | bytes) -> dict[str, str]:
    """Put a config file where the environment that is returned has it."""
    where = Path(path({"XDG_CONFIG_HOME": str(folder)}))
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(text if isinstance(text, bytes) else text.encode())
    return {"XDG_CONFIG_HOME": str(folder)}


def test_the_later_source_counts(tmp_path: Path) -> None:
    """Default, remembered, file, environment, command line: each overrules the one before it, and is named."""
    environ: dict[str, str] = {"XDG_CONFIG_HOME": str(tmp_path)}
    found = [load(environ)]
    found.append(load(environ, None, {"theme": "b", "unknown": 1, "ascii": 5}))
    write(tmp_path, 'theme = "c"')
    found.append(load(environ, None, {"theme": "b"}))
    environ["RUNBOARD_THEME"] = "d"
    found.append(load(environ, {}, {"theme": "b"}))
    found.append(load(environ, {"theme": "e", "ascii": None}, {"theme": "b"}))
    assert [(config.values["theme"], config.sources["theme"]) for config in found] == [
        ("auto", "default"),
        ("b", "remembered"),
        ("c", "config file"),
        ("d", "environment"),
        ("e", "command line"),
    ]
    assert [config.troubles for config in found] == [()] * 5


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('them = "x"', 1, "there is no setting 'them'; did you mean 'theme'?"),
        ("[notify]\n\nbel = true", 3, "there is no setting 'notify.bel'; did you mean 'notify.bell'?"),
        ("bell = true", 1, "there is no setting 'bell'; did you mean 'notify.bell'?"),
        ("[hook]\non_finish = 3", 1, "there is no setting 'hook'; did you mean 'hooks'?"),
        ('notify.bell = "yes"', 1, "notify.bell must be true or false, without quotes"),
        ("notify = 5", 1, "there is no setting 'notify'"),
        ("theme = 5", 1, "theme must be text in quotes"),
        ('ascii = "perhaps"', 1, "ascii must be one of auto, always, never"),
        ("[attention]\nsilent_minutes = 0", 2, "attention.silent_minutes must be more than 0"),
        ("[attention]\nsilent_minutes = true", 2, "attention.silent_minutes must be a number, without quotes"),
        ("attention = {timeout_percent = nan}", 1, "attention.timeout_percent must be a number"),
        (
            '[board]\ncolumns = ["id", "nam"]',
            2,
            "board.columns is wrong: there is no column 'nam'; did you mean 'name'?",
        ),
        ('[board]\ncolumns = ["id", "id"]', 2, "names the column id twice"),
        ('[board]\nsort = "-costs"', 2, "there is no column 'costs'; did you mean 'cost'?"),
        (
            '[board.filters]\nmine = "nonsense:x"',
            1,
            "board.filters is wrong: the filter 'mine' is no filter: unknown key",
        ),
        ("[hooks]\non_finish = []", 2, "hooks.on_finish must be a command"),
        ("[keys]\n'table.down' = 5", 1, "keys must be a table of texts in quotes"),
        ('runs_dir = "x"', 1, "runs_dir must be an absolute path in quotes, or begin with ~"),
        ('"a\\u001b[31m" = 1', 1, "there is no setting 'a'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, told: str) -> None:
    """A wrong key or value is told with file, line and sentence; its default and the rest of the file are used."""
    config = load(write(tmp_path, f"{text}\n[board.filters2]\n" if "filters2" in text else text))
    [trouble] = config.troubles
    assert str(trouble).startswith(f"config file {tmp_path}/runboard/config.toml, line {line}: ")
    assert told in str(trouble)
    assert {key: config.values[key] for key in BY_KEY} == {one.key: one.default for one in SETTINGS}


def test_the_good_part_is_used(tmp_path: Path) -> None:
    """Beside a wrong value, and above a mistake that ends all understanding, everything counts."""
    text = (
        'theme = "x"\n[notify]\nbell = true\nosc = 5\n[keys]\nrun.kill = "K"\nbroken = [\n"a",\n[board]\nsort = "id"\n'
    )
    config = load(write(tmp_path, text))
    assert (config.values["theme"], config.values["notify.bell"]) == ("x", True)
    assert (config.table("keys"), config.values["board.sort"]) == ({"run.kill": "K"}, "")
    told = [str(one).partition("config.toml, ")[2] for one in config.troubles]
    assert told[0].startswith("line 9: is no valid TOML: ")
    assert told[1] == "line 4: notify.osc must be true or false, without quotes"


def test_a_file_that_is_no_file(tmp_path: Path) -> None:
    """A FIFO, a directory, a huge, a binary and a deeply nested file are told in a word, at once, and defaults used."""
    environ = write(tmp_path, "")
    where = Path(path(environ))
    told = []
    for make in (
        lambda: os.mkfifo(where),
        where.mkdir,
        lambda: where.write_bytes(b"# \n" * MOST),
        lambda: where.write_bytes(b'theme = "x"\n\xff\xfe\0'),
        lambda: where.write_text("a = " + "[" * 50_000),
        lambda: where.write_text('theme = "x"\na = """\n' + "b\n" * 60_000),
        lambda: where.symlink_to("/dev/zero"),
        lambda: where.symlink_to(where),
    ):
        where.rmdir() if where.is_dir() else where.unlink()
        make()
        config = load(environ)
        told.append(str(config.troubles[0]).partition("config.toml")[2])
    assert [text.partition(";")[0] for text in told] == [
        ": is a FIFO",
        ": is a directory",
        ": is larger than 256 KB",
        ", line 2: is no valid TOML: this is not UTF-8 text",
        ": is no valid TOML: nested too deep",
        ", line 60002: is no valid TOML: Unterminated string",
        ": is a device",
        ": cannot be read: Too many levels of symbolic links",
    ]


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("RUNBOARD_NOTIFY_BELL", "1", True),
        ("RUNBOARD_NOTIFY_TOAST", "off", False),
        ("RUNBOARD_ASCII", "1", "always"),
        ("RUNBOARD_ATTENTION_SILENT_MINUTES", "2.5", 2.5),
        ("RUNBOARD_BOARD_COLUMNS", "id, name", ("id", "name")),
    ],
)
def test_variables(tmp_path: Path, variable: str, text: str, value: object) -> None:
    """What the environment says is read as the kind it is for; nonsense is told and not used."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    key = next(one.key for one in SETTINGS if one.variable == variable)
    assert load(environ | {variable: text}).values[key] == value
    bad = load(environ | {variable: "non sense"})
    assert (bad.values[key], len(bad.troubles)) == (BY_KEY[key].default, 1)
    assert str(bad.troubles[0]).startswith(f"{variable}: 'non sense' ")


def test_the_schema_knows_what_there_is() -> None:
    """Every setting is in the schema under its tables, with its sentence, and nothing else is allowed."""
    text = json.dumps(schema())
    assert all(json.dumps(one.sentence)[1:-1] in text for one in SETTINGS)
    assert text.count('"additionalProperties": false') == 1 + len(
        {one.key.split(".")[0] for one in SETTINGS if "." in one.key}
    )
    assert all(one.variable for one in SETTINGS if one.kind is not Kind.TABLE)


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """``validate`` tells all that is wrong, keys and themes too, and exits with 1; ``show`` tells every source."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert (run_command_line(["config", "validate"]), capsys.readouterr().out) == (0, "")
    write(tmp_path, 'theme = "gruvbx"\n[keys]\nrun.kill = "d"\n"run.kil" = "x"\n"table.down" = "j,dwon"\n')
    assert run_command_line(["config", "validate"]) == 1
    lines = [line.partition("config.toml, ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "line 1: there is no theme 'gruvbx'; did you mean 'gruvbox'?",
        "line 3: keys: d is the key of run.trash too; run.kill keeps S",
        "line 4: keys: there is nothing called 'run.kil' to set a key for; did you mean 'run.kill'?",
        "line 5: keys: 'dwon' is no key; did you mean 'down'?",
    ]
    monkeypatch.setenv("RUNBOARD_NOTIFY_BELL", "1")
    assert run_command_line(["config", "show", "--ascii"]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["theme", '"gruvbx"', "config", "file", f"{tmp_path}/runboard/config.toml"] in shown
    assert ["notify.bell", "true", "environment"] in shown
    assert ["ascii", '"always"', "command", "line"] in shown
    assert ['keys."run.kill"', '"d"', "config", "file", f"{tmp_path}/runboard/config.toml"] in shown
    assert run_command_line(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/runboard/config.toml\n"


def test_a_bad_config_keeps_no_board_from_opening(tmp_path: Path) -> None:
    """The board opens, tells once what is wrong, and uses the rest."""
    environ = write(tmp_path, 'theme = "runboard-light"\nrun\x00s_dir = [\n')
    environ |= {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    with Terminal([*COMMAND], 110, 20, environment(**environ)) as terminal:
        terminal.wait_for("No runs yet")
        # The path before it is as long as it likes, and so it is broken into lines anywhere.
        until(lambda: "valid TOML" in " ".join(terminal.text().replace("▌", " ").split()), 10)
        terminal.press("q")
        assert terminal.wait_exit() == 0
