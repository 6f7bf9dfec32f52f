"""No bare text from outside becomes a widget's text, read from the source: it would be taken for markup.

A text is literal when it is a constant, a `Content` or `Text`, what a function gives that says so, or a name or an
attribute that holds one of these. Whatever takes a text must be given a literal one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import runboard.ui

FIRST = {"Static", "Label", "Button", "Option", "Checkbox", "Collapsible", "Digits", "add_option", "update"}
"""What takes a text first."""

ALL = {"OptionList", "SelectionList", "add_options", "set_options", "add_row", "Group"}
"""What takes texts only."""

SECOND = {"replace_option_prompt", "replace_option_prompt_at_index", "TabPane"}
"""What takes a text behind something else."""

NAMED = {"tooltip", "border_title", "border_subtitle", "sub_title", "label", "prompt"}
"""Attributes and arguments that take a text."""

ARGUMENTS = NAMED | {"content", "renderable"}
"""Arguments that take one."""

MADE = {"Content", "Text", "assemble", "styled", "bare"}
"""What makes a text that is read as it stands, or in which nothing can be markup."""

MAKERS = {"Option", "Group", "grid"}
"""What holds texts, each looked at where it is given."""

MARKUP = {"from_markup", "from_ansi", "visualize", "to_content"}
"""What reads markup or sequences: of constants only."""

NO_TEXT = {"partial.py": {"update"}, "intake.py": {"update"}, "log.py": {"from_ansi"}, "markdown.py": {"Token"}}
"""Where the word is a line's, a dictionary's or a token's; lines of a log keep colours, and nothing else."""


def called(node: ast.expr) -> str:
    """The name of what is called."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
    return ""


def says_so(annotation: ast.expr | None) -> bool:
    """Whether an annotation names a text that is read as it stands, or a list of such, and no bare one."""
    words = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation else set[str]()
    return bool(words & {"Content", "Text", "Group"}) and not words & {"str", "VisualType", "ContentType"}


def functions(tree: ast.AST) -> set[str]:
    """The functions that say that they give literal texts."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds) and says_so(node.returns)}


