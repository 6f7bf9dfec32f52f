"""What a run itself says: the logs of coding agents folded into verdict, answer, usage and warnings; pure.

`Folding` follows a log, `read_ended` and `read_running` catch up with one of any size, and `lines_for_reading` of the
module `readable`, which only a screen needs, turns one line of it into words. Nothing here raises for what a log holds,
and nothing takes a quote for an event: only what stands at column 0, is whole and has several fields that agree counts.
"""

from __future__ import annotations

from runboard.transcripts.ended import read_ended, read_running
from runboard.transcripts.folding import Folding

__all__ = ["Folding", "read_ended", "read_running"]
