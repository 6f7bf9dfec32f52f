"""One screen for everything you started and walked away from, and the truth about how it ended.

The map of the floors; a module imports only from floors below its own, and tests/test_house.py holds the code to it.

    17  cli                                         the front door: one module per verb family, wiring, exit codes
    16  ui                                          the screen, Textual's only home: no file, process or database
    15  control reconciler sizes                    what a person may do (absent in read-only); what waits and settles
    14  signalling glance clearing retention        what a person does to processes; one look; moving away, and which
    13  settlers                                    processes beside that settle endings by the thousand
    12  together                                    the same road for many runs at once: finalize_together
    11  reconcile                                   the only road from running to finished: finalize_run
    10  evidence                                    everything known of a run at the moment of judging
    9   tally edits hook picture                    what logs and people say; what an ending starts; all runs
    9   index                                       the cache of finished runs
    8   store process watch logs worktree guest     input and output; siblings that do not know each other
    8   config state                                what is set, and where; what is remembered of a user
    8   cachefile rowtable                          the file of the index, and the tables in it
    8   board                                       what there is, and what changed
    7   lineup census                               which runs are visible, in what order; all looked at once
    6   rank totals batch past bulk attention       sorting; sums; news; what runs of before tell; many read at once
    5   row trash facts                             a finished run, small; the way out and back; a run's facts in words
    5   settings                                    what can be set
    4   columns journal folder tree draft           texts of cells; a run's directory, the journal, a tree; a draft
    3   record query verdict transcripts files      pure: no input, no output, no clock; and files by descriptor
    3   lock                                        the lock of a directory
    2   lenient errors amounts regex order jobs     JSON leniently; errors; amounts; patterns; ids in order; work
    2   looping                                     a thread with an event loop of its own
    2   xdg apart                                   where a user's files belong; work in a process beside
    1   model safetext shim                         values; text made safe; the tiny parent of every command, alone
    1   notify bell                                 what tells of changes; an event that a selector can wait for
    1   disk                                        one wait for the disk in place of many
    1   keylines plain listing                      on which line of a file a key stands; what is drawn, in ASCII
    0   late understudy                             what is compiled or loaded when it is used
"""