class Reader:
    """One module: its literal names, and where it gives something else to a widget."""

    def __init__(self, source: str, name: str = "", giving: frozenset[str] = frozenset()) -> None:
        """Read a module called ``name``; the functions ``giving`` literal texts stand in others."""
        self.tree = ast.parse(source)
        self.skipped = NO_TEXT.get(name, set())
        self.giving = giving | functions(self.tree)
        self.names = {
            ast.unparse(node.target if isinstance(node, ast.AnnAssign) else ast.Name(node.arg))
            for node in ast.walk(self.tree)
            if isinstance(node, ast.arg | ast.AnnAssign) and says_so(node.annotation)
        }
        bound: dict[str, list[bool]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                        bare = one.value if isinstance(one, ast.Starred) else one
                        bound.setdefault(ast.unparse(bare), []).append(self.literal(node.value))
        self.names |= {name for name, values in bound.items() if all(values)}

    def literal(self, node: ast.expr) -> bool:
        """Whether an expression is a literal text, or a list of such."""
        parts = []
        match node:
            case ast.Call(func=ast.Attribute(value=of, attr="join" | "copy")) if not isinstance(of, ast.Constant):
                parts = [of]
            case ast.IfExp(body=one, orelse=other):
                parts = [one, other]
            case ast.BoolOp(values=several) | ast.List(elts=several) | ast.Tuple(elts=several):
                parts = several
            case ast.ListComp(elt=one) | ast.GeneratorExp(elt=one) | ast.Starred(value=one):
                parts = [one]
            case _:
                made = called(node) in MADE | MAKERS | self.giving
                return made or isinstance(node, ast.Constant) or ast.unparse(node) in self.names
        return all(map(self.literal, parts))

    def wrong(self) -> Iterator[str]:
        """Each place where a widget is given what is not literal."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Call():
                    sound = self._sound(node)
                case ast.Assign(targets=[ast.Attribute(attr=name)]) if name in NAMED:
                    sound = self.literal(node.value)
                case ast.FunctionDef(name="render"):
                    sound = node.returns is not None and ast.unparse(node.returns) != "str"
                case _:
                    continue
            if not sound:
                yield f"{node.lineno}: {ast.unparse(node).splitlines()[0]}"

    def _sound(self, node: ast.Call) -> bool:
        """Whether a call gives a widget, if it does, literal texts alone."""
        name, words = called(node), {word.arg: word.value for word in node.keywords}
        if name in self.skipped:
            return True
        if name == "notify":
            return isinstance(off := words.get("markup"), ast.Constant) and off.value is False
        if name in MARKUP:
            return isinstance(node.args[0], ast.Constant)
        given = node.args if name in ALL else node.args[:2] if name == "SystemCommand" else []
        given = node.args[:1] if name in FIRST else node.args[1:2] if name in SECOND else given
        return all(map(self.literal, [*given, *(text for word, text in words.items() if word in ARGUMENTS)]))


BAD = [
    "Static(run.name)",
    "Static(f'{run.name}')",
    "Label(clean(run.name))",
    "Static(Content('a') if x else run.name)",
    "self.query_one(Static).update(run.name)",
    "text = run.name\nself.word.update(text)",
    "def of(x) -> str: ...\nButton(of(run))",
    "Option(run.name, id='x')",
    "OptionList(*(run.name for run in runs))",
    "entries.add_options([run.name])",
    "entries.add_option(run.name)",
    "widget.tooltip = run.name",
    "pane.border_title = f'{run.name}'",
    "Static(content=run.name)",
    "self.notify(clean(run.name))",
    "self.notify('x', markup=markup)",
    "Content.from_markup(run.name)",
    "Text.from_ansi(line)",
    "Static(', '.join(names))",
    "class A:\n def render(self) -> str: return run.name",
    "SystemCommand(f'Show {name}', 'x', act)",
    "SystemCommand('Show', binding.tooltip, act)",
    "Static(Text.from_markup(f'[b]{name}[/]'))",
    "text = Content('a')\ntext = run.name\nStatic(text)",
]

GOOD = [
    "Static(Content(run.name))",
    "Static('[b]ours[/]')",
    "Static(id='x')",
    "def of(x) -> Content | None: ...\nStatic(of(run))",
    "def of(x) -> list[Content]: ...\nfirst, *others = of(run)\nStatic(first)",
    "Static(Content('\\n').join(lines))",
    "entries.add_options([Option(Content(name)) for name in names])",
    "self.notify(clean(run.name), markup=False)",
    "Content.from_markup('[b]$name[/]', name=run.name)",
    "widget.tooltip = Content(run.name) if run else None",
    "def told(self, subject: Content): Static(subject)",
    "SystemCommand(bare(f'Show {name}'), bare(text) or 'Every run', act)",
]


@pytest.mark.parametrize("source", BAD)
def test_a_bare_text_is_found(source: str) -> None:
    """Negative control: each way to let a widget read somebody's text as markup is found."""
    assert list(Reader(source).wrong())


@pytest.mark.parametrize("source", GOOD)
def test_a_literal_text_is_left_alone(source: str) -> None:
    """What is written in the source, and what is made to be read as it stands, is no fault."""
    assert list(Reader(source).wrong()) == []


def test_no_widget_is_given_a_bare_text() -> None:
    """All of the board: every text that a widget takes is literal."""
    sources = {path.name: path.read_text("utf-8") for path in Path(runboard.ui.__path__[0]).glob("*.py")}
    giving = frozenset[str]().union(*(functions(ast.parse(source)) for source in sources.values()))
    assert len(sources) > 50
    wrong = [f"{name}:{place}" for name, source in sources.items() for place in Reader(source, name, giving).wrong()]
    assert wrong == []
