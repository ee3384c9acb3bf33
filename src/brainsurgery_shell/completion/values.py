"""Values: what their kind says may stand there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from brainsurgery_shell.completion.candidates import Candidate, going_on, note
from brainsurgery_shell.completion.facts import tensors
from brainsurgery_shell.completion.here import Here
from brainsurgery_shell.completion.paths import paths
from brainsurgery_shell.completion.scope import Scope, primary_of
from brainsurgery_shell.completion.segments import segments
from brainsurgery_shell.completion.tensors import references, templates
from brainsurgery_shell.completion.words import declared, default_of, keys, short
from brainsurgery_shell.declaration.kind import Kind
from brainsurgery_shell.declaration.offers import Offer
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation, Parameter
from brainsurgery_shell.declaration.references import Names, Tensors
from brainsurgery_shell.describe import topic_names

Complete = Callable[[str], list[Candidate]]
"""Completes another line, within this one."""


def payload(here: Here, complete: Complete) -> Iterator[Candidate]:
    """Behind the command's colon: its parameters, and values of the primary one."""
    owner = here.scope.owner
    if here.position.quote == "" and "::" not in here.position.text:
        yield from keys(here, here.scope, here.used)
    if owner is not None:
        yield from _bare(here, owner, complete)


def values(here: Here, scope: Scope, complete: Complete) -> Iterator[Candidate]:
    """Values at one place; a note of what is expected if nothing can be offered."""
    raw = here.position.raw
    if scope.is_map and (not raw or raw.isidentifier()):
        yield from keys(here, scope, opening="{ ")
    if scope.owner is not None:
        yield from _bare(here, scope.owner, complete)
    elif scope.is_step:
        yield from _line(here, complete)
    elif scope.segment and scope.kind is not None:
        template = scope.kind.completes != "tensors"
        yield from segments(here.pen, here.session.workspace, here.around, here.source, template=template)
    elif scope.kind is not None:
        yield from _with_openings(here, scope, scope.kind)


def _with_openings(here: Here, scope: Scope, kind: Kind) -> Iterator[Candidate]:
    """Values of one kind, and the bracket or brace of one that is a list or map."""
    found = list(_of_kind(here, kind, scope.parameter))
    yield from found
    if here.position.raw:
        return
    if scope.is_map and not found and not scope.takes_expression and not list(kind.keys(here.asked())):
        yield here.pen.plain("{ ", "{", short(kind))
    if scope.takes_list:
        segments = isinstance(kind, Tensors | Names)
        yield here.pen.plain("[", "[", "a list of segments" if segments else short(kind), variant=bool(found))
    elif not found and not scope.is_map:
        yield _expected(kind, scope.parameter)


def _bare(here: Here, owner: Operation, complete: Complete) -> Iterator[Candidate]:
    """Values of the primary parameter, where one can be the whole payload: nothing else is required."""
    primary = primary_of(owner)
    if primary is None or (primary.whole_payload and primary.kind.completes != "step"):
        return
    if not any(each.required for each in owner.parameters if each is not primary):
        scope = Scope(kind=primary.kind, parameter=primary)
        yield from _line(here, complete) if scope.is_step else values(here, scope, complete)


def _of_kind(here: Here, kind: Kind, parameter: Parameter | None) -> Iterator[Candidate]:
    """Values of one kind. What is inside a list or map is completed once its bracket stands."""
    workspace, pen = here.session.workspace, here.pen
    scope = Scope(kind=kind)
    if (scope.takes_list or scope.is_map) and (scope.lists_references or kind.completes == "nothing"):
        yield from _offers(here, list(kind.offers(here.asked())))
    elif scope.takes_list and kind.schema().get("type") == "array":
        return
    elif kind.completes in ("tensors", "captures", "names"):
        matched = kind.completes == "tensors" and not (here.source is not None and here.in_map_of_references)
        yield from references(pen, workspace) if matched else templates(pen, workspace, here.source)
    elif kind.completes == "aliases":
        known = [Offer(each, tensors(len(of.tensors))) for each, of in workspace.checkpoints.items()]
        yield from _offers(here, known)
    elif kind.completes == "paths":
        yield from paths(pen, here.session.folder)
    elif kind.completes == "topics":
        yield from _offers(here, _topics())
    elif kind.completes == "expressions" and not scope.takes_expression:
        yield from _offers(here, declared(EXPRESSIONS))
    elif kind.completes not in ("steps", "expressions"):
        yield from _offers(here, _with_default(list(kind.offers(here.asked())), parameter))


def _offers(here: Here, offers: list[Offer]) -> Iterator[Candidate]:
    """What a kind offers, as it is written here. Without quotes means: not if one is open."""
    for offer in going_on(offers, here.position.text):
        shown = offer.shown or offer.text
        if not offer.literal:
            yield here.pen.value(offer.text, shown, offer.about, final=offer.final)
        elif not here.position.quote:
            yield here.pen.plain(offer.text, shown, offer.about, final=offer.final)


def _with_default(offers: list[Offer], parameter: Parameter | None) -> list[Offer]:
    """The offers; what is taken if the parameter is left out says so."""
    default = default_of(parameter) if parameter is not None else ""
    if not default:
        return offers
    said = [
        Offer(each.text, f"{each.about}, default".removeprefix(", "), each.shown, each.final, each.literal)
        if each.text == default
        else each
        for each in offers
    ]
    known = any(each.text == default for each in offers)
    return said if known else [Offer(default, "default", literal=True), *said]


def _topics() -> list[Offer]:
    """What ``help`` explains: operations, topics, expressions."""
    topics = [Offer(name, "a topic") for name in topic_names()]
    known: dict[str, Offer] = {}
    for each in (*declared(OPERATIONS), *topics, *declared(EXPRESSIONS)):
        known.setdefault(each.text, each)
    return list(known.values())


def _line(here: Here, complete: Complete) -> Iterator[Candidate]:
    """A string that is a line of its own."""
    if here.position.quote:
        for each in complete(here.position.text):
            if each.is_note:
                yield note(each.display, each.meta)
            else:
                line = each.applied(here.position.text, len(here.position.text))
                yield here.pen.value(line, each.display, each.meta, final=False)


def _expected(kind: Kind, parameter: Parameter | None) -> Candidate:
    """The note of what is expected."""
    words = short(kind)
    about = parameter.about if parameter is not None and parameter.about != words else ""
    return note(words, about)
