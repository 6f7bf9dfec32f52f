"""Markdown as lines of text with looks and nothing else: no link, no image, no HTML, no action leaves here.

Textual's own widget makes four widgets of a list item, an action of a link, markup of a table's cell for its tooltip,
and lets lexers loose on code. Rich lays the same tokens out in one go, which can be done in a thread; what comes of it
is painted like a log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import CodeBlock, Heading, HorizontalRule, Markdown, MarkdownElement
from rich.padding import Padding
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from rich.theme import Theme

from runboard.safetext import clean, clean_lines

TOKENS_MOST = 20_000
"""A text of more parts than that is shown as it is: laying it out would take seconds."""

_DEEPEST = 16
"""Lists and quotes in one another beyond that are shown as they are: the parser leaves out what lies deeper than 20."""

_NARROWEST = 20

STYLES = {
    "heading": ("h1", "h2", "h3", "h4", "h5", "h6", "h7", "table.header"),
    "strong": ("strong",),
    "em": ("em",),
    "struck": ("s",),
    "code": ("code",),
    "block": ("code_block",),
    "quote": ("block_quote", "link_url"),
    "mark": ("item.bullet", "item.number"),
    "rule": ("hr", "table.border"),
}
"""The looks that a caller gives, and what of Rich's Markdown wears each."""

_BARE = ("paragraph", "text", "link", "list", "item", "h1.border")


class _Code(CodeBlock):
    """Code as it is: no language is guessed, and no lexer's expressions meet a hostile text."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The code on its own ground."""
        style = console.get_style("markdown.code_block")
        yield Padding(Text(str(self.text).rstrip().expandtabs(4), style, overflow="fold"), (0, 1), style=style)


class _Heading(Heading):
    """A heading at the left, where eyes look for it."""

    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _Rule(HorizontalRule):
    """A rule of one line."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """A line from side to side."""
        yield Text("─" * options.max_width, console.get_style("markdown.hr"))


class _Answer(Markdown):
    """Tokens that were parsed and made harmless elsewhere."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "hr": _Rule,
    }

    def __init__(self, tokens: list[Token]) -> None:
        """Show these."""
        super().__init__("", hyperlinks=False)
        self.parsed = tokens


def rendered(text: str, width: int, looks: Mapping[str, Style]) -> list[list[Segment]]:
    """A text as lines of at most so many cells, with the looks named in `STYLES`; as it is where it is too much."""
    width = max(width, _NARROWEST)
    bare = {f"markdown.{name}": Style.null() for name in _BARE}
    worn = {f"markdown.{name}": looks[look] for look, names in STYLES.items() for name in names}
    console = Console(
        file=StringIO(), width=width, theme=Theme({**bare, **worn}), force_terminal=True, color_system="truecolor"
    )
    tokens = _tokens(text, width)
    lines = [] if tokens is None else _spaced(console.render_lines(_Answer(tokens), pad=False))
    if not lines:
        lines = console.render_lines(Text(text.expandtabs(8), overflow="fold"), pad=False)
    return [[Segment(part, style) for part, style, control in line if part and not control] for line in lines]


def _tokens(text: str, width: int) -> list[Token] | None:
    """A text's parts made harmless; None where they are too many or too deep to be laid out."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    deepest = max((token.level for token in tokens), default=0)
    if sum(1 + len(token.children or ()) for token in tokens) > TOKENS_MOST:
        return None
    if deepest > _DEEPEST or 4 * deepest > width:
        return None
    for token in tokens:
        token.content = clean_lines(token.content)  # character references have become characters only now
        token.children = _harmless(token.children) if token.children else token.children
    return tokens


def _harmless(tokens: Iterable[Token]) -> list[Token]:
    """The parts of a line, with images as their names, and clean texts and addresses."""
    kept: list[Token] = []
    for token in tokens:
        token.content = clean(token.content)
        if token.type == "image":
            source = clean(str(token.attrs.get("src", "")))
            token = Token("text", "", 0, content=f"{token.content} ({source})" if token.content else source)  # noqa: PLW2901 - in its place
        elif token.type == "link_open":
            token.attrs["href"] = clean(str(token.attrs.get("href", "")))
        kept.append(token)
    return kept


def _spaced(lines: list[list[Segment]]) -> list[list[Segment]]:
    """Lines with one blank one where there were several, none at either end; those on a ground stay."""
    kept: list[list[Segment]] = []
    blank = True
    for line in lines:
        seen = any(text.strip() or (style and style.bgcolor) for text, style, _ in line)
        if seen or not blank:
            kept.append(line)
        blank = not seen
    return kept[:-1] if kept and blank else kept
