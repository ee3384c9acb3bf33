"""How names are spelt at the cursor: what was typed stays, unless it would mean other names too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brainsurgery_shell.completion.candidates import Candidate
from brainsurgery_shell.completion.facts import below_meta, leaf_meta, tensors
from brainsurgery_shell.completion.general import NUMBER, folded, numbered, pattern, widened
from brainsurgery_shell.completion.names import Child, twins
from brainsurgery_shell.completion.patterns import Typed, escaped
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.declaration.offers import Matches
from brainsurgery_shell.lang.pieces import Piece, take_alias
from brainsurgery_shell.workspace.checkpoint import Checkpoint


class Spelling:
    """Makes candidates of names and segments at one place."""

    def __init__(
        self,
        pen: Pen,
        checkpoint: Checkpoint,
        alias: str | None,
        front: str,
        typed: Typed,
        *,
        is_template: bool,
    ) -> None:
        self._pen, self._checkpoint, self._typed, self._template = pen, checkpoint, typed, is_template
        self._front = front
        """``alias::`` as it was typed, or is needed."""
        self._shown = "" if pen.typed.startswith(front) else front
        self._alias = alias
        self._twins: list[str] | None = []
        self._before = ""
        """The complete segments, if they are literal."""
        if typed.literal is not None:
            self._before = typed.literal[: len(typed.literal) - len(typed.partial)]
            if typed.dot == "." and not is_template:
                self._twins = twins(checkpoint.sorted_names(), self._before)

    def candidate(self, child: Child, meta: str) -> Candidate:
        """A leaf, or a segment with the dot behind it."""
        typed = self._typed
        text = typed.kept + escaped(child.segment, typed.dot)
        if child.leaf is None:
            text += typed.dot
            text = self._fronted(text) + text
            return self._pen.value(text, f"{self._shown}{child.segment}.", meta, final=False)
        if typed.literal is not None and self._is_ambiguous(child.segment):
            text = escaped(child.leaf, r"\.")
        return self._pen.value(self._fronted(child.leaf) + text, self._shown + child.segment, meta)

    def whole(self, name: str, display: str) -> Candidate:
        """A name that was found in another way."""
        dot = self._typed.dot
        if dot == "." and not self._template:
            names = self._checkpoint.sorted_names()
            others = twins(names, name)
            same_length = others is None or any(other in self._checkpoint.tensors for other in others)
            dot = r"\." if same_length else dot
        meta = leaf_meta(self._checkpoint.tensors[name])
        return self._pen.value(self._fronted(name) + escaped(name, dot), self._shown + display, meta)

    def any_number(self, children: Sequence[Child]) -> Iterator[Candidate]:
        """One step for all segments that are numbers, as of layers."""
        numbers = numbered(children)
        if not numbers or self._typed.partial:
            return
        kept = self._typed.kept
        if self._typed.literal is not None:
            kept = escaped(self._before, r"\.")
        text = f"{kept}{NUMBER}\\."
        # what is not in the menu would be missing from the count
        count = sum(child.count for child in numbers) if len(numbers) == len(children) else 0
        meta = f"any number: {tensors(count)}" if count else "any number"
        yield self._pen.value(
            self._fronted(text) + text,
            f"{self._shown}{NUMBER}.",
            meta,
            final=False,
            quoted=True,
            variant=True,
        )

    def widened(self, name: str, *, escaped: bool) -> Iterator[Candidate]:
        """Patterns for a name: with its numbers left open, and (``escaped``) just for itself."""
        if escaped and "." in name:
            yield self._pattern(pattern(name.split("."), ()), name, "the same, escaped")
        for text, found in widened(self._checkpoint, name):
            yield self._pattern(text, name, _any_number(found))

    def fold(self, names: Sequence[str]) -> Iterator[Candidate]:
        """Patterns that take several of the names."""
        for text, name, found in folded(self._checkpoint, names):
            yield self._pattern(text, name, _any_number(found))

    def _pattern(self, text: str, name: str, meta: str) -> Candidate:
        return self._pen.value(
            self._fronted(name) + text, self._shown + text, meta, quoted=True, variant=True
        )

    def _is_ambiguous(self, segment: str) -> bool:
        """Whether the typed dots, read as a regex, take another name along."""
        known = self._checkpoint.tensors
        return self._twins is None or any(other + segment in known for other in self._twins)

    def _fronted(self, name: str) -> str:
        """The alias as typed; one is needed if the name's own beginning would be taken for it."""
        if self._front or take_alias(Piece(name))[0] is None or self._alias is None:
            return self._front
        return f"{self._alias}::"


def _any_number(found: Matches | None) -> str:
    if found is None:
        return "any number"
    more = found.count > len(found.tensors)
    return f"any number: {tensors(found.count) if more else below_meta(found.tensors)}"
