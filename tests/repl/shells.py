"""Shells for tests: a session with one small checkpoint, and the real command on a screen."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import struct
import sys
import time
from pathlib import Path

import pexpect
import pyte

NAMES = ("h.0.w", "h.1.w", "wte")


def write_checkpoint(path: Path) -> Path:
    """A safetensors file, written by hand."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = {name: {**entry, "data_offsets": [index * 8, index * 8 + 8]} for index, name in enumerate(NAMES)}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 8 * len(NAMES))
    return path


class Screen:
    """The command ``brainsurgery`` on a terminal that answers, and what the user sees of it."""

    def __init__(self, folder: Path, *arguments: str, redirect: str = "", **environment: str) -> None:
        command = shutil.which("brainsurgery", path=str(Path(sys.executable).parent)) or "brainsurgery"
        inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        settings = {"TERM": "xterm", "XDG_STATE_HOME": str(folder / "state"), **environment}
        self.child = pexpect.spawn(
            "sh",
            ["-c", f"exec {shlex.join([command, *arguments])} {redirect}"],
            cwd=folder,
            env=inherited | settings,
            dimensions=(24, 80),
            timeout=20,
        )
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)
        self._screen.write_process_input = self.child.send  # the answer to a cursor-position request
        self.raw = b""

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def until(self, wanted: str, *, count: int = 1) -> str:
        """Wait until the screen shows ``wanted`` so many times."""
        deadline = time.monotonic() + 20
        while self.text.count(wanted) < count:
            assert time.monotonic() < deadline, f"no {wanted!r} on:\n{self.text}"
            try:
                data = self.child.read_nonblocking(4096, timeout=1)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                assert self.text.count(wanted) >= count, f"ended without {wanted!r}:\n{self.text}"
                break
            self.raw += data
            self._stream.feed(data)
        return self.text

    def type(self, keys: str) -> None:
        self.child.send(keys)

    def ended(self) -> int:
        """The exit status, once it has ended."""
        while self.child.isalive():
            try:
                self.raw += self.child.read_nonblocking(4096, timeout=20)
            except pexpect.EOF:
                break
        self.child.close()
        status: int = self.child.exitstatus
        return status
