"""Refuses a file transfer in the words of its protocol: of one that sshd has begun, it passes on nothing else.

See draft-ietf-secsh-filexfer-02, the version that OpenSSH speaks.
"""

from __future__ import annotations

import os
import select
import struct
import time

LIMIT = 10.0
"""Seconds after which nobody is answered any more."""

_PACKET_MOST = 256 << 10
_REQUESTS_MOST = 64
_LOOKS = frozenset({7, 8, 17})  # LSTAT, FSTAT, STAT: to a look scp would say that the file is not there
_VERSION, _STATUS, _ATTRIBUTES = 2, 101, 105
_DENIED = 3


def is_transfer(asked: str) -> bool:
    """Whether what a guest asked of sshd is its subsystem for files, which sftp is and scp uses."""
    return os.path.basename(asked.partition(" ")[0]) in {"sftp-server", "internal-sftp"}


def refuse(sentence: str, ear: int, mouth: int) -> None:
    """Greet as a server of files does, and deny every request with a sentence, until the client has left."""
    deadline = time.monotonic() + LIMIT
    told = sentence.encode()
    try:
        _packet(ear, deadline)
        _answer(mouth, struct.pack(">BI", _VERSION, 3))
        for _ in range(_REQUESTS_MOST):
            request = _packet(ear, deadline)
            if request[0] in _LOOKS:
                _answer(mouth, struct.pack(">B4sI", _ATTRIBUTES, request[1:5], 0))
            else:
                denied = struct.pack(">B4sII", _STATUS, request[1:5], _DENIED, len(told))
                _answer(mouth, denied + told + struct.pack(">I", 0))
    except OSError:
        return


def _packet(ear: int, deadline: float) -> bytes:
    """The next packet without its length.

    Raises:
        ConnectionError: There is none, it came too late, or it is none.
    """
    (size,) = struct.unpack(">I", _read(ear, 4, deadline))
    if not 5 <= size <= _PACKET_MOST:
        raise ConnectionError("no packet")
    return _read(ear, size, deadline)


def _read(ear: int, size: int, deadline: float) -> bytes:
    """So many bytes.

    Raises:
        ConnectionError: Fewer came, or too late.
    """
    found = b""
    while len(found) < size:
        ready, _, _ = select.select([ear], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(ear, size - len(found)) if ready else b""
        if not piece:
            raise ConnectionError("the client has left")
        found += piece
    return found


def _answer(mouth: int, packet: bytes) -> None:
    """Send a packet."""
    os.write(mouth, struct.pack(">I", len(packet)) + packet)
