"""What keys send: the bytes of xterm, and of the kitty keyboard where a key alone could not be told from a sequence."""

from __future__ import annotations

_CURSOR = {"up": "A", "down": "B", "right": "C", "left": "D", "end": "F", "home": "H"}
_MODIFIERS = {"": "", "shift+": "1;2", "alt+": "1;3", "ctrl+": "1;5"}
_NAMED = {
    "backspace": b"\x7f",
    "ctrl+\\": b"\x1c",
    "ctrl+space": b"\0",
    "delete": b"\x1b[3~",
    "enter": b"\r",
    "escape": b"\x1b",
    "insert": b"\x1b[2~",
    "pagedown": b"\x1b[6~",
    "pageup": b"\x1b[5~",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "tab": b"\t",
}
KEYS = (
    _NAMED
    | {f"ctrl+{chr(96 + number)}": bytes([number]) for number in range(1, 27)}
    | {mod + key: f"\x1b[{code}{end}".encode() for mod, code in _MODIFIERS.items() for key, end in _CURSOR.items()}
    | {f"f{number}": f"\x1bO{end}".encode() for number, end in enumerate("PQRS", 1)}
    | {f"f{number}": f"\x1b[{code}~".encode() for number, code in enumerate((15, 17, 18, 19, 20, 21, 23, 24), 5)}
)
"""Every key that has a name; any other is the character that it types."""


def typed(key: str, *, kitty: bool = False) -> bytes:
    """The bytes of a key: a name ("down", "ctrl+c", "f1", "alt+x") or a character; ``kitty``: that keyboard is on."""
    if key == "escape" and kitty:
        return b"\x1b[27u"
    if key.startswith("alt+") and len(key) == 5:
        return b"\x1b" + key[4].encode()
    return key.encode() if len(key) == 1 else KEYS[key]
