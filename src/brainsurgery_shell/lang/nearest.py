"""The error for a reference that matches nothing, with the names that may have been meant."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterable
from itertools import islice

from brainsurgery_shell.errors import StepError, listed
from brainsurgery_shell.lang.pattern import needed_text
from brainsurgery_shell.lang.pieces import shown
from brainsurgery_shell.lang.reference import Reference, RegexExpr
from brainsurgery_shell.lang.segments import Literal, Many, One

_WORD = re.compile(r"[A-Za-z0-9_]+")
_SIGNS = re.compile(r"[\\*+?()|^$]")
_COMPARED = 200
_SEARCHED = 2000
_WORK = 300_000
_CLASSES = {"d": "0", "w": "x", "s": " ", "D": "x", "W": "-", "S": "x"}


def no_match(reference: Reference, names: Collection[str], aliases: Iterable[str] = ()) -> StepError:
    """The error for a reference that matches none of ``names``, which are those of its checkpoint."""
    where = f" in '{reference.alias}'" if reference.alias else ""
    message = f"'{shown(reference.text)}' matches no tensor{where}"
    if not names:
        return StepError(message, hint=like(names), span=reference.span)
    found, mend = _found_inside(reference, names)
    near = found or nearest_names(plain_text(reference), names)
    hints = [f"nearest names: {listed(near[:5])}" if near else like(names)]
    hints += [text for text in (mend, _mistaken(reference, names, aliases)) if text]
    return StepError(message, hint="; ".join(hints), span=reference.span)


def like(names: Collection[str]) -> str:
    """A hint for where no name is near: the first few of a checkpoint."""
    return f"its names are like {listed([*islice(names, 3)])}" if names else "the checkpoint has no tensors"


def nearest_names(wanted: str, names: Collection[str], limit: int = 5) -> list[str]:
    """Existing names like ``wanted``, the most alike first.

    Comparing 100,000 names letter by letter takes a minute. So names are ranked first by the words they share
    with ``wanted``, where rare words count more, and only the best few hundred are compared.
    """
    import difflib  # not on the way to the prompt

    lowered = [(name.lower(), name) for name in names]
    sharing = _sharing(_WORD.findall(wanted.lower()), lowered)
    scores: dict[str, float] = {}
    work = 0
    for word, found in sorted(sharing.items(), key=lambda item: len(item[1])):
        work += len(found)
        if work > _WORK and len(scores) >= _COMPARED:
            break  # `weight` says little about which one was meant, once rarer words have spoken
        weight = len(word) / (1 + len(found)) ** 0.5
        for name in found:
            scores[name] = scores.get(name, 0.0) + weight
    best = heapq.nsmallest(
        _COMPARED, scores, key=lambda name: (-scores[name], abs(len(name) - len(wanted)))
    )  # fmt: skip
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    ranked = []
    for place, name in enumerate(best):
        matcher.set_seq1(name)
        if len(name) < 300 and matcher.quick_ratio() >= 0.5:
            ranked.append((-matcher.ratio(), place, name))
    found = [name for ratio, _, name in heapq.nsmallest(limit, ranked) if -ratio >= 0.5]
    if not found and len(names) <= _SEARCHED:  # a short name with a letter wrong shares no part of a word
        found = difflib.get_close_matches(wanted, names, limit)
    return found


def _sharing(words: Iterable[str], lowered: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The names that hold each word; for a misspelt one, that stands in none, parts of it."""
    sharing: dict[str, list[str]] = {}
    for word in islice(dict.fromkeys(words), 12):
        sharing[word] = [name for low, name in lowered if word in low]
        if not sharing[word]:
            for start in range(min(len(word) - 2, 12)):
                part = word[start : start + 3]
                sharing[part] = [name for low, name in lowered if part in low]
    return sharing


def plain_text(reference: Reference) -> str:
    """The pattern as a name would look: regex signs gone, escapes resolved."""
    if isinstance(reference.expr, RegexExpr):
        return _plain_regex(reference.expr.text)
    parts = []
    for part in reference.expr.segments:
        if isinstance(part, Literal):
            parts.append(part.text)
        elif isinstance(part, One):
            parts.append("0")
        elif not isinstance(part, Many):
            parts.append(_plain_regex(part.regex.pattern))
    return ".".join(parts)


def _plain_regex(text: str) -> str:
    def escape(found: re.Match[str]) -> str:
        char = found[1]
        return _CLASSES.get(char, "") if char.isalnum() else char

    text = re.sub(r"\(\?(?:P<\w+>|[a-zA-Z]*:|<?[=!])", "", text)
    text = re.sub(r"(?<!\\)(?:\[[^\]]*\]|\{[^}]*\}|\.[*+?]+)", "", text)
    text = re.sub(r"(?<!\\)[*+?()|^$\[\]{}]", "", text)
    return re.sub(r"\\(.)", escape, text)


def _found_inside(reference: Reference, names: Iterable[str]) -> tuple[list[str], str | None]:
    """Names in which the regex is found, though it does not match them whole; and the mend."""
    expr = reference.expr
    if not isinstance(expr, RegexExpr):
        return [], None
    needed = needed_text(expr.regex)
    if len(needed) < 2:
        return [], None
    held = islice((name for name in names if needed in name), _SEARCHED)
    found = [*islice((name for name in held if (hit := expr.regex.search(name)) and hit[0]), 5)]
    inside = f"(?:{expr.text})" if "|" in expr.text else expr.text.removeprefix(".*").removesuffix(".*")
    return found, f"a pattern matches whole names: write .*{inside}.* for what holds it" if found else None


def _mistaken(reference: Reference, names: Collection[str], aliases: Iterable[str]) -> str | None:
    """The mend where it can be seen what else was meant."""
    expr = reference.expr
    if not isinstance(expr, RegexExpr):
        texts = [part.text for part in expr.segments if isinstance(part, Literal)]
        signs = next((text for text in texts if _SIGNS.search(text)), None)
        return f"'{signs}' is literal text here: write ~{signs} for a regex" if signs else None
    if expr.text in names:
        return f"to match '{expr.text}' itself, write {re.escape(expr.text)}"
    for alias in () if reference.alias else aliases:
        if expr.text == alias:
            return (
                f"'{alias}' is an alias: write {alias}::.*{f'::{reference.slice}' if reference.slice else ''}"
            )
        found = re.match(rf"{re.escape(alias)}(?:\\?[.:/])+(?=.)", expr.text)
        if found and not any(name.startswith(f"{alias}.") for name in names):
            return f"'{alias}' is an alias: write {alias}::{expr.text[found.end() :]}"
    return None
