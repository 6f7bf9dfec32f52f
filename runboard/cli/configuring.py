"""The verb ``config``: where the config file is, what is set and by whom, what is wrong, and what there is to set."""

from __future__ import annotations

import json
import os

import click

from runboard import state
from runboard.cli.desk import Desk, common_options, verb
from runboard.cli.exits import DONE, FAILED
from runboard.cli.printing import put, put_json, say
from runboard.config import FILE, REMEMBERED, Config, Trouble, load, path
from runboard.safetext import clean
from runboard.settings import SETTINGS, nearest, schema


@click.group(
    "config",
    invoke_without_command=True,
    add_help_option=False,
    epilog="Example: runboard config validate",
    params=common_options(),
)
@click.pass_context
def config_verb(ctx: click.Context) -> int:
    """Say what is set, where that was said, and what is wrong with it."""
    return DONE if ctx.invoked_subcommand else show(ctx.ensure_object(Desk), as_json=False)


@verb("path", example="$EDITOR $(runboard config path)")
def path_verb(desk: Desk) -> int:  # noqa: ARG001 - every verb gets the desk
    """Print where the config file is, or would be."""
    put(path(os.environ))
    return DONE


@verb("show", example="runboard config show --json")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def show_verb(desk: Desk, *, as_json: bool) -> int:
    """Print every setting with its value, and where that comes from."""
    return show(desk, as_json=as_json)


@verb("validate", example="runboard config validate && echo fine")
def validate_verb(desk: Desk) -> int:
    """Tell everything that is wrong with the config file, the variables and the options; exit with 1 if anything is."""
    config = load(os.environ, desk.options)
    troubles = [*config.troubles, *screen_troubles(config)]
    for trouble in sorted(troubles, key=lambda trouble: (trouble.where, trouble.line or 0)):
        put(str(trouble))
    if not troubles:
        document = config.document
        say(f"{document.path} is in order." if document.present else f"There is no {document.path}; nothing is wrong.")
    return FAILED if troubles else DONE


@verb("schema", example="runboard config schema >config.schema.json")
def schema_verb(desk: Desk) -> int:  # noqa: ARG001 - every verb gets the desk
    """Print what there is to set, as a JSON Schema for editors."""
    put_json(schema())
    return DONE


for _subverb in (path_verb, show_verb, validate_verb, schema_verb):
    config_verb.add_command(_subverb)


def show(desk: Desk, *, as_json: bool) -> int:
    """Print every setting with its value and its source; what is wrong is counted."""
    remembered = state.State(state.folder(os.environ), writing=False).load()
    config = load(os.environ, desk.options, remembered)
    origin = {FILE: f"config file {config.document.path}", REMEMBERED: "remembered by the board"}
    if as_json:
        told = {
            key: {"value": value, "source": config.sources[key], "default": default}
            for key, value, default in ((one.key, config.values[one.key], one.default) for one in SETTINGS)
        }
        put_json({"path": config.document.path, "settings": told, "troubles": [str(one) for one in config.troubles]})
        return DONE
    rows = [(name, text, origin.get(source, source)) for name, text, source in _rows(config)]
    widths = [max(len(row[at]) for row in rows) for at in (0, 1)]
    for name, text, source in rows:
        put(clean(f"{name:<{widths[0]}}  {text:<{min(widths[1], 40)}}  {source}"))
    if config.troubles:
        say(f"{len(config.troubles)} wrong: runboard config validate tells what.")
    return DONE


def _rows(config: Config) -> list[tuple[str, str, str]]:
    """Each setting's key, value as TOML writes it, and source; every entry of a table on its own."""
    rows = []
    for setting in SETTINGS:
        value, source = config.values[setting.key], config.sources[setting.key]
        if isinstance(value, dict) and value:
            rows += [(f"{setting.key}.{json.dumps(name)}", _text(part), source) for name, part in value.items()]
        else:
            rows.append((setting.key, _text(value), source))
    return rows


def _text(value: object) -> str:
    """A value as TOML writes it; nothing for none."""
    return "-" if value is None else json.dumps(value, ensure_ascii=False)


def screen_troubles(config: Config) -> list[Trouble]:
    """What only the screen can tell: themes and keys that there are not, and keys that do two things."""
    from runboard.ui.keys import keymap  # noqa: PLC0415 - a quarter of a second that only this verb pays
    from runboard.ui.themes import names  # noqa: PLC0415

    document, found = config.document, list[Trouble]()
    theme = config.text("theme")
    if theme != "auto" and theme not in names():
        sentence = f"there is no theme '{theme}'{nearest(theme, names())}"
        source = config.sources["theme"]
        found.append(document.wrong("theme", sentence) if source == FILE else Trouble(source, None, sentence))
    _met, wrong = keymap(config.table("keys"))
    return found + [document.wrong(f"keys.{name}", f"keys: {sentence}") for name, sentence in wrong]
