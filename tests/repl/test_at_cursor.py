"""What F1 explains, by the line and the place of the cursor (``|``)."""

from __future__ import annotations

import pytest

from brainsurgery_shell.repl.at_cursor import help_at
from brainsurgery_shell.views.page import PLAIN


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("|", "operations (those whose name ends in _ change tensors in place)"),
        ("dele|", "delete"),
        ("|delete: wte", "delete"),
        ("delete: target: wte, where: { dty|", "delete"),
        ("  scale_: target: '.*', by: 2|", "scale_"),
        ("assert: sha|", "assert"),
        ("assert: shape: { of: |wte", "assert: shape"),
        ("assert: all: [{ exists: wte }, { dtype: { of: '.*', is: |", "assert: dtype"),
        ("assert: all: [{ exists: wte }, |", "assert: all"),
        ("delete: shape|", "delete"),
        ("help: copy|", "copy"),
        ("help: re|", "help"),
        ("help: shape|", "assert: shape"),
        ("bogus: x|", "error: unknown operation or topic 'bogus'"),
        (
            "keys|",
            "Besides these, the keys are readline's, or vi's with editing_mode = \"vi\" in the configuration.",
        ),
        ("!ls|", "operations (those whose name ends in _ change tensors in place)"),
    ],
)
def test_the_innermost_thing_is_explained(line: str, first: str) -> None:
    column = line.index("|")
    assert help_at(line.replace("|", ""), column, PLAIN)[0] == first
