"""What comes from a terminal: keys as Textual knows them, pastes whole, and nothing pressed that nobody pressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

import pytest
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.events import Key, MouseDown, Paste
from textual.message import Message

from runboard.safetext import clean_copy
from runboard.ui.incoming import PASTE_MOST, Incoming
from tests.planted import Planter

UNKNOWN = (
    *(
        "\x1b[31m",
        "\x1b[?62;22c",
        "\x1b[>41;390;0c",
        "\x1b[0n",
        "\x1b[8;24;80t",
        "\x1b[?1;2y",
        "\x1b[Mdyy",
        "\x1b[M !d",
    ),
    *(
        "\x1b]11;rgb:0000/0000/0000\x1b\\",
        "\x1b]52;c;ZHk=\x07",
        "\x1bP>|dy(390)\x1b\\",
        "\x1b_Gi=1;dy\x1b\\",
        "\x1b^dy\x1b\\",
    ),
    *(
        "\x1b[1114112;1u",
        "\x1b[99999999;5u",
        "\x1b[" + "9" * 300 + "u",
        "\x1b[<0;" + "9" * 5000 + ";1M",
        "\x1b[<;;M",
        "\x1b[<0;-5;1M",
    ),
    *("\x1b[1;2;3;4;5;6;7d", "\x1b[ dy"[:4], "\x1b[?2048;9$y", "\x1b[1;2;3y"),
)
"""Reports that nobody asked for, and sequences that no terminal sends; some would press d and y, letter by letter."""


def told(messages: Iterable[Message]) -> list[str]:
    """Messages as one compares them."""
    return [f"{type(one).__name__} {getattr(one, 'key', '')}{getattr(one, 'text', '')}" for one in messages]


def keys(messages: Iterable[Message]) -> list[str]:
    """The keys that were pressed."""
    return [one.key for one in messages if isinstance(one, Key)]


def pieces(text: str, chance: Random | None) -> Iterator[str]:
    """A text in one piece, or cut anywhere."""
    while chance and len(text) > 1:
        cut = chance.randrange(1, len(text))
        yield text[:cut]
        text = text[cut:]
    yield text


@pytest.mark.parametrize("cut", [False, True])
def test_every_key_is_what_textual_says(cut: bool) -> None:
    """Every key that Textual knows is the same here, whole or in parts, with letters around it."""
    chance = Random(3) if cut else None
    for sequence in [one for one in ANSI_SEQUENCES_KEYS if one not in {"\x1b", "\x1b\x1b"}]:
        incoming, text = Incoming(), f"a{sequence}b"
        found = [message for piece in pieces(text, chance) for message in incoming.take(piece)]
        assert told(found) == told(XTermParser().feed(text)), ascii(sequence)


def test_a_lone_escape_is_a_key_after_a_moment() -> None:
    """An escape is held until it is known to be one; with a letter at once it is Alt; Alt with a bracket is one too."""
    incoming = Incoming()
    assert told(incoming.take("\x1b")) == []
    assert keys(incoming.late()) == ["escape"]
    assert keys(incoming.take("\x1bx")) == ["alt+x"]
    assert keys(incoming.take("\x1b[<0;5;6Mj")) == ["j"]
    assert isinstance(next(incoming.take("\x1b[<0;5;6M")), MouseDown)


@pytest.mark.parametrize("sequence", UNKNOWN)
def test_what_nobody_asked_for_presses_nothing(sequence: str) -> None:
    """A sequence that is not known is dropped whole, also cut in two, and the key after it is that key."""
    for cut in range(len(sequence[:40])):
        incoming = Incoming()
        found = [message for part in (sequence[:cut], sequence[cut:], "j") for message in incoming.take(part)]
        assert keys(found) == ["j"]


def test_textual_itself_would_press_them() -> None:
    """Negative control: Textual's parser makes keys of most of these, d and y among them, or dies of them."""
    pressed, died = list[str](), 0
    for sequence in UNKNOWN:
        try:
            pressed += keys(XTermParser().feed(sequence + "\x1b[A"))
        except (ValueError, OverflowError):
            died += 1
    assert {"d", "y"} <= set(pressed)
    assert died >= 2


def test_a_paste_is_text_whatever_is_in_it() -> None:
    """Two thousand hostile texts, pasted in one piece or in parts, are one paste each; Textual presses keys."""
    planter, chance, pressed = Planter(7), Random(7), 0
    for number in range(2000):
        text = planter.line().decode("utf-8", "replace").replace("\x1b[201~", "")
        whole, incoming = f"\x1b[200~{text}\x1b[201~", Incoming()
        found = [one for piece in pieces(whole, chance if number % 2 else None) for one in incoming.take(piece)]
        assert told(found) == [f"Paste {clean_copy(text)}"]
        if number % 4 == 0:
            pressed += len(keys(XTermParser().feed(whole)))
    assert pressed > 500


def test_a_paste_has_an_end() -> None:
    """A paste of megabytes is cut, and one that never ends has ended when nothing more comes."""
    incoming = Incoming()
    found = list(incoming.take("\x1b[200~" + "x" * (2 << 20) + "\x1b[201~j"))
    assert isinstance(found[0], Paste)
    assert (len(found[0].text), keys(found)) == (PASTE_MOST, ["j"])
    assert list(incoming.take("\x1b[200~abc")) == []
    assert list(incoming.late()) == []
    incoming._last -= 6
    assert told(incoming.late()) == ["Paste abc"]
    assert keys(incoming.take("j")) == ["j"]


def test_what_is_begun_and_never_ended_is_forgotten() -> None:
    """After a moment, or before the next escape, half a sequence is nothing; the keys behind it are heard."""
    for begun in (
        "\x1b[12;3",
        "\x1b]52;c;ZHk",
        "\x1bPdy",
        "\x1b[<0;1;",
        "\x1b[M",
        "\x1b]" + "x" * 100_000,
        "\x1b[" + "9" * 100_000,
    ):
        incoming = Incoming()
        assert keys(incoming.take(begun)) == []
        assert keys(incoming.late()) == []
        assert keys(incoming.take("j")) == ["j"]
        assert keys(incoming.take(begun)) == []
        assert keys(incoming.take("\x1b[A")) == ["up"]
