"""Random expressions, for laws."""

from __future__ import annotations

from hypothesis import strategies as st

from brainsurgery_shell.lang.expression_tree import Apply, Expression, Item, Number, Operand

Items = tuple[Item, ...]

NUMBERS = st.one_of(
    st.integers(0, 9), st.sampled_from((0.5, 0.1, 2.0, 1e-3, 1e300)), st.floats(0, 100, allow_nan=False)
).map(lambda value: (Number(value),))
OPERANDS = st.sampled_from("abc").map(lambda name: (Operand(name),))
OPTIONS = st.sampled_from(
    ((), (("dim", 0),), (("dim", (0, -1)), ("keepdim", True)), (("keepdim", False), ("dim", -1)))
)


def _applied(inner: st.SearchStrategy[Items]) -> st.SearchStrategy[Items]:
    def call(name: str, count: int) -> st.SearchStrategy[Items]:
        operands = st.tuples(*[inner] * count)
        return operands.map(lambda parts: (*sum(parts, ()), Apply(name, count)))

    binary = st.sampled_from(("+", "-", "*", "/", "@", "**", "<", "<=", ">", ">=", "==", "!="))
    unary = st.sampled_from(("-", "abs", "sqrt", "exp", "log", "sign", "clamp", "transpose"))
    reduced = st.tuples(inner, st.sampled_from(("sum", "mean", "norm")), OPTIONS)
    return st.one_of(
        binary.flatmap(lambda sign: call(sign, 2)),
        unary.flatmap(lambda name: call(name, 1)),
        st.sampled_from(("minimum", "maximum")).flatmap(lambda name: call(name, 2)),
        call("where", 3),
        reduced.map(lambda parts: (*parts[0], Apply(parts[1], 1, parts[2]))),
        inner.map(lambda items: (*items, Apply("clamp", 1, (("min", -1), ("max", 2.5))))),
    )


def expressions() -> st.SearchStrategy[Expression]:
    """Any expression, as the parser could have read it."""
    return st.recursive(NUMBERS | OPERANDS, _applied, max_leaves=12).map(Expression)
