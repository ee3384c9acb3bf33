"""The JSON Schema (2020-12) of plans, from the declarations alone: for editors, and for checks without us."""

from __future__ import annotations

import json
from typing import Any

from brainsurgery_shell import messages
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation, Parameter
from brainsurgery_shell.describe import load_declarations, summary
from brainsurgery_shell.errors import UsageError
from brainsurgery_shell.extensions.load import load_user_operations
from brainsurgery_shell.options import parse_options
from brainsurgery_shell.session.plan_fields import KEYS, OUTPUT, OUTPUT_KEYS

Schema = dict[str, Any]

_PATHS = "a path, or alias::path"
_FORMS = {"type": ["string", "null"], "description": _PATHS}


def show_schema(arguments: list[str]) -> int:
    """Print the schema; the return value is the exit status.

    Raises:
        UsageError: there are arguments other than options.
    """
    options = parse_options(arguments)
    if options.checkpoints or options.plans or options.scripts:
        raise UsageError("schema takes no files: it is the same for every plan")
    load_user_operations(options.ops_dirs, messages.warn)
    print(json.dumps(plan_schema(), indent=2, ensure_ascii=False))
    return 0


def plan_schema() -> Schema:
    """The schema of a plan, with a definition for each operation and expression."""
    load_declarations()
    operations = [each for each in OPERATIONS.all() if each.in_plans]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A plan of Brainsurgery Shell",
        "anyOf": [{"$ref": "#/$defs/plan"}, {"$ref": "#/$defs/transforms"}],
        "$defs": {
            "plan": _plan(operations),
            "transforms": {
                "description": "the steps, in order",
                "type": "array",
                "items": {"$ref": "#/$defs/step"},
            },
            "step": {
                "anyOf": [
                    {"type": "string", "description": "a line of OLY"},
                    {"$ref": "#/$defs/operation"},
                ]
            },
            "operation": _one_of("operations", operations),
            "expression": _one_of("expressions", EXPRESSIONS.all()),
            "operations": {each.name: _payload(each) for each in operations},
            "expressions": {each.name: _payload(each) for each in EXPRESSIONS.all()},
        },
    }


def _plan(operations: list[Operation]) -> Schema:
    steps = {each.name: {"$ref": f"#/$defs/operations/{each.name}"} for each in operations}
    return {
        "type": "object",
        "properties": {
            "inputs": {
                "description": "the checkpoints to open",
                "anyOf": [_FORMS, {"type": "array", "items": {"type": "string", "description": _PATHS}}],
            },
            "input": _FORMS,
            "transforms": {"anyOf": [{"$ref": "#/$defs/transforms"}, {"type": "null"}]},
            "output": _output(),
            "requires": {
                "description": "aliases with the fingerprints that their inputs must have",
                "type": ["object", "null"],
                "additionalProperties": {"type": "string"},
            },
            **steps,
        },
        "additionalProperties": False,
        "minProperties": 1,
        "not": {"required": ["inputs", "input"]},
        # a plan with transforms has no steps beside them
        "if": {"required": ["transforms"]},
        "then": {"propertyNames": {"enum": list(KEYS)}},
    }


def _output() -> Schema:
    save = OPERATIONS.get(OUTPUT)
    parameters = [each for each in (save.parameters if save is not None else ()) if each.name in OUTPUT_KEYS]
    fields = {
        each.name: _parameter(each) if each.required else {"anyOf": [{"type": "null"}, _parameter(each)]}
        for each in parameters
    }
    return {
        "description": "where the result is written",
        "anyOf": [
            {"type": ["string", "null"]},
            {
                "type": "object",
                "properties": fields,
                "additionalProperties": False,
                "required": [each.name for each in parameters if each.required],
            },
        ],
    }


def _one_of(where: str, declared: Any) -> Schema:
    """A map with one key."""
    return {
        "type": "object",
        "properties": {each.name: {"$ref": f"#/$defs/{where}/{each.name}"} for each in declared},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _payload(declared: Operation) -> Schema:
    """What may follow a name: a map of parameters, the primary one's value alone, or nothing."""
    forms: list[Schema] = [_parameters(declared)]
    required = [each for each in declared.parameters if each.required]
    primary = declared.parameter(declared.primary) if declared.primary else None
    if primary is not None and all(each is primary for each in required):
        forms.append(_parameter(primary))
    if not required:
        forms.append({"type": "null"})
    return {"description": summary(declared), "anyOf": forms}


def _parameters(declared: Operation) -> Schema:
    spellings = {each.name: (each.name, *each.aka) for each in declared.parameters}
    schema: Schema = {
        "type": "object",
        "properties": {
            name: _parameter(each) for each in declared.parameters for name in spellings[each.name]
        },
        "additionalProperties": False,
    }
    required = [each.name for each in declared.parameters if each.required and not each.aka]
    if required:
        schema["required"] = required
    rules = [_one_spelling(spellings[each.name], each.required) for each in declared.parameters if each.aka]
    return schema | ({"allOf": rules} if rules else {})


def _one_spelling(names: tuple[str, ...], required: bool) -> Schema:
    """A parameter is given once, however it is spelled."""
    given: list[Schema] = [{"required": [name]} for name in names]
    if required:
        return {"oneOf": given}
    return {"oneOf": [*given, {"not": {"anyOf": given}}]}


def _parameter(parameter: Parameter) -> Schema:
    words = parameter.kind.words
    about = parameter.about if words in parameter.about else f"{parameter.about}: {words}"
    schema = {"description": about, **parameter.kind.schema()}
    if isinstance(parameter.default, (str, bool)):
        schema["default"] = parameter.default
    return schema
