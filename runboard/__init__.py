"""One screen for everything you started and walked away from, and the truth about how it ended.

The map of the floors; a module imports only from floors below its own, and tests/test_house.py holds the code to it.

    13  cli                                         the front door: one module per verb family, wiring, exit codes
    12  ui                                          the screen, Textual's only home: no file, process or database
    11  control reconciler                          what a person may do (absent in read-only); what waits and settles
    10  signalling                                  what a person does to a run's processes
    9   reconcile                                   the only road from running to finished: finalize_run
    8   evidence                                    everything known of a run at the moment of judging
    7   tally edits                                 what agents' logs have said so far; what people say of runs
    6   store process watch logs worktree           input and output; siblings that do not know each other
    5   board past                                  what there is, in what order; what runs of before tell
    4   row trash facts                             a finished run, small; the way out and back; a run's facts in words
    3   columns journal folder tree draft           texts of cells; a run's directory, the journal, a tree; a draft
    2   record query verdict transcripts files      pure: no input, no output, no clock; and files by descriptor
    1   lenient errors amounts regex                JSON values leniently; errors; amounts; expressions in linear time
    0   model safetext shim                         values; text made safe; the tiny parent of every command, alone
"""
