"""Phrases that several formats share: a tool with its argument, the first lines of its output, limits, refusals."""

from __future__ import annotations

from typing import Any

from orjson import JSONEncodeError, dumps

from runboard.lenient import as_mapping, as_number
from runboard.transcripts.fold import Event
from runboard.transcripts.usage import dollars, tokens
from runboard.transcripts.words import label, moment

_TELLING = (
    "command",
    "cmd",
    "file_path",
    "filePath",
    "path",
    "absolute_path",
    "dir_path",
    "pattern",
    "query",
    "url",
    "prompt",
    "description",
)
_OUTPUT_LINES = 6
_OUTPUT_MOST = 600
_ARGUMENT_MOST = 300


def output(value: object) -> str:
    """What a tool gave back, its first lines: a text, a list of parts with a ``text``, or an object as JSON."""
    if isinstance(value, list):
        parts = [as_mapping(part).get("text") if isinstance(part, dict) else part for part in value[:20]]
        value = "\n".join(part if isinstance(part, str) else "(no text)" for part in parts)
    text = (value if isinstance(value, str) else _as_json(value)).strip()
    lines = text[: _OUTPUT_MOST + 1].splitlines()
    cut = len(text) > _OUTPUT_MOST or len(lines) > _OUTPUT_LINES
    return "\n".join(lines[:_OUTPUT_LINES])[:_OUTPUT_MOST] + (" …" if cut else "")


def called(name: str, arguments: object) -> str:
    """A tool with the argument that tells most, or all of them where none stands out."""
    told: object = arguments
    if isinstance(arguments, dict):
        told = next((arguments[key] for key in _TELLING if arguments.get(key)), arguments)
    if isinstance(told, list) and all(isinstance(word, str) for word in told):
        told = " ".join(told)
    text = told if isinstance(told, str) else _as_json(told)
    short = text if len(text) <= _ARGUMENT_MOST else text[:_ARGUMENT_MOST] + "…"
    return f"{name or 'tool'}: {short}" if short else name or "tool"


def _as_json(value: Any) -> str:
    """A value as JSON; nothing for nothing, and for what is nested too deep to be written."""
    if value is None or value in ({}, []):
        return ""
    try:
        return dumps(value).decode("utf-8")
    except JSONEncodeError:
        return "…"


def text_of(value: object) -> str:
    """A text, or none."""
    return value if isinstance(value, str) else ""


def in_dollars(value: object) -> str:
    """A cost as it is written."""
    cost = dollars(value)
    return "" if cost is None else f"${cost:.4f}" if 0 < cost < 0.01 else f"${cost:.2f}"


def counted(usage: Event) -> str:
    """Input and output of a usage object, as the tool counts them."""
    given, output_tokens = tokens(usage.get("input_tokens")), tokens(usage.get("output_tokens"))
    return "" if given is None or output_tokens is None else f"{given:,} tokens in, {output_tokens:,} out"


def listed(*parts: str | None, between: str = " · ") -> str:
    """The parts that have words, in one text."""
    return between.join(part for part in parts if part)


def denials(listed: object) -> str | None:
    """Refused tools in words; objects with a ``tool_name``, or plain names."""
    if not isinstance(listed, list) or not listed:
        return None
    names = [label(as_mapping(one).get("tool_name") if isinstance(one, dict) else one) for one in listed]
    told = ", ".join(dict.fromkeys(name for name in names if name))
    count = f"{len(listed)} tool uses were" if len(listed) > 1 else "A tool use was"
    return f"{count} denied permission" + (f": {told}" if told else "")


def limit_words(info: object) -> str | None:
    """A rate limit in words with the time it ends; None while all is allowed."""
    told = as_mapping(info)
    status, kind = told.get("status"), label(told.get("rateLimitType"))
    if status == "allowed" or not isinstance(status, str):
        return None
    words = "Rate limit is near" if status == "allowed_warning" else "Rate limit reached"
    part = as_number(told.get("utilization"))
    details = [(kind or "").replace("_", " "), f"{part:.0%} used" if part is not None and 0 <= part <= 1 else ""]
    listed = ", ".join(detail for detail in details if detail)
    resets = moment(told.get("resetsAt"))
    return words + (f" ({listed})" if listed else "") + (f", resets {resets}" if resets else "")
