"""The prompt: line editing, colours, completion. All that knows prompt_toolkit's application.

What the first key needs is imported at the first key: the prompt itself stands sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.lexers import Lexer, PygmentsLexer
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from brainsurgery_shell.repl.history import SharedHistory, history_path

if TYPE_CHECKING:
    from brainsurgery_shell.completion import SessionView

_STYLE = Style.from_dict(
    {
        "pygments.name.function": "bold",
        "pygments.name.attribute": "ansicyan",
        "pygments.literal.string": "ansigreen",
        "pygments.literal.number": "ansimagenta",
        "pygments.keyword.constant": "ansimagenta",
        "pygments.operator": "bold",
        "pygments.comment": "ansibrightblack",
        "pygments.error": "underline",
        "prompt.alias": "bold",
        "prompt.unsaved": "ansiyellow bold",
    }
)


class LineCompleter(Completer):
    """Hands the line and the cursor to ``complete``; of a pasted text, the line that the cursor is in."""

    def __init__(self, session: SessionView) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What may stand at the cursor."""
        from brainsurgery_shell.completion import complete

        line, cursor = document.current_line, document.cursor_position_col
        for candidate in complete(line, cursor, self._session):
            yield Completion(
                candidate.insert, -candidate.replaces, display=candidate.display, display_meta=candidate.meta
            )


class LineLexer(Lexer):
    """Colours; an empty line needs none."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The coloured text of each line."""
        return _lexer().lex_document(document) if document.text else lambda number: []


@cache
def _lexer() -> Lexer:
    from brainsurgery_shell.lexer import OlyLexer

    return PygmentsLexer(OlyLexer, sync_from_start=True)


class Prompt:
    """Reads lines with all comfort."""

    def __init__(
        self, session: SessionView, input: Input | None = None, output: Output | None = None
    ) -> None:
        self._lines: PromptSession[str] = PromptSession(
            completer=LineCompleter(session),
            complete_while_typing=True,
            lexer=LineLexer(),
            include_default_pygments_style=False,
            style=_STYLE,
            history=SharedHistory(history_path()),
            input=input,
            output=output,
        )
        self._answers: PromptSession[str] = PromptSession(input=input, output=output)

    def read(self, alias: str, unsaved: bool) -> str:
        """What the user entered: a line, or several that were pasted.

        Raises:
            KeyboardInterrupt: Ctrl-C, which drops the line.
            EOFError: Ctrl-D on an empty line.
        """
        parts: StyleAndTextTuples = [("class:prompt.alias", alias)]
        if unsaved:
            parts.append(("class:prompt.unsaved", "*"))
        return self._lines.prompt([*parts, ("", "> ")])

    def ask(self, question: str) -> str:
        """An answer, which no history keeps."""
        return self._answers.prompt(question)
