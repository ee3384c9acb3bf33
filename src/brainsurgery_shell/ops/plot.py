"""``plot``."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice, Integer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import StepError, did_you_mean, fail
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.ops.drawing import KINDS, Drawing, announce, drawing, obstacle
from brainsurgery_shell.views.page import Page
from brainsurgery_shell.views.text import visible
from brainsurgery_shell.workspace.edit import Report
from brainsurgery_shell.workspace.matching import Match, Selection, find

_MOST = 12
"""Curves that can be told apart in one picture."""

_FORMATS = ("png", "svg", "pdf")


@operation(
    "plot",
    Parameter("target", Tensors(), "the tensors, each a curve"),
    Parameter("kind", Choice(KINDS), "of what", required=False, default="histogram"),
    Parameter("bins", Integer(1), "parts of a histogram", required=False, default=80),
    examples=("plot: h.0.attn.weight", "plot: target: '.*\\.attn\\.weight', kind: spectrum"),
    selects=True,
    in_plans=False,
    inspects=True,
    reads=True,
)
def plot(context: Context, target: Reference, kind: str, bins: int, selection: Selection) -> Report:
    """Draw histograms or singular values: into a picture with ``> FILE.png``, else into the terminal."""
    found = find(context.workspace, target, selection).matches
    obstacles = [obstacle(match.selected(), kind) for match in found]
    wanted = [match for match, each in zip(found, obstacles, strict=True) if each is None]
    first = next((each for each in obstacles if each is not None), None)
    if not wanted and first is not None:
        raise StepError(f"'{found[0].name}': {first.message}", hint=first.hint, span=target.span)
    if len(wanted) > _MOST:
        fail(
            f"{len(wanted)} tensors are too many for one picture: at most {_MOST} can be told apart",
            hint="narrow the pattern",
            span=target.span,
        )
    announce(context, [match.selected() for match in wanted], kind)
    named = [(f"{match.alias}::{match.name}", _drawn(context, match, kind, bins)) for match in wanted]
    data = [{"name": name, kind: each.data} for name, each in named]
    report = Report.drawn(partial(_lines, named), data, len(found))
    return Report(report.lines, data, len(found), draw=report.draw, image=partial(_picture, named, kind))


def _drawn(context: Context, match: Match, kind: str, bins: int) -> Drawing:
    try:
        return drawing(context, match.selected(), kind, bins)
    except StepError as error:
        raise StepError(f"'{match.name}': {error.message}", hint=error.hint) from error


def _lines(named: Sequence[tuple[str, Drawing]], page: Page) -> list[str]:
    columns = 60
    return [line for name, each in named for line in (visible(name), *each.lines(columns, page, 2))]


def _picture(named: Sequence[tuple[str, Drawing]], kind: str, suffix: str) -> bytes:
    """The curves as a picture; the same numbers give the same bytes."""
    form = suffix.removeprefix(".").lower() or _FORMATS[0]
    if form not in _FORMATS:
        fail(
            f"'{suffix}' is no kind of picture: expected .{', .'.join(_FORMATS)}",
            hint=did_you_mean(form, _FORMATS),
        )
    matplotlib = _matplotlib("matplotlib")
    figure = _matplotlib("matplotlib.figure").Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    handles = [(_step if kind == "histogram" else _curve)(axes, each) for _, each in named]
    axes.set_xlabel("value" if kind == "histogram" else "number")
    axes.set_ylabel("elements" if kind == "histogram" else "singular value")
    if kind == "spectrum" and all(each.values[0] > 0 for _, each in named):
        axes.set_yscale("log")
    labels = [_label(name) for name, _ in named]
    if len(labels) == 1:
        axes.set_title(labels[0], fontsize="medium")
    else:
        axes.legend(handles, labels, fontsize="x-small")
    stamp = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
    out = io.BytesIO()
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.hashsalt": "brainsurgery"}):
        warnings.simplefilter("ignore")  # of letters in names that its font does not have
        figure.savefig(out, format=form, dpi=150, metadata=stamp)
    return out.getvalue()


def _step(axes: Any, each: Drawing) -> Any:
    count = len(each.values)
    edges = [each.left + (each.right - each.left) * at / count for at in range(count + 1)]
    return axes.stairs(each.values, edges, fill=False)


def _curve(axes: Any, each: Drawing) -> Any:
    return axes.plot(range(1, len(each.values) + 1), each.values)[0]


def _label(name: str) -> str:
    """A name as text: no formula, and never hidden, as what begins with an underscore is."""
    return f" {visible(name)}".replace("$", r"\$")


def _matplotlib(module: str) -> Any:
    """A module of matplotlib, which need not be installed, and is slow to import."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise StepError(
            "pictures are made by matplotlib, which is not installed",
            hint="pip install 'brainsurgery-shell[plot]'; without '> FILE', plot draws into the terminal",
        ) from error
