"""Every fault that a disk, a kernel, a clock or a killer can do to runs, each beside a guardless control that fails.

What was tried is printed as a table at the end of the run. Counts ten times as high are behind ``-m nightly``.
"""
