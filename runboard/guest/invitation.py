"""The line of ``authorized_keys`` by which a key opens a board and nothing else; see sshd(8), AUTHORIZED_KEYS."""

from __future__ import annotations

import binascii
import shlex
import struct
from base64 import b64decode
from collections.abc import Sequence

from runboard.safetext import clean

KINDS = frozenset(
    {
        *("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
        *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
    }
)
"""The kinds of public keys that OpenSSH takes."""

COMMENT_MOST = 100
"""Characters of a comment that are kept."""

_LEAST = 32
"""Bytes that the shortest key has at least, besides its kind."""


class BadKey(ValueError):
    """A text is no public key; the message says why."""


def invitation(key: str, command: Sequence[str]) -> str:
    """The line for a public key, which runs one command in a terminal, and forwards nothing.

    Args:
        key: A public key in OpenSSH's form: its kind, base64, and perhaps a comment.
        command: The words of the command, the first one an absolute path.

    Raises:
        BadKey: The text is not just one public key, or the command cannot stand in such a line.
    """
    line = shlex.join(command)
    if not line.isprintable():
        raise BadKey("the path of the program or of the runs directory holds what no line of authorized_keys can")
    quoted = line.replace('"', '\\"')  # sshd takes this back, and leaves every other backslash as it is
    return f'restrict,pty,command="{quoted}" {_checked(key)}'


def _checked(text: str) -> str:
    """A public key with a clean comment."""
    if "PRIVATE KEY" in text:
        raise BadKey("this is a private key, which stays with its owner; give the public one, from the file in .pub")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        raise BadKey(
            f"one public key is needed, and there are {len(lines)} lines" if lines else "there is no key in it"
        )
    kind, _, rest = lines[0].partition(" ")
    if kind not in KINDS:
        if any(word in KINDS for word in rest.split()):
            raise BadKey("it has options before the key; leave them out, for they would open more than a board")
        raise BadKey(f"it begins with {clean(kind)[:40]!r}, which is no kind of key that OpenSSH takes")
    coded, _, comment = rest.strip().partition(" ")
    _require_blob(kind, coded)
    words = "".join(letter for letter in clean(comment.strip()) if letter.isascii() and letter.isprintable())
    return f"{kind} {coded} {words[:COMMENT_MOST]}".rstrip()


def _require_blob(kind: str, coded: str) -> None:
    """Refuse what is not the base64 of a key of this kind, which itself begins with the kind."""
    try:
        blob = b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("what follows the kind is not base64; was the line cut or wrapped?") from None
    name = kind.encode()
    if not blob.startswith(struct.pack(">I", len(name)) + name):
        raise BadKey(f"its base64 does not hold a key of the kind {kind}; was the line cut or wrapped?")
    at = 4 + len(name)
    while at + 4 <= len(blob):
        at += 4 + int(struct.unpack_from(">I", blob, at)[0])
    if at != len(blob) or len(blob) < 4 + len(name) + _LEAST:
        raise BadKey("its base64 ends in the middle of the key; was the line cut?")
