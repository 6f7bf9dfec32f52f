"""The words above the log: what is looked for and selected, where one stands, and always last whether it follows."""

from __future__ import annotations

from runboard import logs
from runboard.columns import size_text
from runboard.safetext import clean
from runboard.ui.cells import cut_start
from runboard.ui.keys import key_of
from runboard.ui.loglooks import LogLooks
from runboard.ui.picking import Picking


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
        """The end of it stays: whether the log is followed."""
        return cut_start(place, room)

    def _place_text(self) -> str:
        """Where in the log the window stands, whether it moves with it, and what was passed over."""
        window, run = self._window, self._run
        if window is None or run is None:
            return ""
        if not window.lines:
            return " · ".join(self._found_texts())
        parts = self._found_texts()
        parts += [self._selected_text()] if self._selection else []
        parts += ["raw"] if self._raw and self.tells_events else []
        parts += [f"times {self.looks.times}"] if self._timed and self.looks.times is not logs.Times.WRITTEN else []
        parts += [clean(window.notice)] if window.notice else []
        if self._seen is not None and self.looks.numbers and self._seen.counted < 1:
            parts.append(f"counting lines {100 * self._seen.counted:.0f} %")
        if self._skipped and window.at_end:
            parts.append(f"{size_text(self._skipped)} skipped")
        if self._pan:
            parts.append(f"column {self._pan + 1:,}")
        if self._at_end:
            parts.append("following" if run.active else "end of log")
        else:
            share = 100 * window.lines[-1].offset // max(1, window.size)
            word = "paused at" if run.active else "at"
            key, way = key_of(self.app, "log.end"), "follow" if run.active else "the end"
            parts.append(f"{word} {share} %{self._news_text()}, {key} to {way}")
        return " · ".join(parts)

    def _news_text(self) -> str:
        """What has come since the end was last in sight."""
        seen = self._seen
        if seen is None or not seen.fresh_bytes or self._only is not None:
            return ""
        if seen.fresh is None:
            return f", {size_text(seen.fresh_bytes)} new"
        return f", {seen.fresh:,} new line{'s' * (seen.fresh != 1)}" if seen.fresh else ""

    def _selected_text(self) -> str:
        """How much is selected, as far as that can be told, and what copies it."""
        assert self._selection is not None
        first, last = self._selection.ends
        shown = {line.offset for line in (self._window.lines if self._window else ())}
        key = key_of(self.app, "log.copy")
        if {first.at, last.at} <= shown:
            count = sum(first.at <= at <= last.at for at in shown)
            return f"{count} line{'s' * (count != 1)} selected, {key} copies"
        return f"{size_text(last.at - first.at)} selected, {key} copies"

    def _found_texts(self) -> list[str]:
        """What is looked for, and how that goes."""
        seen, parts = self._seen, list[str]()
        if seen is None:
            return parts
        if self._only is not None and seen.only is not None:
            near = f" ±{self.near}" if self.near else ""
            parts.append(f"&{clean(self._only.text)}{near} · {_told(seen.only, None, ' line')}")
        if self._pattern is not None and seen.found is not None:
            parts.append(f"/{clean(self._pattern.text)} {_told(seen.found, seen.number)}")
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
