"""What an app wrote to a terminal, token by token: what of it Textual would never write, and which modes it left on.

The grammar is an allow-list of what a full-screen app of Textual 8.2.8 writes (``drivers/linux_driver.py``, ``app.py``,
``strip.py``, Rich's ``control.py``). What is not in it is foreign: it came from outside through a hole, or was written
behind Textual's back.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Collection, Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    rb"\x1b\[(?P<csi>[<-?]*[0-9;:]*[ -/]*[@-~])"
    rb"|\x1b\](?P<osc>[^\x00-\x1f\x7f]*)(?:\x07|\x1b\\)"
    rb"|(?P<string>\x1b[PX^_][^\x1b]*(?:\x1b\\)?)"
    rb"|(?P<escape>\x1b[ -/]*[0-~]?)"
    rb"|(?P<break>\r*\n)"
    rb"|(?P<control>[\x00-\x1f\x7f])"
    rb"|(?P<text>[^\x00-\x1f\x7f]+)"
)

_CSI = re.compile(
    rb"[0-9;]{0,40}m"  # colours and styles
    rb"|(?:[0-9]{1,4};[0-9]{1,4})?H"  # the cursor to a place
    rb"|[0-9]{1,4}C"  # the cursor forward
    rb"|\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"
    rb"|\?(?:2026|2048)\$p"  # is this mode known?
    rb"|>[0-9]{1,2}u|<u"  # the kitty keyboard on and off
    rb"|K|[1-9][0-9]{0,3}X"  # ours: the rest of a line, or so many of its cells, erased in their ground
    rb"|2[23];2t"  # ours: the terminal's title kept and given back
)
_OSC = {
    "pointer": re.compile(rb"22;[a-z-]*"),
    "link": re.compile(rb"8;id=[0-9a-zA-Z-]+;[!-~]*|8;;"),
    "title": re.compile(rb"2;runboard(?:: [0-9]+ (?:running|failed)(?:, [0-9]+ failed)?)?"),  # ours
    "clipboard": re.compile(rb"52;c;[A-Za-z0-9+/=]*"),
    "notification": re.compile(rb"9;runboard: [^;]*|99;;runboard: [^;]*|777;notify;runboard;[^;]*"),
}

# Characters that are never drawn, and move or hide what is; the joiners that emoji are made with are left alone.
_UNSEEN = re.compile(
    "[\x80-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)

# What joins, recolours or widens the character before it, so that terminals do not agree on the width of both.
_UNEVEN = re.compile("[\u200c\u200d\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff\U000e0100-\U000e01ef]")

_BROKEN = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")

_MODE_NAMES = {
    "7": "line wrap off",
    "25": "cursor hidden",
    "1004": "focus 1004",
    "1049": "alternate screen",
    "2004": "bracketed paste 2004",
    "2026": "synchronised output 2026",
    "2048": "in-band resize 2048",
    **{number: f"mouse {number}" for number in ("9", "1000", "1001", "1002", "1003", "1005", "1006", "1015", "1016")},
}
_ON_BY_DEFAULT = {"7", "25"}
_SWITCH = re.compile(rb"\x1b(?:\[(?:\?([0-9;]+)([hl])|([<>])([0-9;]*)u)|c)")
"""What switches modes; no other token holds an ESC, so that these are found without looking at the others."""


class Token(NamedTuple):
    """A piece of what was written: where, its kind (csi osc string escape break control text), its body, all of it."""

    offset: int
    kind: str
    body: bytes
    whole: bytes


class Foreign(NamedTuple):
    """A piece that Textual has no use for: where, of which kind, and how it begins."""

    offset: int
    kind: str
    sample: bytes


def tokens(written: bytes) -> Iterator[Token]:
    """Every byte written, in order; a sequence cut off at the end counts as an escape and the text after it."""
    for match in _TOKEN.finditer(written):
        kind = match.lastgroup or ""
        yield Token(match.start(), kind, match[kind], match[0])


def foreign(written: bytes, allowed: Collection[str] = ()) -> list[Foreign]:
    """What Textual would not have written unasked.

    ``allowed`` is what the app uses of "bell", "clipboard", "notification" and "link"; with "narrow" in it no character
    of disputed width is native either. What a clipboard or a notification is given is looked at like what is drawn.
    A screen that is being written to may end in the middle of a sequence: look when it is quiet.
    """
    found = []
    unseen = [_UNSEEN, _BROKEN, *([_UNEVEN] if "narrow" in allowed else [])]
    for offset, kind, body, whole in tokens(written):
        match kind:
            case "csi":
                native = _CSI.fullmatch(body) is not None
            case "osc":
                names = [name for name, form in _OSC.items() if form.fullmatch(body)]
                native = bool({"pointer", "title", *allowed}.intersection(names)) and not _hidden(names, body, unseen)
            case "text":
                found += _unseen(offset, whole, unseen)
                continue
            case _:
                native = kind == "break" or (whole == b"\x07" and "bell" in allowed)
        if not native:
            found.append(Foreign(offset, kind, whole[:60]))
    return found


def _hidden(names: list[str], body: bytes, unseen: list[re.Pattern[str]]) -> bool:
    """Whether what the terminal is given to keep or to tell holds what it must not."""
    if "clipboard" in names:
        kept = b64decode(body.rpartition(b";")[2], validate=True)
        return bool(_unseen(0, kept, [_UNSEEN, _BROKEN, _CONTROL]))
    return bool(_unseen(0, body, unseen))


def _unseen(offset: int, text: bytes, patterns: list[re.Pattern[str]]) -> list[Foreign]:
    """The characters of a text that no terminal draws, and the bytes that are no character at all."""
    shown = text.decode("utf-8", "surrogateescape")
    places = [match for pattern in patterns for match in pattern.finditer(shown)]
    return [
        Foreign(offset + len(shown[: place.start()].encode("utf-8", "surrogateescape")), "unseen", _bytes(place[0]))
        for place in places
    ]


def _bytes(text: str) -> bytes:
    """The bytes that were decoded."""
    return text.encode("utf-8", "surrogateescape")


def modes_left_on(written: bytes) -> set[str]:
    """The names of the modes that were switched away from their defaults and never back."""
    modes: dict[str, bool] = {}
    keyboards = {False: 0, True: 0}  # the kitty keyboard keeps a stack for each of the two screens
    for switch in _SWITCH.finditer(written):
        numbers, on, way, count = switch.groups()
        if numbers:
            modes |= dict.fromkeys(numbers.decode().split(";"), on == b"h")
        elif way:
            screen = modes.get("1049", False)
            keyboards[screen] = max(keyboards[screen] + (1 if way == b">" else -int(count or 1)), 0)
        else:
            modes, keyboards = {}, {False: 0, True: 0}
    left = {number for number, on in modes.items() if on != (number in _ON_BY_DEFAULT)}
    names = {_MODE_NAMES.get(number, f"mode {number}") for number in left}
    return names | {"kitty keyboard" for depth in keyboards.values() if depth}
