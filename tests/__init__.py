"""Tests on real processes, files and terminals; nothing of the kernel, the file system or git is imitated."""
