"""Distributed checkpoints for tests, written by PyTorch's own writer in one process."""

import pickle
import warnings
from pathlib import Path

import torch
import torch.distributed.checkpoint as dcp
from storage_files import opened
from torch.distributed.checkpoint.default_planner import create_default_global_save_plan
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, MetadataIndex, TensorProperties
from torch.distributed.checkpoint.planner import SavePlan, TensorWriteData, WriteItem, WriteItemType

from brainsurgery_shell.graph.dtypes import ALL
from brainsurgery_shell.graph.evaluate import Evaluator

HELD = [dtype.name for dtype in ALL if not dtype.packed]


class Held:
    """Stands for the planner: gives the data of what is to be written."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, torch.Size], torch.Tensor] = {}

    def resolve_data(self, item: WriteItem) -> torch.Tensor:
        return self.data[item.index.fqn, item.index.offset]

    def item(self, name: str, offsets: tuple[int, ...], chunk: torch.Tensor, size: torch.Size) -> WriteItem:
        index = MetadataIndex(name, offsets)
        self.data[name, index.offset] = chunk
        return WriteItem(
            index=index,
            type=WriteItemType.SHARD,
            tensor_data=TensorWriteData(
                chunk=ChunkStorageMetadata(offsets=torch.Size(offsets), sizes=chunk.size()),
                properties=TensorProperties.create_from_tensor(chunk),
                size=size,
            ),
        )


def save_chunks(
    folder: Path, ranks: list[list[tuple[str, tuple[int, ...], torch.Tensor, tuple[int, ...]]]], **options
) -> Path:
    """What several processes write together: of each, name, offsets, chunk and the whole tensor's shape."""
    writer = dcp.FileSystemWriter(folder, sync_files=False, **options)
    writer.set_up_storage_writer(True)
    held = Held()
    plans = []
    for rank in ranks:
        items = [held.item(name, offsets, chunk, torch.Size(size)) for name, offsets, chunk, size in rank]
        plans.append(writer.prepare_local_plan(SavePlan(items)))
    plans, metadata = create_default_global_save_plan(plans)
    plans = writer.prepare_global_plan(plans)
    writer.finish(metadata, [writer.write_data(plan, held).wait() for plan in plans])
    return folder


def save_dict(folder: Path, state: dict) -> Path:
    """A state dict, as one process writes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.save(state, checkpoint_id=folder, no_dist=True)
    return folder


def load_dict(folder: Path, template: dict) -> dict:
    """Fill the tensors of ``template``, as one process reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.load(template, checkpoint_id=folder, no_dist=True)
    return template


def edit_metadata(folder: Path, edit) -> None:
    """Change the metadata as PyTorch understands them."""
    path = folder / ".metadata"
    metadata = pickle.loads(path.read_bytes())
    edit(metadata)
    path.write_bytes(pickle.dumps(metadata))


def raw(tensor: torch.Tensor) -> tuple[torch.dtype, torch.Size, bytes]:
    """Dtype, shape and bytes."""
    flat = tensor.detach().contiguous().reshape(-1)
    return tensor.dtype, tensor.shape, bytes(flat.view(torch.uint8).numpy()) if flat.numel() else b""


def values(path):
    """Every tensor of a checkpoint, evaluated."""
    evaluator = Evaluator(memory=1 << 28)
    found = {name: raw(evaluator.whole(tensor)) for name, tensor in opened(path).tensors.items()}
    evaluator.files.close()
    return found


def some(dtype, shape):
    """A tensor of any dtype."""
    count = torch.Size(shape).numel()
    return torch.arange(count).remainder(2).to(getattr(torch, dtype)).reshape(shape)
