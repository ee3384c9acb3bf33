"""What the pages show is so: every transcript is run, every line parses, every plan is one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from docs_tools import transcripts
from safetensors.torch import load_file

from brainsurgery_shell.configuration import config_path, read_configuration
from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.redirect import split_redirect
from brainsurgery_shell.options import parse_options
from brainsurgery_shell.session.plan_read import read_plan

PAGES = sorted(path.relative_to(transcripts.DOCS).as_posix() for path in transcripts.DOCS.rglob("*.md"))
Models = dict[str, dict[str, torch.Tensor]]


def text(page: str) -> str:
    return (transcripts.DOCS / page).read_text(encoding="utf-8")


def fenced(language: str) -> Iterator[tuple[str, str]]:
    """Page and text of the blocks that are no files."""
    for page in PAGES:
        for found, options, block in transcripts.FENCE.findall(text(page)):
            if found == language and not transcripts.TITLE.search(options):
                yield page, block


OLY = [(page, line) for page, block in fenced("oly") for line in block.splitlines()]


@pytest.mark.parametrize(
    "page", [page.relative_to(transcripts.DOCS).as_posix() for page in transcripts.executable()]
)
def test_transcripts(page: str, tmp_path: Path) -> None:
    """Run ``scripts/docs pages`` to write what is printed now."""
    done = transcripts.Run(transcripts.DOCS / page)(tmp_path)
    said = "\n".join(f"$ {each.command}\n{printed}\n-- not\n{each.shown}" for each, printed in done.wrong)
    assert not done.wrong, said
    if page in RESULTS:
        RESULTS[page](
            {path.stem: load(path) for path in (tmp_path / "jobs/models").iterdir() if path.is_file()}
        )


def test_everyday_jobs_and_the_tutorial_are_run() -> None:
    run = {page.relative_to(transcripts.DOCS).as_posix() for page in transcripts.executable()}
    assert "tutorial.md" in run
    assert run >= {page for page in PAGES if page.startswith("how-to/")} - {"how-to/index.md"}


@pytest.mark.parametrize(("page", "line"), OLY)
def test_lines_bind(page: str, line: str) -> None:
    load_declarations()
    command = parse_line(split_redirect(line).command_text)
    if command is not None:
        bind(command)


def test_plans_are_plans(tmp_path: Path) -> None:
    found = [block for _, block in fenced("yaml") if "transforms:" in block]
    assert found
    for block in found:
        (tmp_path / "plan.yaml").write_text(block)
        assert read_plan(tmp_path / "plan.yaml", []).commands


def test_settings_are_settings() -> None:
    (block,) = (block for _, block in fenced("toml") if "editing_mode" in block)
    config_path().parent.mkdir(parents=True)
    config_path().write_text(block)
    read = read_configuration()
    assert read.warnings == []
    assert read.editing_mode == "vi"


@pytest.mark.parametrize("page", PAGES)
def test_invocations_are_understood(page: str) -> None:
    for line in re.findall(r"^    (brainsurgery .*)$", text(page), re.MULTILINE):
        words = shlex.split(line, comments=True)[1:]
        options = parse_options(words[1:] if words[0] in ("check", "schema") else words)
        for command in options.commands:
            assert parse_line(command) is not None


def load(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)


def renamed(models: Models) -> None:
    """As many names as before, and the same tensors."""
    assert sorted(map(bits, models["renamed"].values())) == sorted(map(bits, models["llama"].values()))


def merged(models: Models) -> None:
    for name, tensor in models["average"].items():
        assert torch.equal(tensor, 0.5 * models["code"][name] + 0.5 * models["math"][name])
    for name, tensor in models["mixed"].items():
        assert torch.equal(tensor, models["math" if "Wqkv" in name else "code"][name])


def folded(models: Models) -> None:
    adapter = models["gpt2_adapter"]
    for layer in range(6):
        name = f"h.{layer}.attn.c_attn"
        a, b = (adapter[f"base_model.model.transformer.{name}.lora_{each}.weight"] for each in "AB")
        change = models["gpt2_folded"][f"{name}.weight"] - models["gpt2"][f"{name}.weight"]
        torch.testing.assert_close(change, 8 * (b @ a).T, rtol=1e-4, atol=1e-4)
        for each in "qv":
            name = f"model.layers.{layer}.self_attn.{each}_proj"
            a, b = (models["extracted"][f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
            change = models["folded"][f"{name}.weight"] - models["llama"][f"{name}.weight"]
            torch.testing.assert_close(b @ a, change, rtol=1e-4, atol=1e-4)


def split(models: Models) -> None:
    """The interleaved layout, against views in torch: head, then which of the three, then row."""
    for layer in range(6):
        at = f"gpt_neox.layers.{layer}.attention"
        fused = models["neox"][f"{at}.query_key_value.weight"].view(4, 3, 2, 8)
        for number, each in enumerate("qkv"):
            assert torch.equal(
                models["neox_split"][f"{at}.{each}_proj.weight"], fused[:, number].flatten(0, 1)
            )
        fused = models["gpt2"][f"h.{layer}.attn.c_attn.weight"]
        for part, each in zip(fused.chunk(3, -1), "qkv", strict=True):
            assert torch.equal(models["gpt2_split"][f"h.{layer}.attn.{each}_proj.weight"], part.T)


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()


RESULTS: dict[str, Callable[[Models], None]] = {
    "how-to/rename.md": renamed,
    "how-to/merge.md": merged,
    "how-to/lora.md": folded,
    "how-to/qkv.md": split,
}
"""What a page made, against PyTorch. Those of plans in ``examples/`` are checked there."""
