"""Shells for tests: a session with one small checkpoint, and the real command on a screen."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterable
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


def write_sparse(path: Path, nbytes: int) -> Path:
    """A safetensors file of one tensor of zeros, ``big``, that takes no room on the disk."""
    text = json.dumps({"big": {"dtype": "F32", "shape": [nbytes // 4], "data_offsets": [0, nbytes]}}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    os.truncate(path, 8 + len(text) + nbytes)
    return path


def _command(arguments: Iterable[str]) -> str:
    command = shutil.which("brainsurgery", path=str(Path(sys.executable).parent)) or "brainsurgery"
    return shlex.join([command, *arguments])


_INHERITED = ("PATH", "HOME", "LANG", "PYTHONPATH", "XDG_CONFIG_HOME")


class Screen:
    """The command ``brainsurgery`` on a terminal, and what the user sees of it.

    ``size`` is in lines and columns. A terminal that ``answers`` says where its cursor is, if it is asked.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        redirect: str = "",
        size: tuple[int, int] = (24, 80),
        answers: bool = True,
        **environment: str,
    ) -> None:
        words = ["-c", f"exec {_command(arguments)} {redirect}"]
        self._begin("sh", words, folder, size, environment)
        if answers:
            self._screen.write_process_input = self.child.send

    @classmethod
    def of_bash(cls, folder: Path, *arguments: str) -> Screen:
        """The same, begun from a shell with job control."""
        screen = cls.__new__(cls)
        screen._begin("bash", ["--norc", "--noprofile", "-i"], folder, (24, 80), {"PS1": "bash: "})
        screen._screen.write_process_input = screen.child.send
        screen.until("bash:")
        screen.type(f"{_command(arguments)}\r")
        return screen

    def _begin(
        self, shell: str, words: list[str], folder: Path, size: tuple[int, int], environment: dict[str, str]
    ) -> None:
        inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        settings = {"TERM": "xterm", "XDG_STATE_HOME": str(folder / "state"), **environment}
        self.child = pexpect.spawn(
            shell, words, cwd=folder, env=inherited | settings, dimensions=size, timeout=20
        )
        lines, columns = size
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close(force=True)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def until(self, wanted: str, *, count: int = 1) -> str:
        """Wait until the screen shows ``wanted`` so many times."""
        return self._until(lambda: self.text.count(wanted) >= count, f"no {wanted!r}")

    def _until(self, reached: Callable[[], bool], missed: str) -> str:
        deadline = time.monotonic() + 20
        while not reached():
            assert time.monotonic() < deadline, f"{missed} on:\n{self.text}"
            try:
                data = self.child.read_nonblocking(4096, timeout=0.1)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                assert reached(), f"ended with {missed} on:\n{self.text}"
                break
            self._feed(data)
        return self.text

    def until_not(self, unwanted: str) -> str:
        """Wait until the screen shows ``unwanted`` no more."""
        return self._until(lambda: unwanted not in self.text, f"still {unwanted!r}")

    def _feed(self, data: bytes) -> None:
        self.raw += data
        self._stream.feed(data)

    def until_running(self) -> None:
        """Wait until Ctrl-C is no key of the prompt any more, but a signal: a step runs."""

        def running() -> bool:
            return bool(termios.tcgetattr(self.child.child_fd)[3] & termios.ISIG)

        self._until(running, "no step runs")

    def type(self, keys: str) -> None:
        self.child.send(keys)

    def ended(self) -> int:
        """The exit status, once it has ended."""
        while self.child.isalive():
            try:
                self._feed(self.child.read_nonblocking(4096, timeout=20))
            except pexpect.EOF:
                break
        self.child.close()
        status: int = self.child.exitstatus
        return status
