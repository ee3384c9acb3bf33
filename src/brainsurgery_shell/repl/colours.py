"""Colours of the prompt: what is typed, by the parser's tokens, and what stands around it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer, PygmentsLexer
from prompt_toolkit.styles import Style

from brainsurgery_shell.repl.preview import STYLE as PREVIEW_STYLE

STYLE = Style.from_dict(
    {
        "pygments.name.function": "bold",
        "pygments.name.attribute": "ansicyan",
        "pygments.literal.string": "ansigreen",
        "pygments.literal.number": "ansimagenta",
        "pygments.keyword.constant": "ansimagenta",
        "pygments.operator": "bold",
        "pygments.comment": "ansibrightblack",
        "prompt.alias": "bold",
        "prompt.marks": "ansiyellow bold",
        "bottom-toolbar": "noreverse",
        "bottom-toolbar.text": "ansibrightblack",
        **PREVIEW_STYLE,
    }
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
