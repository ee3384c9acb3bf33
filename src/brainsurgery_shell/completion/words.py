"""Keys and commands: what they take in a few words, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsurgery_shell.completion.candidates import Candidate, going_on
from brainsurgery_shell.completion.here import Here
from brainsurgery_shell.completion.scope import Scope
from brainsurgery_shell.declaration.kind import Kind
from brainsurgery_shell.declaration.kinds import Boolean, Choice, DTypeKind, Size
from brainsurgery_shell.declaration.offers import Offer
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation, Parameter, Registry
from brainsurgery_shell.describe import summary
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.tokens import Place

_WORD_WITH_COLON = re.compile(r"[A-Za-z0-9_-]*[ \t]*:")
_EXPLAINED = re.compile(r",? (?:such as|as in)\b.*|, each .*| \(.*")


def commands(here: Here) -> Iterator[Candidate]:
    """Operations, with their summaries."""
    for offer in going_on(declared(OPERATIONS), here.position.text):
        operation = OPERATIONS.get(offer.text)
        needs = operation is not None and any(each.required for each in operation.parameters)
        insert = key(here, offer.text) if needs else offer.text
        yield here.pen.plain(insert, offer.text, offer.about, final=True)


def keys(here: Here, scope: Scope, used: tuple[str, ...] = (), opening: str = "") -> Iterator[Candidate]:
    """Keys of the map here; ``opening`` is what is still to be written before them."""
    if (
        here.position.place is Place.KEY
        and here.before[: here.position.start].rstrip(scan.BLANKS)[-1:] not in "{,"
    ):
        yield from behind_name(here)  # a word without its colon
        return
    if here.before.endswith(","):
        opening = f" {opening}"
    for offer in going_on(_known(here, scope, used), here.position.text):
        yield here.pen.plain(opening + key(here, offer.text), offer.text, offer.about, final=True)


def key(here: Here, name: str) -> str:
    """A key with its colon, unless that stands behind the cursor already."""
    return name if _WORD_WITH_COLON.match(here.after) else f"{name}: "


def declared(registry: Registry, *, in_plans: bool = False) -> list[Offer]:
    """All that is declared, with summaries."""
    return [
        Offer(each.name, summary(each), also=each.aka)
        for each in registry.all()
        if each.in_plans or not in_plans
    ]


def free(owner: Operation, used: tuple[str, ...]) -> list[Parameter]:
    """Parameters that are not given yet, required ones first."""
    taken = {parameter.name for each in used if (parameter := owner.parameter(each)) is not None}
    known = [each for each in owner.parameters if each.name not in taken]
    return sorted(known, key=lambda each: not each.required)


def _known(here: Here, scope: Scope, used: tuple[str, ...]) -> list[Offer]:
    """The keys that a map may still get, with what they are."""
    if scope.takes_expression:
        return [] if used else declared(EXPRESSIONS)
    if scope.is_step:
        return [] if used else declared(OPERATIONS, in_plans=scope.of_plan)
    if scope.owner is not None:
        if scope.takes_step:
            if any(OPERATIONS.get(each) for each in used):
                return []  # the payload is the step
            if not used:
                return [
                    *declared(OPERATIONS),
                    *(Offer(each.name, told(each)) for each in free(scope.owner, ())),
                ]
        return [Offer(each.name, told(each), also=each.aka) for each in free(scope.owner, used)]
    if scope.kind is None:
        return []
    return [each for each in scope.kind.keys(here.asked()) if each.text not in used]


def told(parameter: Parameter) -> str:
    """What a parameter takes, whether it must be given, what it is."""
    default = default_of(parameter)
    needed = "required" if parameter.required else f"default {default}" if default else "optional"
    words = short(parameter.kind)
    about = "" if words == parameter.about else f": {parameter.about}"
    return f"{needed}, {words}{about}"


def short(kind: Kind) -> str:
    """What a kind takes, without explanations."""
    return _EXPLAINED.sub("", kind.words)


def default_of(parameter: Parameter) -> str:
    """A parameter's default as it would be written; empty if it has none that says something."""
    default, kind = parameter.default, parameter.kind
    if parameter.required or isinstance(kind, Size):
        return ""
    if isinstance(kind, Boolean) and isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(kind, Choice) and isinstance(default, str):
        return default
    if isinstance(default, bool) or default is None:
        return ""
    return str(default) if isinstance(default, int | float) or isinstance(kind, DTypeKind) else ""


def behind_value(here: Here) -> Iterator[Candidate]:
    """Behind a complete value: a comma and the next key, or what closes the map or list around it."""
    blanks = len(here.before) - len(here.before.rstrip(scan.BLANKS))
    frames = here.position.frames
    if here.position.raw:
        return
    if frames and frames[-1] == "[":
        yield Candidate(", ", blanks, ",", "another item")
        yield Candidate("]", blanks, "]", "the list is complete", final=True)
    elif frames:
        offers = _known(here, here.scope, here.used)
        for offer in offers:
            yield Candidate(f", {offer.text}: ", blanks, f", {offer.text}", offer.about, final=True)
        if frames[-1] == "{":
            yield Candidate(" }", blanks, "}", "the map is complete", final=True)
    elif here.scope.owner is not None and here.scope.owner.parameter(_last_word(here.before)) is not None:
        yield Candidate(": ", blanks, ":", "its value", final=True)
    yield from redirects(here)


def _last_word(text: str) -> str:
    return text.rpartition(":")[2].strip(scan.BLANKS)


def behind_name(here: Here) -> Iterator[Candidate]:
    """Behind a command's name and a blank: its colon, with the first key."""
    blanks = len(here.before) - len(here.before.rstrip(scan.BLANKS))
    if here.position.raw:
        return
    if here.position.frames:
        yield Candidate(": ", blanks, ":", "its value", final=True)
        return
    owner = OPERATIONS.get(here.position.command or "")
    for offer in _known(here, Scope(owner), ()) if owner is not None else ():
        yield Candidate(f": {offer.text}: ", blanks, f": {offer.text}", offer.about, final=True)
    yield from redirects(here)


def redirects(here: Here) -> Iterator[Candidate]:
    """Where what a command prints may go, if it is one that prints and nothing is missing."""
    owner = OPERATIONS.get(here.position.command or "")
    if owner is None or not owner.inspects or any(each in ("[", "{") for each in here.position.frames):
        return
    if any(each.required for each in free(owner, here.position.used)) or not here.before.endswith(" "):
        return
    yield here.pen.plain("> ", ">", "what it prints into a file")
    yield here.pen.plain(">> ", ">>", "to the end of a file")
    yield here.pen.plain("| ", "|", "to a program")
