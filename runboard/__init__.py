"""One screen for everything you started and walked away from, and the truth about how it ended.

The map of the floors; a module imports only from floors below its own, and tests/test_house.py holds the code to it.

    12  cli                                         the front door: one module per verb family, wiring, exit codes
    11  ui                                          the screen, Textual's only home: no file, process or database
    10  control reconciler                          what a person may do (absent in read-only); what waits and settles
    9   signalling                                  what a person does to a run's processes
    8   reconcile                                   the only road from running to finished: finalize_run
    7   evidence                                    everything known of a run at the moment of judging
    6   tally edits                                 what agents' logs have said so far; what people say of runs
    5   store process watch logs worktree           input and output; siblings that do not know each other
    4   trash facts                                 the way out of the runs directory and back; a run's facts in words
    3   board columns journal folder tree           rows, order, texts; a run's directory, the journal, a tree
    2   record query verdict transcripts files      pure: no input, no output, no clock; and files by descriptor
    1   lenient errors                              JSON values taken leniently; what can go wrong, in a sentence
    0   model safetext shim                         values; text made safe; the tiny parent of every command, alone
"""
