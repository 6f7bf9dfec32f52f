"""Hostile texts from a seed, and runs that hold one in every place that a program or a stranger can write.

Each payload stands behind a mark of its own in plain letters, so that a test can tell which have been on the screen.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator

MARK = re.compile(r"¤[0-9a-v]{3}")
"""The mark before a payload."""

Chance = random.Random

_ENDS = ("\x07", "\x1b\\", "\x9c", "\udc9c", "\x18", "\x1a", "", "\x1b")
_INTRODUCERS = ("\x1b", "\x1b\x1b", "\x1b\x00")
_CSI = ("\x1b[", "\x9b", "\udc9b", "\x1b\x1b[", "\x1b[\x1b[", "\udcc0\udc9b", "\udce0\udc80\udc9b")
_STRINGS = ("\x1b]", "\x1bP", "\x1bX", "\x1b^", "\x1b_", "\x9d", "\x90", "\x98", "\x9e", "\x9f", "\udc9d", "\udc90")
_SWITCHES = (
    *(
        "?1049h",
        "?1049l",
        "?25l",
        "?1000h",
        "?2004l",
        "?5h",
        "?47h",
        "4h",
        "20h",
        "!p",
        "?2026h",
        ">4;2m",
        ">1u",
        "=5u",
    ),
    *(
        "2J",
        "3J",
        "H",
        "9999;9999H",
        "6n",
        "c",
        ">c",
        "=c",
        "5n",
        "21t",
        "8;1;1t",
        "5i",
        "?6c",
        '61"p',
        "2 q",
        "L",
        "M",
    ),
    *("b", "99999b", "r", "1;2r", "s", "u", "@", "P", "X", "S", "T", "g", "x", "?15n", "1;1;9;9$z", "38;2;1;2;3m", "m"),
)
_COMMANDS = (
    *(
        "0;owned",
        "2;owned",
        "52;c;cm0gLXJmIH4=",
        "52;c;?",
        "8;;http://evil",
        "8;id=a;file:///etc/passwd",
        "9;told",
        "4;1;?",
    ),
    *(
        "99;i=1;told",
        "777;notify;a;b",
        "10;?",
        "1337;File=inline=1:AAAA",
        "133;A",
        "7;file://h/p",
        "104",
        "22;wait",
        "l;x",
    ),
    *(
        "$qm",
        "+q544e",
        "tmux;\x1b\x1b]0;owned\x07",
        "Gi=1,a=q;AAAA",
        "q#0;2;0;0;0~~",
        "1$r0m",
        "8;;x\x07y\x1b]52;c;eA==\x07",
    ),
)
_WRAPPED = (
    *(
        "[@click=app.quit]{}[/]",
        "[@click=app.bell]{}[/]",
        "[@click='app.exit']{}",
        "[link=http://evil]{}[/link]",
        "[/]{}",
        "[b{}",
    ),
    *(
        "[/b]{}",
        "[$error on red]{}",
        "[[{}]]",
        "\\[{}",
        "[bold not]{}",
        "[@mouse.down=app.quit]{}[/]",
        "[#ffffff on #000000]{}",
    ),
    *(":smile: {}", "[on {}]", "[click='{}']", "[]{}", "[/ {}]", "[\n]{}", "[@click=screen.act('kill')]{}[/]"),
    *(
        "[x](javascript:{})",
        "![x](http://evil/{})",
        "<img src=x onerror={}>",
        "`{}`",
        "&#27;[2J{}",
        "&#x9b;2J{}",
        "&ZeroWidthSpace;{}",
    ),
    *("# {}", "> {}", "| {} |", "```{}", "- [ ] {}", "<!-- {}", "%s{}%n", "{{}}{}", "$(touch /tmp/owned){}", "--{}"),
)
_MARKED = (
    *(
        "👩\u200d💻",
        "👨\u200d👩\u200d👧\u200d👦",
        "👍\U0001f3fd",
        "1\ufe0f\u20e3",
        "❤\ufe0f",
        "✔\ufe0e",
        "🇩🇪",
        "🏴\U000e0067\U000e0062\U000e007f",
    ),
    *(
        "\u202egnp.exe",
        "\u2066a\u2069",
        "\u200e\u200f\u061c",
        "\u200b\u2060\ufeff\xad",
        "\u2028\u2029\x85",
        "Z" + "\u0301" * 40,
    ),
    *(
        "\u1160\u11ff",
        "\u3164\uffa0\u115f",
        "\ue000\U000f0000",
        "\ufdd0\uffff\U0010ffff",
        "\u0903\u3099",
        "䷀𝌆",
        "日本語",
        "\u034f",
    ),
    *(
        "\U000e0001\U000e0041\U000e007f",
        "\ufff9a\ufffab\ufffb",
        "\u180e\u180b",
        "\U0001d173\U0001bca0",
        "עברית",
        "ไทยที่นี่",
    ),
)


def payloads(seed: int) -> Iterator[str]:
    """Texts without end, of every kind in turn; bytes that are no UTF-8 stand in them as surrogates."""
    chance = random.Random(seed)
    kinds: tuple[Callable[[Chance], str], ...] = (
        *(_control, _sequence, _sequence, _random_sequence, _string, _string, _nested, _character, _character),
        *(_wrapped, _wrapped, _bytes, _surrogates, _breaks, _long, _cut),
    )
    while True:
        for kind in kinds:
            yield kind(chance)


def _control(chance: Chance) -> str:
    """A control of C0, DEL or C1, as a character or as a byte of its own."""
    code = chance.choice([*range(1, 0x20), 0x7F, *range(0x80, 0xA0)])
    return (chr(0xDC00 + code) if code > 0x7F and chance.random() < 0.5 else chr(code)) * chance.choice([1, 1, 3])


def _sequence(chance: Chance) -> str:
    """A control sequence that terminals heed."""
    return chance.choice(_CSI) + chance.choice(_SWITCHES)


def _random_sequence(chance: Chance) -> str:
    """Any control sequence, or another escape."""
    if chance.random() < 0.3:
        return (
            chance.choice(_INTRODUCERS)
            + chance.choice(["", " ", "#", "(", "%", "$)"])
            + chance.choice(string.printable)
        )
    numbers = ";".join(str(chance.randrange(10 ** chance.randrange(1, 9))) for _ in range(chance.randrange(5)))
    end = chr(chance.randrange(0x40, 0x7F))
    return chance.choice(_CSI) + chance.choice(["", "?", ">", "=", "<"]) + numbers + chance.choice(["", " ", "$"]) + end


def _string(chance: Chance) -> str:
    """A string sequence: a title, a clipboard, a link, a picture, with or without an end."""
    return chance.choice(_STRINGS) + chance.choice(_COMMANDS) + chance.choice(_ENDS)


def _nested(chance: Chance) -> str:
    """Sequences in sequences, one cut short by the next."""
    return "".join(chance.choice((_sequence, _string, _control, _random_sequence))(chance) for _ in range(4))


def _character(chance: Chance) -> str:
    """Characters that hide, reverse, join or have a disputed width."""
    return "".join(chance.choice(_MARKED) for _ in range(chance.randrange(1, 4)))


def _wrapped(chance: Chance) -> str:
    """Markup of Textual, Rich, Markdown or a shell, around something else."""
    return chance.choice(_WRAPPED).replace(
        "{}", chance.choice(("go", _sequence(chance), _string(chance), _character(chance)))
    )


def _bytes(chance: Chance) -> str:
    """Bytes that are no UTF-8: overlong, cut short, stray."""
    return bytes(
        chance.choice([0x1B, 0x5B, 0x9B, 0xC0, 0xC1, 0xE0, 0xED, 0xF0, 0xF5, 0xFE, 0xFF, *range(0x80, 0xA0)])
        for _ in range(chance.randrange(1, 12))
    ).decode("utf-8", "surrogateescape")


def _surrogates(chance: Chance) -> str:
    """Halves of characters."""
    return "".join(chr(chance.randrange(0xD800, 0xE000)) for _ in range(chance.randrange(1, 4)))


def _breaks(chance: Chance) -> str:
    """Breaks of every kind, tabs and steps back."""
    return "".join(chance.choice("\n\r\t\b\v\f\x85\u2028 x") for _ in range(chance.randrange(1, 8)))


def _long(chance: Chance) -> str:
    """Much of one thing."""
    piece = chance.choice(
        ("\x1b[31m", "\x1b]0;", "日", "\u0301", "x", "\x1b", "\u200b", "[b]", "\x1bP", "👍\U0001f3fd")
    )
    return piece * chance.choice((50, 100, 400))


def _cut(chance: Chance) -> str:
    """The beginning of a sequence that never comes to its end."""
    whole = chance.choice((_sequence, _string))(chance)
    return whole[: chance.randrange(1, len(whole) + 1)]
