"""Random lines and trees for Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair, Scalar, Sequence

PIECES = [
    *"abx0 \t:,[](){}'\"\\#|>.-*$~^!=&%@?/<+`",
    *[" ", ": ", ", ", "[", "]", "{", "}", "a", "a: ", "b: ", "'", '"', "\\", "\\d", "x.y", "::", " #", "# "],
    *[
        "\n",
        "\r",
        "\x01",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
        "𝟙",
        "é",
        "1e-6",
        "0x1F",
        "true",
        "null",
        ".inf",
    ],
]
names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_-]{0,6}\Z") | st.sampled_from(["true", "null", "y", "no", "on"])
awkward = st.sampled_from(
    [
        "",
        "yes",
        "no",
        "on",
        "null",
        "~",
        "true",
        "1_000",
        "0b1",
        "0o17",
        "0x1F",
        "010",
        "1:30",
        "2001-01-01",
        "=",
        "<<",
        "1e5",
        "1e-06",
        ".5",
        ".inf",
        "-.INF",
        ".nan",
        "a: b",
        "a:",
        "a:[1]",
        "#x",
        "a #b",
        "- a",
        "-",
        "?",
        "!",
        "&a",
        "*a",
        "%",
        "@",
        "`",
        "|",
        ">",
        "(a b)",
        "a(",
        ")",
        "[a]",
        "{a}",
        "it's",
        "a\\",
        "\\",
        "\\'",
        '"',
        "a\tb",
        "\n",
        "\x00",
        "\x1b",
        "\x7f",
        "\x85",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufffe",
        "😀",
        "---",
        "...",
        " ",
        " a",
        "a ",
    ]
)
texts = awkward | st.text(max_size=12) | st.text(alphabet="ab:,[](){}'\"\\# .*|", max_size=10)
scalars = st.builds(Scalar, st.none() | st.booleans() | st.integers() | st.floats() | texts | texts | texts)


def _containers(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    pairs = st.lists(st.builds(Pair, names, inner), max_size=4, unique_by=lambda pair: pair.key)
    lists = st.lists(inner, max_size=4).map(lambda items: Sequence(tuple(items)))
    return lists | pairs.map(lambda found: Mapping(tuple(found)))


nodes: st.SearchStrategy[Node] = st.recursive(scalars, _containers, max_leaves=12)
commands = st.builds(Command, names, st.none() | nodes | _containers(nodes))


def alphabet_lines() -> st.SearchStrategy[str]:
    """Pieces that mean something, put together at random; half of them behind a name."""
    pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
    return pieces | pieces.map(lambda text: "a: " + text)


def mutated_lines(lines: list[str]) -> st.SearchStrategy[str]:
    """Lines that are right, with a few pieces put in, taken out or replaced."""

    @st.composite
    def mutate(draw: st.DrawFn) -> str:
        line = draw(st.sampled_from([line for line in lines if len(line) < 200]))
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.integers(0, len(line)))
            gone = draw(st.integers(0, 2))
            line = line[:at] + draw(st.sampled_from(["", *PIECES])) + line[at + gone :]
        return line

    return mutate()
