"""``phlora`` and ``phlora_``: low-rank factors of weights (Vasani et al., "PHLoRA", arXiv 2509.10971)."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import TARGET
from brainsurgery_shell.declaration.kinds import Boolean, Integer, Integers, Number
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Names, Tensors
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.factorize import factors, rank_of_energy, reconstruction, require_rank
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Node, Scalar, Sequence
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Found, Match, Selection, find
from brainsurgery_shell.workspace.writes import Destination, Must, Writes


class Ranks(Integers):
    """A rank for each match."""

    def alone(self, value: tuple[int, ...], at: int) -> Node | None:
        """The rank of that match."""
        return Sequence((Scalar(value[at]),)) if at < len(value) else None


RANK = Parameter("rank", Integer(1), "the rank", required=False)
ENERGY = Parameter(
    "energy", Number(), "or the share of the squared norm to keep, which decides the rank", required=False
)
RANKS = Parameter(
    "ranks",
    Ranks("a list of ranks", least=1),
    "what energy came to, for each match in order; recorded, so that replays need not find out again",
    required=False,
)


def _require_one(name: str, rank: int | None, energy: float | None) -> None:
    if (rank is None) == (energy is None):
        fail(f"{name} takes either rank or energy", hint="rank: 64, or energy: 0.95")
    if energy is not None and not 0 < energy <= 1:
        fail(f"{name}: energy is a share, above 0 and at most 1, and not {energy}")


@operation(
    "phlora",
    Parameter("target", Tensors(), "the matrices to factorise"),
    Parameter("target_a", Names("a name or template"), "the names of A = √S·Vh"),
    Parameter("target_b", Names("a name or template"), "the names of B = U·√S"),
    RANK,
    ENERGY,
    Parameter(
        "delete_original",
        Boolean(),
        "delete the tensors, whole ones also where a slice is factorised",
        required=False,
        default=True,
    ),
    Parameter(
        "require_missing_dest", Boolean(), "whether the new names must be free", required=False, default=True
    ),
    RANKS,
    reads=True,
    examples=(
        "phlora: target: 'h\\.(\\d+)\\.w', target_a: 'h.\\1.a', target_b: 'h.\\1.b', rank: 64",
        "phlora: target: w, target_a: a, target_b: b, energy: 0.95, delete_original: false",
    ),
    selects=True,
)
def phlora(
    context: Context,
    target: Reference,
    target_a: Template,
    target_b: Template,
    rank: int | None,
    energy: float | None,
    delete_original: bool,
    require_missing_dest: bool,
    ranks: tuple[int, ...] | None,
    selection: Selection,
) -> Edit:
    """Replace matrices by the two factors of their best low-rank approximation B·A."""
    _require_one("phlora", rank, energy)
    found = find(context.workspace, target, selection)
    found.check(target_a, target_b)
    chosen = _ranks(context, found, rank, energy, ranks)
    must = Must.BE_NEW if require_missing_dest else Must.BE_ANY
    writes = Writes(context.workspace, len(found))
    for match, own in zip(found, chosen, strict=True):
        for template, factor in zip(
            (target_a, target_b), factors(match.selected(), own, match.name), strict=True
        ):
            writes.put(writes.destination(template, match), factor, must, match.name)
        if delete_original:
            writes.remove(match)
    edit = writes.edit()
    if rank is None and ranks is None:
        edit.assumed = context.checking
        edit.drawn.update({} if context.checking else {"ranks": list(chosen)})
    return edit


@operation(
    "phlora_",
    TARGET,
    RANK,
    ENERGY,
    examples=("phlora_: target: '.*_proj\\.weight', rank: 64", "phlora_: target: w, energy: 0.99"),
    selects=True,
)
def phlora_(
    context: Context, target: Reference, rank: int | None, energy: float | None, selection: Selection
) -> Edit:
    """Replace matrices by their best approximation of a lower rank. Shape and dtype stay."""
    _require_one("phlora_", rank, energy)
    found = find(context.workspace, target, selection)
    writes = Writes(context.workspace, len(found))
    for match in found:
        result = reconstruction(match.selected(), rank, energy, match.name)
        destination = Destination(match.alias, match.name, match.slice, target.span)
        writes.put(destination, result, Must.BE_ANY, match.name)
    return writes.edit()


def _ranks(
    context: Context, found: Found, rank: int | None, energy: float | None, ranks: tuple[int, ...] | None
) -> tuple[int, ...]:
    """The rank of each match: given, recorded, or what energy comes to."""
    if energy is None:
        if ranks is not None:
            fail("phlora: ranks records what energy came to, and has no place without it")
        return (rank or 1,) * len(found)
    if ranks is None:
        if not context.checking:
            context.reading(match.selected() for match in found)
        return tuple(_rank(context, match, energy) for match in found)
    if len(ranks) != len(found):
        fail(
            f"phlora: ranks has {len(ranks)} entries, '{found.reference.text}' matches {len(found)} tensors",
            hint="leave ranks out, and energy decides",
        )
    return ranks


def _rank(context: Context, match: Match, energy: float) -> int:
    """What energy comes to; while nothing may be read, the most that it can."""
    matrix = match.selected()
    if context.checking:
        require_rank(matrix, None, match.name)
        return min(matrix.shape)
    return rank_of_energy(matrix, energy, match.name, context.evaluator)
