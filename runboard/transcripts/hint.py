"""What the recorded command says of the output to expect: a tool's name makes weak signs count, content decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from runboard.late import pattern
from runboard.safetext import clean
from runboard.transcripts.fold import Shape

_TOOLS = {
    "claude": "claude",
    "claude-code": "claude",
    "amp": "amp",
    "qwen": "qwen",
    "qwen-code": "qwen",
    "codex": "codex",
    "gemini": "gemini",
    "gemini-cli": "gemini",
    "opencode": "opencode",
    "opencode-ai": "opencode",
    "copilot": "copilot",
    "cursor-agent": "cursor",
    "goose": "goose",
    "aider": "aider",
    "aider-chat": "aider",
}
_SHELL_SCRIPT = pattern(r"-[a-z]*c")
_WORD_ENDS = pattern(r"[\s;|&()]+")
_WORDS_MOST = 1000
_ASKING = pattern(r"--?(?:m|f|msg|message|message-file)(?:=.*)?", re.DOTALL)


class Hint(NamedTuple):
    """The tools that a command names, and how it runs them.

    ``program`` is the tool where the command itself is one; ``json`` says whether anything asks for JSON, ``events``
    whether the very words do that make it write its events; ``asks`` whether it is given something to answer;
    ``model`` is the model asked for.
    """

    tools: frozenset[str] = frozenset()
    program: str | None = None
    json: bool = False
    events: bool = False
    asks: bool = True
    model: str | None = None

    def believes(self, names: Sequence[str], shape: Shape, *, alone: bool) -> bool:
        """Whether output of this shape is that of a tool of this format.

        Args:
            names: The tools that write the format.
            shape: How much the output looks like it.
            alone: No other text came before it.
        """
        mine = not self.tools.isdisjoint(names)
        if self.program is not None and not mine:
            return False  # what one agent prints of another is a quote
        if self.program is not None and not self.json and shape < Shape.OPENING:
            return shape is Shape.SURE and alone  # in an answer told as text it can be an example
        return shape >= (Shape.WEAK if mine else Shape.SURE)


def hint(command: Sequence[str]) -> Hint:
    """Read a command for the names of tools: its program, its arguments, the words of a shell's ``-c``."""
    words = list(command[:_WORDS_MOST])
    for flag, script in pairwise(command):
        if _SHELL_SCRIPT.fullmatch(flag):
            words += _WORD_ENDS.split(script)[:_WORDS_MOST]
    named = [tool for tool in map(_tool, words) if tool]
    program = _tool(command[0]) if command else None
    return Hint(
        tools=frozenset({program} if program else named),
        program=program,
        json=program == "aider" or any("json" in word for word in command),
        events=program is not None and _asks_for_events(program, command[1:]),
        asks=not command or any(_ASKING.fullmatch(word) for word in words),
        model=_model(words),
    )


def _asks_for_events(program: str, words: Sequence[str]) -> bool:
    """Whether a tool is run so that its log must have events, and an end."""
    if not {"--help", "-h", "--version", "-v", "-V"}.isdisjoint(words):
        return False
    flags = {word.replace("=", " ") for word in words} | {" ".join(pair) for pair in pairwise(words)}
    match program:
        case "codex":
            return "--json" in flags and not {"exec", "e"}.isdisjoint(words)
        case "opencode":
            return "--format json" in flags and "run" in words
        case "amp":
            return "--stream-json" in flags
    return not {"--output-format json", "--output-format stream-json"}.isdisjoint(flags)


def _tool(word: str) -> str | None:
    """The tool that a word names by its last part, whatever version is asked for: @openai/codex@latest is codex."""
    name = word.rpartition("/")[2].partition("@")[0]
    return _TOOLS.get(name) if len(name) <= 20 else None


def _model(words: list[str]) -> str | None:
    """The model asked for with --model, if it is."""
    for at, word in enumerate(words):
        if word == "--model":
            return clean("".join(words[at + 1 : at + 2])[:100]) or None
        if word.startswith("--model="):
            return clean(word[8:108]) or None
    return None
