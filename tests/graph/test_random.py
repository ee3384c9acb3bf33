"""Random streams: from seed and name alone, whatever the pieces, the order and the size."""

from __future__ import annotations

import pytest
import torch
from graph_files import evaluator

from brainsurgery_shell.graph import evaluate, sources
from brainsurgery_shell.graph.build import take
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.sources import Distribution, Random
from brainsurgery_shell.graph.tensor import LazyTensor, computed

UNIFORM = Distribution("uniform", -1.0, 3.0)
NORMAL = Distribution("normal", 5.0, 0.5)


def random(
    seed: int, name: str, shape: tuple[int, ...], how: Distribution, dtype: str = "float32"
) -> LazyTensor:
    return computed(shape, BY_NAME[dtype], Random(seed, name, how))


def values(tensor: LazyTensor) -> torch.Tensor:
    return evaluator().whole(tensor)


@pytest.mark.parametrize("how", [UNIFORM, NORMAL])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float8_e5m2"])
def test_pieces_do_not_show(how: Distribution, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "RANDOM_BLOCK", 50)
    tensor = random(1, "w", (7, 31), how, dtype)
    whole = values(tensor)
    for pieces in (1, 7, 50, 64):
        monkeypatch.setattr(evaluate, "PIECE_ELEMENTS", pieces)
        assert torch.equal(values(tensor).view(torch.uint8), whole.view(torch.uint8))


def test_parts_are_parts_of_the_whole() -> None:
    tensor = random(1, "w", (40, 5000), UNIFORM)
    part = take(tensor, [(13, 20, 1, True), (4000, 5000, 1, True)])
    assert torch.equal(values(part), values(tensor)[13:20, 4000:])


def test_seed_and_name_decide() -> None:
    first = values(random(1, "w", (100,), UNIFORM))
    assert torch.equal(first, values(random(1, "w", (100,), UNIFORM)))
    assert not torch.equal(first, values(random(2, "w", (100,), UNIFORM)))
    assert not torch.equal(first, values(random(1, "v", (100,), UNIFORM)))


def test_state_of_torch_does_not_matter() -> None:
    torch.manual_seed(1)
    first = values(random(1, "w", (100,), NORMAL))
    torch.manual_seed(2)
    torch.rand(5)
    assert torch.equal(first, values(random(1, "w", (100,), NORMAL)))


def test_blocks_differ() -> None:
    whole = values(random(1, "w", (2, sources.RANDOM_BLOCK), UNIFORM))
    assert not torch.equal(whole[0], whole[1])


def test_distributions() -> None:
    uniform = values(random(3, "w", (300, 1000), UNIFORM))
    assert -1 <= float(uniform.min()) < -0.99
    assert 2.99 < float(uniform.max()) < 3
    assert abs(float(uniform.mean()) - 1) < 0.02
    normal = values(random(3, "w", (300, 1000), NORMAL))
    assert abs(float(normal.mean()) - 5) < 0.02
    assert abs(float(normal.std()) - 0.5) < 0.02
