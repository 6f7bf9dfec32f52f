"""One screen for everything you started and walked away from, and the truth about how it ended.

The map of the floors; a module imports only from floors below its own, and tests/test_house.py holds the code to it.

    14  cli                                         the front door: one module per verb family, wiring, exit codes
    13  ui                                          the screen, Textual's only home: no file, process or database
    12  control reconciler sizes                    what a person may do (absent in read-only); what waits and settles
    11  signalling glance clearing                  what a person does to a run's processes; one look; moving runs away
    10  reconcile                                   the only road from running to finished: finalize_run
    9   evidence                                    everything known of a run at the moment of judging
    8   tally edits hook picture                    what logs and people say; what an ending starts; all runs
    8   index                                       the cache of finished runs
    7   store process watch logs worktree guest     input and output; siblings that do not know each other
    7   config state                                what is set, and where; what is remembered of a user
    7   cachefile rowtable                          the file of the index, and the tables in it
    6   board census                                what there is, in what order, and what changed; all looked at once
    5   rank totals batch past bulk attention       sorting; sums; news; what runs of before tell; many read at once
    4   row trash facts                             a finished run, small; the way out and back; a run's facts in words
    4   settings                                    what can be set
    3   columns journal folder tree draft           texts of cells; a run's directory, the journal, a tree; a draft
    2   record query verdict transcripts files      pure: no input, no output, no clock; and files by descriptor
    1   lenient errors amounts regex order jobs     JSON leniently; errors; amounts; patterns; ids in order; work
    1   xdg                                         where a user's files belong
    0   model safetext shim                         values; text made safe; the tiny parent of every command, alone
    0   keylines plain listing                      on which line of a file a key stands; what is drawn, in ASCII
"""
