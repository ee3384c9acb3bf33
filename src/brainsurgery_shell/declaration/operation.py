"""Operations and their parameters as they are declared, and the registry that finds them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from brainsurgery_shell.declaration.expansion import Expansion
from brainsurgery_shell.declaration.kinds import Count, Kind, Number
from brainsurgery_shell.declaration.references import Conditions, Tensors
from brainsurgery_shell.errors import InternalError, did_you_mean, fail, listed
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.workspace.edit import Edit, Report
from brainsurgery_shell.workspace.matching import Selection, Where

Result: TypeAlias = Edit | Report | Expansion | None
Run = Callable[..., Result]
"""``run(context, **arguments)``; parameters that are left out and have no default are not passed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    kind: Kind
    about: str
    """A phrase for help."""
    required: bool = True
    default: Any = None
    whole_payload: bool = False
    """Whether it takes the command's payload as it stands, a map included (an assertion's expression)."""
    aka: tuple[str, ...] = ()
    """Other spellings that are understood."""

    @property
    def argument(self) -> str:
        """Its name as an argument of the operation's function."""
        name = self.name.replace("-", "_")
        return f"{name}_" if name in _KEYWORDS else name


_KEYWORDS = {"from", "except", "is", "assert", "all", "format", "not"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: all that validation, help, completion and plans know of it."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    run: Run
    examples: tuple[str, ...] = ()
    primary: str | None = None
    in_plans: bool = True
    inspects: bool = False
    """Whether it changes nothing (dump, diff, help): summaries leave it out."""
    together: bool = False
    """Whether its matches belong together (renumber): a summary of concrete names keeps its pattern."""
    recorded: bool = True
    """Whether the journal and summaries hold it (``exit`` and ``set`` are settings of the moment)."""
    reads: bool = False
    """Whether the step itself may read data, and not only the save after it. It must then have no effects."""
    replays: bool = True
    """Whether a resumed session runs it again (``save`` does not)."""
    aka: tuple[str, ...] = ()
    """What people who know other tools might call it: not understood, but answered with its name."""
    origin: str | None = None
    """The file or package of a user that declares it; ``None``: it is built in."""

    def parameter(self, name: str) -> Parameter | None:
        """The parameter with that name."""
        return next((each for each in self.parameters if name == each.name or name in each.aka), None)

    @property
    def reference(self) -> Parameter | None:
        """The first parameter that is matched."""
        return next((each for each in self.parameters if isinstance(each.kind, Tensors)), None)


EXCEPT = Parameter("except", Tensors(), "tensors to leave out", required=False)
EPS = Parameter("eps", Number(0), "absolute tolerance", required=False, default=0)
WHERE = Parameter("where", Conditions(), "only tensors of that dtype, rank or size", required=False)
EXPECT = Parameter("expect", Count(0), "how many tensors must match", required=False)
SELECTION = (EXCEPT, WHERE, EXPECT)
"""The parameters of every operation that matches by pattern."""


class Registry:
    """Declared things by name."""

    def __init__(self, what: str) -> None:
        self._what = what
        """What an entry is called in messages."""
        self._known: dict[str, Operation] = {}
        self._adapt: Callable[[Operation], Operation] | None = None
        self.left_out: list[str] = []
        """Files of users that were to declare more and could not be loaded."""

    def add(self, operation: Operation) -> None:
        """Declare one.

        Raises:
            InternalError: the name is taken.
        """
        other = self._known.get(operation.name)
        if other is not None:
            whose = "built in" if other.origin is None else f"declared in {other.origin}"
            raise InternalError(f"the {self._what} '{operation.name}' exists already: it is {whose}")
        self._known[operation.name] = operation if self._adapt is None else self._adapt(operation)

    @contextmanager
    def declaring(self, adapt: Callable[[Operation], Operation]) -> Iterator[list[str]]:
        """Within it, what is declared first goes through ``adapt``; an exception takes all of it back.

        The names that were declared are in the list at the end.
        """
        before = dict(self._known)
        names: list[str] = []
        self._adapt = adapt
        try:
            yield names
            names += self._known.keys() - before.keys()
        except BaseException:
            self._known = before
            raise
        finally:
            self._adapt = None

    def forget_users(self) -> None:
        """Back to what is built in."""
        self._known = {name: each for name, each in self._known.items() if each.origin is None}
        self.left_out.clear()

    def get(self, name: str) -> Operation | None:
        """The operation with that name."""
        return self._known.get(name)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._known)

    def all(self) -> Iterable[Operation]:
        """All of them, by name."""
        return [self._known[name] for name in self.names()]

    def hint(self, name: str, otherwise: str) -> str:
        """For a name that is unknown: the nearest one, else ``otherwise``."""
        known = {each: each for each in self._known}
        known |= {also: each.name for each in self._known.values() for also in each.aka}
        meant = known.get(name.lower())
        near = f"did you mean '{meant}'?" if meant else did_you_mean(name.lower(), self._known)
        return self.noted(near or otherwise)

    def noted(self, hint: str) -> str:
        """``hint``, with the files that might have declared what is missed."""
        return f"{hint}; not loaded: {listed(self.left_out)}" if self.left_out else hint


OPERATIONS = Registry("operation")
EXPRESSIONS = Registry("expression")


def operation(
    name: str,
    *parameters: Parameter,
    examples: tuple[str, ...] = (),
    primary: str | None = None,
    selects: bool = False,
    counts: bool = True,
    registry: Registry = OPERATIONS,
    **flags: Any,
) -> Callable[[Run], Run]:
    """Declare the decorated function as an operation; its docstring's first paragraph is the summary.

    ``selects`` adds ``except``, ``where`` and ``expect``; other operations get ``expect`` too, for the number
    of tensors that they report, unless ``counts`` is false. The primary parameter is the first unless named.
    """

    def declare(run: Run) -> Run:
        declared = (*parameters, *(SELECTION if selects else ()))
        if selects:
            run = selecting(run)
        elif counts:
            declared, run = (*declared, EXPECT), _counting(name, run)
        chosen = primary if primary is not None else (parameters[0].name if parameters else None)
        summary = summary_of(run)
        registry.add(Operation(name, summary, declared, run, examples, chosen, **flags))
        return run

    return declare


def selecting(run: Run) -> Run:
    """``run``, with the arguments ``except``, ``where`` and ``expect`` as one: ``selection``."""

    @functools.wraps(run)
    def selected(
        context: object,
        *,
        except_: Reference | None,
        where: Where | None,
        expect: int | None,
        **arguments: Any,
    ) -> Result:
        return run(context, selection=Selection(except_, where, expect), **arguments)

    return selected


def _counting(name: str, run: Run) -> Run:
    """``run``, with ``expect`` held against the number of tensors that it reports."""

    @functools.wraps(run)
    def counted(context: object, expect: int | None, **arguments: Any) -> Result:
        result = run(context, **arguments)
        count = result.count if isinstance(result, (Edit, Report)) else 0
        if expect is not None and count != expect:
            fail(f"{name}: expected {expect} tensors, found {count}")
        return result

    return counted


def summary_of(function: Callable[..., Any]) -> str:
    """The first paragraph of a docstring on one line."""
    if function.__doc__ is None:
        raise InternalError(f"{function.__name__} needs a docstring")
    return " ".join(function.__doc__.split("\n\n")[0].split())
