"""The board on the screen; nothing in this package touches a path, a process or the disk."""
