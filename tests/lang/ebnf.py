"""Executes a grammar in W3C notation. It shares nothing with the parser, so that the two can disagree."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

Ends = frozenset[int]
Matcher = Callable[["Recogniser", str, int], Ends]

_TOKEN = re.compile(
    r"(?P<skip>\s+|/\*.*?\*/)|(?P<rule>[A-Za-z_]\w*)\s*::=|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<chars>\[\^?[^\]]*\])|(?P<code>#x[0-9A-Fa-f]+)|(?P<sign>[()|?*+-])",
    re.DOTALL,
)
_CHAR = re.compile(r"#x(?P<code>[0-9A-Fa-f]+)|(?P<char>.)", re.DOTALL)


class Recogniser:
    """A grammar; ``matches`` says whether a rule matches the whole of a text."""

    def __init__(self, grammar: str) -> None:
        self.productions = {name: _normal(body) for name, body in _rules(grammar)}
        self.references: set[str] = set()
        self._matchers = {name: _Compiler(self, body).all() for name, body in self.productions.items()}
        self._memo: dict[tuple[str, int], Ends] = {}

    def matches(self, rule: str, text: str) -> bool:
        self._memo = {}
        return len(text) in self.ends(rule, text, 0)

    def ends(self, rule: str, text: str, start: int) -> Ends:
        key = rule, start
        if key not in self._memo:
            self._memo[key] = self._matchers[rule](self, text, start)
        return self._memo[key]

    @classmethod
    def load(cls, path: Path) -> Recogniser:
        return cls(path.read_text(encoding="utf-8"))


def _tokens(source: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        assert match is not None, f"no token at {source[position : position + 20]!r}"
        assert match.lastgroup is not None
        if match.lastgroup != "skip":
            found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


def _rules(grammar: str) -> list[tuple[str, str]]:
    rules: list[tuple[str, list[str]]] = []
    for kind, text in _tokens(grammar):
        if kind == "rule":
            assert text not in dict(rules), f"rule {text} stands twice"
            rules.append((text, []))
        else:
            rules[-1][1].append(text)
    return [(name, " ".join(body)) for name, body in rules]


def _normal(body: str) -> str:
    return " ".join(text for _, text in _tokens(body))


def productions_in(text: str) -> dict[str, str]:
    """The productions that a docstring quotes: ``rule ::= …``, each on a line of its own."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"\s*\w+ ::= ", line)]
    return {line.split(" ::= ")[0]: _normal(line.split(" ::= ", 1)[1]) for line in lines}


class _Compiler:
    """Makes a function of an expression: from a start to all the ends that it can reach."""

    def __init__(self, owner: Recogniser, body: str) -> None:
        self.owner, self.rest = owner, _tokens(body)[::-1]

    def all(self) -> Matcher:
        matcher = self.choice()
        assert not self.rest, f"left over: {self.rest[::-1]}"
        return matcher

    def peek(self) -> str:
        return self.rest[-1][1] if self.rest and self.rest[-1][0] == "sign" else ""

    def choice(self) -> Matcher:
        options = [self.sequence()]
        while self.peek() == "|":
            self.rest.pop()
            options.append(self.sequence())
        return lambda own, text, at: frozenset().union(*[option(own, text, at) for option in options])

    def sequence(self) -> Matcher:
        parts: list[Matcher] = []
        while self.rest and self.peek() not in ("|", ")"):
            parts.append(self.difference())

        def run(own: Recogniser, text: str, at: int) -> Ends:
            ends = frozenset([at])
            for part in parts:
                ends = frozenset(end for start in ends for end in part(own, text, start))
            return ends

        return run

    def difference(self) -> Matcher:
        left = self.repeated()
        if self.peek() != "-":
            return left
        self.rest.pop()
        right = self.repeated()
        return lambda own, text, at: left(own, text, at) - right(own, text, at)

    def repeated(self) -> Matcher:
        inner = self.atom()
        if self.peek() not in ("?", "*", "+"):
            return inner
        sign = self.rest.pop()[1]

        def run(own: Recogniser, text: str, at: int) -> Ends:
            reached: set[int] = set() if sign == "+" else {at}
            new: set[int] = {at}
            while new:
                new = {end for start in new for end in inner(own, text, start)} - reached
                reached |= new
                if sign == "?":
                    break
            return frozenset(reached)

        return run

    def atom(self) -> Matcher:
        kind, body = self.rest.pop()
        if body == "(" and kind == "sign":
            inner = self.choice()
            assert self.rest.pop()[1] == ")"
            return inner
        if kind == "name":
            self.owner.references.add(body)
            return lambda own, text, at: own.ends(body, text, at)
        if kind == "chars":
            allowed = re.compile(_class(body), re.DOTALL)
            return lambda own, text, at: frozenset([at + 1] if allowed.match(text, at) else [])
        assert kind in ("text", "code"), f"unexpected {body}"
        literal = chr(int(body[2:], 16)) if kind == "code" else body[1:-1]
        return lambda own, text, at: frozenset([at + len(literal)] if text.startswith(literal, at) else [])


def _class(body: str) -> str:
    """A character class as Python's ``re`` writes it."""
    negated = body.startswith("[^")
    inner = body[2 if negated else 1 : -1]
    pieces = list(_CHAR.finditer(inner))
    parts: list[str] = []
    for index, piece in enumerate(pieces):
        is_range = piece["char"] == "-" and 0 < index < len(pieces) - 1
        char = chr(int(piece["code"], 16)) if piece["code"] else piece["char"]
        parts.append("-" if is_range else re.escape(char))
    return f"[{'^' if negated else ''}{''.join(parts)}]"
