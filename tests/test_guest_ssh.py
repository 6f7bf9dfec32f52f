"""A guest over SSH: the line that lets a key in, and what a real sshd makes of it: a board, and nothing else."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runboard.cli import transfer
from runboard.guest import BadKey, invitation
from tests.leaving import leave
from tests.program import COMMAND, alive, runboard
from tests.terminal import Terminal
from tests.waiting import until

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_sshd = pytest.mark.skipif(
    not (SSHD and shutil.which("ssh") and shutil.which("ssh-keygen")), reason="needs OpenSSH's sshd, ssh and ssh-keygen"
)
needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")

ED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Z2zv1Z2zv1Z2zv1Z2zv1Z2zv1Z2zv1Z2zv1Z2zv1Z"
LOCK = 'restrict,pty,command="'


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "there is no key in it"),
        ("# only a comment", "there is no key in it"),
        (f"{ED}\n{ED}", "one public key is needed, and there are 2 lines"),
        (f'command="sh" {ED}', "it has options before the key"),
        (f"no-pty,restrict {ED}", "it has options before the key"),
        ("ssh-dss AAAA x", "no kind of key that OpenSSH takes"),
        ("\x1b]0;x\x07 AAAA", "no kind of key that OpenSSH takes"),
        ("ssh-ed25519 !!!!", "is not base64"),
        ("ssh-ed25519 AAAA", "does not hold a key of the kind ssh-ed25519"),
        (ED.replace("ssh-ed25519 ", "ssh-rsa "), "does not hold a key of the kind ssh-rsa"),
        (ED[:-8], "ends in the middle of the key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "this is a private key"),
    ],
)
def test_what_is_no_key_gets_no_line(key: str, why: str) -> None:
    """A line is made for one whole public key without options, and for nothing else."""
    with pytest.raises(BadKey, match=r".") as told:
        invitation(key, ["/bin/runboard"])
    assert why in str(told.value)


@pytest.mark.parametrize(
    "folder", ["/runs", "/a b/it's", '/quo"te', '/back\\"slash\\', "/$HOME `x`;#&", "/umläut,restrict"]
)
def test_the_line_survives_both_quotings(folder: str) -> None:
    """What sshd makes of the line, and then a shell of its command, is the command that was meant."""
    line = invitation(f'{ED} ada@host  "x"\x1b[31m', ["/bin/run board", "--runs-dir", folder, "--watch"])
    assert line.startswith(LOCK)
    at, told = len(LOCK), ""
    while line[at] != '"':  # as sshd's opt_dequote()
        at += line.startswith('\\"', at)
        told += line[at]
        at += 1
    assert shlex.split(told) == ["/bin/run board", "--runs-dir", folder, "--watch"]
    assert line[at:].startswith(f'" {ED} ada@host')
    assert line.isprintable()


def test_a_path_that_no_line_can_hold_is_refused() -> None:
    """A line break in the path would begin another line, without a lock."""
    with pytest.raises(BadKey, match="what no line of authorized_keys can"):
        invitation(ED, ["/bin/runboard", "--runs-dir", "/a\nssh-ed25519 AAAA"])


@needs_keygen
@pytest.mark.parametrize(("kind", "more"), [("ed25519", []), ("rsa", ["-b", "2048"]), ("ecdsa", [])])
def test_the_verb_prints_the_line(tmp_path: Path, kind: str, more: list[str]) -> None:
    """For a file and for the key itself, with the absolute paths of program and runs; of a private key, no line."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", "ada", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    for given in (str(key.with_suffix(".pub")), public):
        done = runboard(tmp_path, "watch", "--print-authorized-key", given)
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
        assert done.stdout.startswith(f"{LOCK}/") or done.stdout.startswith(f"{LOCK}'/")
        assert done.stdout.endswith(f'--runs-dir {tmp_path} --watch" {public}\n')
    done = runboard(tmp_path, "watch", "--print-authorized-key", str(key))
    assert (done.returncode, done.stdout, "private key" in done.stderr) == (2, "", True)
    done = runboard(tmp_path, "watch", "--print-authorized-key", str(tmp_path / "none"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("asked", ["ls -l", "/usr/lib/openssh/sftp-server", "scp -t .", "", "\x1b]0;x\x07" + "a" * 200])
def test_who_asks_for_a_command_is_turned_away(tmp_path: Path, asked: str) -> None:
    """What a guest asked for is noted by sshd; one line says that there is only a board, and is clean."""
    argv = [*COMMAND, "--runs-dir", str(tmp_path), "--watch"]
    with Terminal(argv, 250, 10, env={"SSH_ORIGINAL_COMMAND": asked}) as terminal:
        assert terminal.wait_exit() == 2
        assert "runboard: this key opens a board, and runs neither commands nor copies" in terminal.text()
        assert (b"\x1b]" in terminal.raw, len(terminal.text().strip().splitlines())) == (False, 1)


def packets(raw: bytes) -> list[bytes]:
    """What was sent, packet by packet, with nothing behind the last."""
    found = []
    while raw:
        (size,) = struct.unpack_from(">I", raw)
        found.append(raw[4 : 4 + size])
        raw = raw[4 + size :]
    return found


@pytest.mark.parametrize(
    ("sent", "kinds"),
    [
        (b"", []),
        (b"\0\0\0\x05\x01\0\0\0\x03", [2]),
        (b"\0\0\0\x05\x01\0\0\0\x03" + b"\0\0\0\x05\x10\0\0\0\x07" + b"\0\0\0\x09\x11\0\0\0\x08abcd", [2, 101, 105]),
        (b"\0\0\0\x05\x01\0\0\0\x03" + b"\xff\xff\xff\xff" + b"x" * 100, [2]),
        (b"\0\0\0\x05\x01\0\0\0\x03" + b"\0\0\0\0" * 9, [2]),
        (b"GET / HTTP/1.0\r\n\r\n", []),
        (b"\0\0\0\x05\x01\0\0\0\x03" + b"\0\0\0\x05\x10\0\0\0\x07" * 200, [2] + [101] * 64),
    ],
)
def test_a_transfer_is_denied_in_its_own_words(sent: bytes, kinds: list[int]) -> None:
    """Every request is answered by its number, nothing is done, and who sends no packets is heard no further."""
    (ear, hand), (eye, mouth) = os.pipe(), os.pipe()
    try:
        os.write(hand, sent)
        os.close(hand)
        transfer.refuse("only a board", ear, mouth)
        os.close(mouth)
        answers = packets(os.read(eye, 1 << 16))
    finally:
        os.close(ear)
        os.close(eye)
    assert [one[0] for one in answers] == kinds
    assert all(one[1:5] == b"\0\0\0\x07" and b"only a board" in one for one in answers if one[0] == 101)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[list[str]]:
    """An sshd of our own on this machine, with one key that opens a board; how to call at it."""
    runs = tmp_path / "runs"
    leave(runs, "0000abcd", name="seen from afar", log=b"a line for guests\n")
    for name in ("host", "guest"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    line = runboard(runs, "watch", "--print-authorized-key", str(tmp_path / "guest.pub")).stdout
    (tmp_path / "authorized").write_text(line)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/authorized\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n"
        "PermitRootLogin yes\nPrintMotd no\nSubsystem sftp internal-sftp\nLogLevel ERROR\n"
    )
    words = [SSHD or "", "-D", "-e", "-f", str(tmp_path / "config")]
    if os.geteuid() == 0 and not os.path.isdir("/run/sshd"):  # where it locks itself in before anybody is known
        words = [
            "unshare",
            "-m",
            "sh",
            "-c",
            'mount -t tmpfs t /run && mkdir -m 755 /run/sshd && exec "$0" "$@"',
            *words,
        ]
    with (tmp_path / "sshd.log").open("wb") as log:
        server = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    call = [
        "-F",
        "/dev/null",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "BatchMode=yes",
    ]
    call += ["-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-i", str(tmp_path / "guest")]
    call += ["-o", f"Port={port}", f"{getpass.getuser()}@127.0.0.1"]

    def answers() -> bool:
        """Whether it listens; where it cannot be started here, that is told."""
        if server.poll() is not None:
            pytest.skip(f"sshd does not start here: {(tmp_path / 'sshd.log').read_text().strip()[-200:]}")
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    until(answers, 10, "sshd listens")
    try:
        yield call
    finally:
        server.terminate()
        server.wait()


def boards(runs: str) -> list[int]:
    """The boards that are open on a runs directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[-2:-1] == [b"--watch"] and runs.encode() in words and b"python" in words[0] and alive(int(pid)):
            found.append(int(pid))
    return found


@needs_sshd
def test_a_key_opens_a_locked_board_and_nothing_else(door: list[str], tmp_path: Path) -> None:
    """Through a real sshd: the board with its lock; no command, copy, transfer, forwarding or line without terminal."""
    with Terminal(["ssh", "-tt", *door], 140, 30) as terminal:
        terminal.wait_for("seen from afar", 30)
        terminal.wait_for("read-only · locked by the kernel")
        terminal.wait_for("a line for guests")
        terminal.press("q")
        assert terminal.wait_exit(20) == 0
    target = door[-1]
    for words, told in (
        (["ssh", *door, "cat /etc/passwd"], "runs neither commands nor copies (cat /etc/passwd)"),
        (["sftp", *door], "this key opens a board, and runs neither commands nor copies"),
        (["scp", *door[:-1], "-s", f"{target}:/etc/passwd", str(tmp_path / "got")], "Permission denied"),
        (["scp", *door[:-1], "-s", str(tmp_path / "guest.pub"), f"{target}:{tmp_path}/put"], "Permission denied"),
        (["scp", *door[:-1], "-O", f"{target}:/etc/passwd", str(tmp_path / "got")], "runs neither commands nor copies"),
        (["ssh", "-T", *door], "the board needs a terminal"),
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30, stdin=subprocess.DEVNULL)
        assert (done.returncode != 0, "root:" in done.stdout) == (True, False), words
        assert told in done.stderr, (words[0], done.returncode, done.stdout, done.stderr)
    assert not (tmp_path / "got").exists()
    assert not (tmp_path / "put").exists()
    forward = ["ssh", *door[:-1], "-W", "127.0.0.1:22", target]
    done = subprocess.run(forward, capture_output=True, text=True, check=False, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode != 0


@needs_sshd
def test_a_dropped_connection_leaves_no_board(door: list[str], tmp_path: Path) -> None:
    """When the client is killed the guest's board is gone within seconds."""
    with Terminal(["ssh", "-tt", *door], 140, 30) as terminal:
        terminal.wait_for("read-only · locked by the kernel", 30)
        assert len(boards(str(tmp_path / "runs"))) == 1
        os.kill(terminal.process, 9)
        until(lambda: not boards(str(tmp_path / "runs")), 5, "the board has gone")
