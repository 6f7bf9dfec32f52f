"""The words above the log: what is looked for and selected, where one stands, and always last whether it follows."""

from __future__ import annotations

from rich.cells import cell_len

from runboard import logs
from runboard.columns import size_text
from runboard.safetext import clean
from runboard.ui.cells import cut, cut_start
from runboard.ui.keys import key_of
from runboard.ui.loglooks import LogLooks
from runboard.ui.picking import Picking

SOUGHT = (1 << 16, 24, 8, 8, 8, 8, 1, 1)
"""Cells of what is looked for, the briefer all of it has to be told."""

_NO_MIDDLE, _NO_KEY, _NO_NEWS, _END_ALONE = 3, 4, 5, 7
"""How brief it is without what stands in the middle, the key to the end, what has come meanwhile, and all but a word.
"""


class Placing(Picking):
    """The log's part of the title line."""

    def __init__(self, pane_id: str, looks: LogLooks) -> None:
        """Begin with nothing seen."""
        super().__init__(pane_id, looks)
        self.tells_events = False
        self._raw = False
        self._seen: logs.Seen | None = None
        self._skipped = 0

    def tell_events(self, found: bool, *, raw: bool) -> None:
        """Whether the log has an agent's events, and whether they are shown as they are instead of in words."""
        if (found, raw) != (self.tells_events, self._raw):
            self.tells_events, self._raw = found, raw
            self._refresh_title()

    def _settled(self) -> bool:
        """The end of the log is where one stands."""
        return self._at_end

    def _cut_place(self, place: str, room: int) -> str:
        """What matters least gives way first: how many were found, and whether the log is followed, stay whole."""
        brief = 1
        while cell_len(place) > room and brief < len(SOUGHT):
            place, brief = self._place_text(brief), brief + 1
        return cut_start(place, room)

    def _place_text(self, brief: int = 0) -> str:
        """Where in the log the window stands, whether it moves with it, and what was passed over."""
        window, run = self._window, self._run
        if window is None or run is None:
            return ""
        parts = self._found_texts(SOUGHT[brief]) if brief < _END_ALONE or not window.lines else []
        if window.lines:
            parts += [self._selected_text(brief)] if self._selection and brief < _END_ALONE else []
            parts += self._middle_texts(window) if brief < _NO_MIDDLE else []
            parts.append(self._end_text(window, brief, active=run.active))
        elif run.active:
            parts.append("following")
        return " · ".join(parts)

    def _middle_texts(self, window: logs.Window) -> list[str]:
        """How lines are shown, and what was passed over."""
        parts = ["raw"] if self._raw and self.tells_events else []
        parts += [f"times {self.looks.times}"] if self._timed and self.looks.times is not logs.Times.WRITTEN else []
        parts += [clean(window.notice)] if window.notice else []
        if self._seen is not None and self.looks.numbers and self._seen.counted < 1:
            parts.append(f"counting lines {100 * self._seen.counted:.0f} %")
        if self._skipped and window.at_end:
            parts.append(f"{size_text(self._skipped)} skipped")
        if self._pan:
            parts.append(f"column {self._pan + 1:,}")
        return parts

    def _end_text(self, window: logs.Window, brief: int, *, active: bool) -> str:
        """Whether the log is followed, and if not, where one is, what has come meanwhile, and how to go to the end."""
        if self._at_end:
            return "following" if active else "end of log"
        if brief == _END_ALONE:
            return "paused" if active else "further on"
        place = f"{'paused at' if active else 'at'} {100 * window.lines[-1].offset // max(1, window.size)} %"
        news = self._news_text() if brief < _NO_NEWS else ""
        way = f", {key_of(self.app, 'log.end')} to {'follow' if active else 'the end'}" if brief < _NO_KEY else ""
        return f"{place}{news}{way}"

    def _news_text(self) -> str:
        """What has come since the end was last in sight."""
        seen = self._seen
        if seen is None or not seen.fresh_bytes or self._only is not None:
            return ""
        if seen.fresh is None:
            return f", {size_text(seen.fresh_bytes)} new"
        return f", {seen.fresh:,} new line{'s' * (seen.fresh != 1)}" if seen.fresh else ""

    def _selected_text(self, brief: int) -> str:
        """How much is selected, as far as that can be told, and what copies it."""
        assert self._selection is not None
        first, last = self._selection.ends
        shown = {line.offset for line in (self._window.lines if self._window else ())}
        way = f"{' selected' if brief < _NO_MIDDLE else ''}, {key_of(self.app, 'log.copy')} copies"
        if {first.at, last.at} <= shown:
            count = sum(first.at <= at <= last.at for at in shown)
            return f"{count} line{'s' * (count != 1)}{way}"
        return f"{size_text(last.at - first.at)}{way}"

    def _found_texts(self, most: int) -> list[str]:
        """What is looked for, in so many cells at most, and how that goes."""
        seen, parts = self._seen, list[str]()
        if seen is None:
            return parts
        if self._only is not None and seen.only is not None:
            near = f" ±{self.near}" if self.near else ""
            parts.append(f"&{cut(clean(self._only.text), most)}{near} · {_told(seen.only, None, ' line')}")
        if self._pattern is not None and seen.found is not None:
            parts.append(f"/{cut(clean(self._pattern.text), most)} {_told(seen.found, seen.number)}")
        return parts


def _told(progress: logs.Progress, number: int | None, unit: str = "") -> str:
    """How a search goes: how far it is, how many there are, and which one is chosen."""
    if progress.trouble is not None:
        return clean(progress.trouble)
    count = f"{progress.found:,}" if progress.found or not progress.done else "not found"
    if unit and count != "not found":
        count += unit if progress.found == 1 else f"{unit}s"
    told = f"{number:,} of {count}" if number is not None else count
    return told if progress.done else f"{told}, searching {int(100 * progress.share)} %"
