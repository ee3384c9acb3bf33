"""Type the lines of a file into a program on a terminal of its own, and show what the terminal shows.

terminal.py LINES PROGRAM [ARGUMENT ...]
"""

import os
import pty
import select
import sys
from pathlib import Path

PROMPT = b"> "
PATIENCE = 120.0


def main(script: Path, program: list[str]) -> int:
    lines = [line for line in script.read_text(encoding="utf-8").splitlines() if line.strip()]
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "dumb"  # nothing but text
        os.environ["COLUMNS"] = "1000"  # no line is wrapped while it is typed
        os.execvp(program[0], program)
    for line in lines:
        show_until_prompt(terminal)
        os.write(terminal, line.encode() + b"\n")
    while show_some(terminal):
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 128 - status  # as a Unix shell counts one that was killed


def show_until_prompt(terminal: int) -> None:
    """The program asks for a line when it has written a prompt and then waits."""
    shown = b""
    while not shown.endswith(PROMPT) or readable(terminal, 0.05):
        if not readable(terminal, PATIENCE):
            sys.exit("error: no prompt came")
        new = show_some(terminal)
        if not new:
            sys.exit("error: the program ended before its script did")
        shown += new


def readable(terminal: int, seconds: float) -> bool:
    return bool(select.select([terminal], [], [], seconds)[0])


def show_some(terminal: int) -> bytes:
    try:
        data = os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody holds the other end any more
        return b""
    sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
    sys.stdout.buffer.flush()
    return data


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
