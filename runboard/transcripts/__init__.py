"""What a run itself says: the logs of coding agents folded into verdict, answer, usage and warnings; pure.

`Folding` follows a log, `read_ended` and `read_running` catch up with one of any size, `Steps` is what may be kept of
one that is followed so that its end is settled at once, and `lines_for_reading` of the
module `readable`, which only a screen needs, turns one line of it into words. Nothing here raises for what a log holds,
and nothing takes a quote for an event: only what stands at column 0, is whole and has several fields that agree counts.
"""

from __future__ import annotations

from runboard.transcripts.ended import count_on, line_start, read_ended, read_running
from runboard.transcripts.folding import Folding
from runboard.transcripts.steps import Steps

__all__ = ["Folding", "Steps", "count_on", "line_start", "read_ended", "read_running"]
