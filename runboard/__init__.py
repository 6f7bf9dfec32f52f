"""One screen for everything you started and walked away from, and the truth about how it ended.

The map of the floors; a module imports only from floors below its own, and tests/test_house.py holds the code to it.

    9  cli                                    the front door: one module per verb family, wiring, exit codes
    8  ui                                     the screen, Textual's only home: no file, process or database in here
    7  control reconciler                     what a person may do (absent in read-only); what waits and settles
    6  reconcile                              the only road from running to finished: finalize_run
    5  store process watch logs worktree      input and output; siblings that do not know each other
    4  files journal folder tree              files by descriptor; what the store is made of
    3  board columns                          pure: the rows, their order, their texts
    2  record query verdict transcripts       pure: no input, no output, no clock
    1  lenient                                JSON values taken leniently
    0  model safetext errors shim             values; text made safe; the tiny parent of every command, which stands alone
"""
