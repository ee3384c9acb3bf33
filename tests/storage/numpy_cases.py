"""Arrays for the tests of numpy's formats."""

from storage_files import opened

from brainsurgery_shell.graph.evaluate import Evaluator


def facts(array):
    """Dtype, shape and bytes, whatever the order."""
    return array.dtype.name, array.shape, array.astype(array.dtype.newbyteorder("<")).tobytes()


def values(path):
    """Every tensor of a checkpoint, evaluated."""
    evaluator = Evaluator(memory=1 << 28)
    found = {name: facts(evaluator.whole(tensor).numpy()) for name, tensor in opened(path).tensors.items()}
    evaluator.files.close()
    return found
