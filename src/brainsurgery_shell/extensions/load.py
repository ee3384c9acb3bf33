"""Loading the operations of users, file by file: a broken one is reported and left out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from brainsurgery_shell import assertions, ops
from brainsurgery_shell.declaration.expansion import Expansion
from brainsurgery_shell.declaration.kinds import Kind
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation, Parameter
from brainsurgery_shell.errors import fail
from brainsurgery_shell.extensions.blame import Blame, place, said
from brainsurgery_shell.extensions.sources import UserCode, find_user_code
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.names import is_name
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.workspace.edit import Edit, Report

_REGISTRIES = (OPERATIONS, EXPRESSIONS)
_modules: list[str] = []
"""What was put into ``sys.modules`` by the last load."""


def load_user_operations(folders: Sequence[Path], warn: Callable[[str], None]) -> None:
    """Make the registries hold what is built in and what users bring, and nothing else.

    Called once by each command line, before a session is made; ``folders`` are those of ``--ops-dir``.
    What cannot be loaded is told to ``warn``, by file and line, and the rest works.

    Raises:
        UsageError: a folder cannot be read.
    """
    forget_user_operations()
    found = find_user_code(folders)
    if not found:
        return
    ops.load_all()  # all that is built in comes first: its names are taken
    assertions.load_all()
    for code in found:
        try:
            _load(code)
        except (Exception, SystemExit) as error:
            where = place(error, code)
            warn(f"{where}: {said(error)}; its operations are left out")
            for registry in _REGISTRIES:
                registry.left_out.append(where)


def forget_user_operations() -> None:
    """Take everything that users brought out of the registries."""
    for registry in _REGISTRIES:
        registry.forget_users()
    _unload(_modules)
    _modules.clear()


def _load(code: UserCode) -> None:
    """Execute one piece of code; if it fails, nothing that it did to the registries or modules stays."""
    before = set(sys.modules)
    try:
        with (
            OPERATIONS.declaring(lambda each: _adapted(each, code, _operation_problem)) as operations,
            EXPRESSIONS.declaring(lambda each: _adapted(each, code, _expression_problem)) as expressions,
        ):
            code.execute()
        if not operations and not expressions and any(map(code.owns_module, sys.modules.keys() - before)):
            fail("it declares no operation (files whose name begins with _ are not looked at)")
    except BaseException:
        _unload([name for name in sys.modules.keys() - before if code.owns_module(name)])
        raise
    _modules.extend(name for name in sys.modules.keys() - before if code.owns_module(name))


def _unload(modules: Sequence[str]) -> None:
    for name in modules:
        sys.modules.pop(name, None)


def _adapted(operation: Operation, code: UserCode, problem: Callable[[object], str | None]) -> Operation:
    """``operation`` with the checks that code of ours does not need."""
    _check(operation)
    blame = Blame(operation.name, code)

    def run(*args: object, **arguments: object) -> object:
        result = blame.call(operation.run, *args, **arguments)
        found = problem(result)
        if found is not None:
            raise blame.wrong(found)
        if isinstance(result, Edit):
            result.checks = [blame.wrap(check) for check in result.checks]
        return result

    return replace(operation, run=run, origin=code.shown)  # type: ignore[arg-type]


def _check(operation: Operation) -> None:
    """Fail on a declaration that could not be used."""
    if not is_name(operation.name):
        fail(f"'{operation.name}' cannot name an operation: letters, digits, _ and -")
    names = [each.name for each in operation.parameters]
    for parameter in operation.parameters:
        if not isinstance(parameter, Parameter) or not isinstance(parameter.kind, Kind):
            fail(f"{operation.name}: a parameter is declared as Parameter('name', Kind(), 'what it is')")
        if not is_name(parameter.name) or names.count(parameter.name) > 1:
            fail(f"{operation.name}: '{parameter.name}' cannot name a parameter, or names two")
    if operation.primary is not None and operation.primary not in names:
        fail(f"{operation.name}: the primary parameter '{operation.primary}' is not declared")
    for example in operation.examples:
        parse_line(example)


def _operation_problem(result: object) -> str | None:
    if isinstance(result, Edit):
        tensors = [each for named in result.tensors.values() for each in named.values()]
        odd = next((each for each in tensors if not isinstance(each, LazyTensor | None)), None)
        return None if odd is None else f"it makes {type(odd).__name__} where a lazy tensor is expected"
    if result is None or isinstance(result, Report | Expansion):
        return None
    return f"it returned {type(result).__name__}; expected an Edit, a Report or None"


def _expression_problem(result: object) -> str | None:
    if result is None or isinstance(result, str):
        return None
    return f"it returned {type(result).__name__}; expected None if it holds, else the problem as a string"
