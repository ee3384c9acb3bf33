"""Run LINE in a session, type something, pause, and tell whether torch was imported meanwhile."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from shells import write_checkpoint

from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.repl import idle
from brainsurgery_shell.repl.manners import Manners
from brainsurgery_shell.repl.prompt import Prompt
from brainsurgery_shell.repl.results import Results
from brainsurgery_shell.repl.state import state_of
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings

session = Session(Settings(memory=2**28, journal=False))
session.open_input(str(write_checkpoint(Path("m.safetensors"))), "model")
command = parse_line(sys.argv[1])
assert command is not None
session.execute(command)

idle.PATIENCE = 0.05
assert "torch" not in sys.modules
manners = Manners(preview=False)
with create_pipe_input() as pipe:
    prompt = Prompt(session, manners, Results(sys.stdout, manners), pipe, DummyOutput())
    pause = prompt._pause

    def paused() -> bool:
        """The pause, after which the line is dropped."""
        settled = pause()
        for thread in threading.enumerate():
            if thread.name == "torch":
                thread.join()
        print("paused", flush=True)
        pipe.send_text("\x03")
        return settled

    prompt._idle._act = paused
    pipe.send_text("dump: w")
    try:
        prompt.read(state_of(session))
    except KeyboardInterrupt:
        print("loaded" if "torch" in sys.modules else "absent")
