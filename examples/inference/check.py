"""Compare a GPT-2 with its edited and restored self on 50 prompts.

``python examples/inference/check.py ORIGINAL RESTORED`` prints three means: the cosine of the last tokens'
logits, the perplexity of the restored model by that of the original, and the agreement on the likeliest next
token. All are exactly 1 where nothing was lost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from inputs import encode, sentences
from torch import Tensor
from transformers import GPT2LMHeadModel

PROMPTS = [text.split("=")[0] + "= " for text in sentences(50, seed=1)]


@dataclass(frozen=True)
class Metrics:
    """Means over all prompts."""

    cosine: float
    perplexity_ratio: float
    agreement: float
    perplexity: float
    """Of the original."""


def cosine(a: Tensor, b: Tensor) -> float:
    """Cosine of two vectors in float64; equal ones have 1.0, which rounding might miss."""
    if torch.equal(a, b):
        return 1.0
    return float(torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=0))


def perplexity(logits: Tensor, ids: Tensor) -> float:
    """Perplexity of ids [1, length] under logits [1, length, vocabulary]."""
    return float(torch.nn.functional.cross_entropy(logits[0, :-1].double(), ids[0, 1:]).exp())


def compare(original: Callable[[Tensor], Tensor], restored: Callable[[Tensor], Tensor]) -> Metrics:
    """The metrics of two models, given as functions from ids to logits."""
    cosines, ratios, agreements, perplexities = [], [], [], []
    for prompt in PROMPTS:
        ids = encode(prompt)
        with torch.inference_mode():
            before, after = original(ids), restored(ids)
        cosines.append(cosine(before[0, -1], after[0, -1]))
        perplexities.append(perplexity(before, ids))
        ratios.append(perplexity(after, ids) / perplexities[-1])
        agreements.append(float(before[0, -1].argmax() == after[0, -1].argmax()))
    means = [sum(each) / len(PROMPTS) for each in (cosines, ratios, agreements, perplexities)]
    return Metrics(*means)


def load(path: Path) -> Callable[[Tensor], Tensor]:
    """The model in a folder, as a function from ids to logits."""
    model = GPT2LMHeadModel.from_pretrained(path).eval()
    return lambda ids: model(input_ids=ids).logits


if __name__ == "__main__":
    found = compare(load(Path(sys.argv[1])), load(Path(sys.argv[2])))
    print(f"last-token logit cosine  {found.cosine!r}")
    print(f"perplexity ratio         {found.perplexity_ratio!r}")
    print(f"top-1 agreement          {found.agreement!r}")
