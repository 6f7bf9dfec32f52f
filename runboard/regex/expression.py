"""What is made of a regular expression to search lines by; what makes it loads when the first one is wanted."""

from __future__ import annotations


class Expression:
    """A regular expression ready to search one line at a time."""

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        """Read it.

        Raises:
            BadExpression: It is none, it asks for what cannot be had, or it is too large.
        """
        from runboard.regex.machine import Machine  # noqa: PLC0415 - see above
        from runboard.regex.tree import Parser, literal, turned, written  # noqa: PLC0415 - see above

        tree = Parser(text).whole()
        self._anywhere = Machine(tree, ignore_case=ignore_case, anchored=False)
        self._here = Machine(tree, ignore_case=ignore_case, anchored=True)
        self._backwards = Machine(turned(tree), ignore_case=ignore_case, anchored=False)
        self.literal = literal(tree)
        self.for_ripgrep = written(tree)

    def found_in(self, text: str) -> bool:
        """Whether any part of a line matches."""
        machine = self._anywhere
        state, move = machine.start(), machine.move
        for character in text:
            matched, state = move(state, character)
            if matched:
                return True
        return machine.ends(state)

    def spans(self, text: str, most: int) -> list[tuple[int, int]]:
        """Where the first matches begin and end, the longest from each place on; empty ones are left out.

        At most ``most`` of them, and at most ten times the length of the text is walked.
        """
        spans: list[tuple[int, int]] = []
        work, at = 10 * len(text), 0
        for first in self._starts(text):
            if first < at:
                continue
            last, read = self._end(text, first)
            work -= read
            if last > first:
                spans.append((first, last))
                at = last
            if len(spans) >= most or work < 0:
                break
        return spans

    def _starts(self, text: str) -> list[int]:
        """Every place where a match begins, found from the end."""
        machine = self._backwards
        state, starts = machine.start(), list[int]()
        for place in range(len(text), 0, -1):
            matched, state = machine.move(state, text[place - 1])
            if matched:
                starts.append(place)
        if machine.ends(state):
            starts.append(0)
        return starts[::-1]

    def _end(self, text: str, first: int) -> tuple[int, int]:
        """Where the longest match ends that begins at a place, and how many characters had to be read."""
        machine = self._here
        state = machine.start(text[first - 1 : first])
        last = first
        for place in range(first, len(text)):
            matched, state = machine.move(state, text[place])
            if matched:
                last = place
            if not state[0]:
                return last, place - first
        return (len(text) if machine.ends(state) else last), len(text) - first
