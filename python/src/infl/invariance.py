"""Do the numbers of an example depend on its batch?"""
import torch

from .capture import Batch, checked_mask
from .collect import Collector
from .layout import Layout


def batch_invariance(model, loss, batch, modules=None):
    """Captures a batch whole and then each example alone, and compares.

    loss(model, batch) gives one loss for each example; batch is a dict of tensors with
    the examples in the first dimension, among them ids and, if need be, mask. Returns
    for each module the largest difference of an example's gradient, divided by its
    largest number: about 1e-6 in float32. More says that the batch leaks into the
    example: batch norm in training, a mask that attention ignores, dropout.
    """
    collector = Collector(model, modules)
    try:
        whole = gradients(collector, loss, batch)
        worst = {}
        for i in range(len(batch["ids"])):
            alone = gradients(collector, loss, {k: v[i:i + 1] for k, v in batch.items()})
            for name, one in alone.items():
                scale = max(one.abs().max().item(), torch.finfo(torch.float64).tiny)
                difference = (whole[name][i] - one[0]).abs().max().item() / scale
                worst[name] = max(worst.get(name, 0.0), difference)
        return worst
    finally:
        collector.close()


def gradients(collector, loss, batch):
    """The gradient matrices of each example of a batch by module."""
    run = Batch(0, [int(i) for i in batch["ids"]])
    layout = Layout(collector.sites, "grads", "F64")
    collector.begin()
    run.backward(loss(collector.model, batch))
    mask = checked_mask(batch.get("mask"), len(run.ids))
    tensors = layout.tensors(collector.end(), run, mask)
    return {name[2:]: torch.from_numpy(array) for name, (_, array) in tensors.items() if name.startswith("G/")}
