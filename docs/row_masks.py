"""Which train rows each iteration of a bagged LightGBM model saw, for infl --row-masks.

    python row_masks.py MODEL.txt TRAIN.csv LABEL MASKS.npy

LightGBM does not store its bags, but it draws them from bagging_seed, which stands in the model file: a linear
congruential generator per block of 1,024 rows, one number per row and bag.  This draws them again, as LightGBM 4 does
on CPU.  Nothing promises that it stays so; infl recomputes every leaf from the masks, and says where they are not
those of the model.
"""
import sys

import numpy as np

BLOCK = 1024


def bags(n, iterations, seed=3, freq=1, fraction=1.0, positive=1.0, negative=1.0, label=None):
    """A bool array, n x iterations.  positive and negative are the fractions of labels > 0 and of the others."""
    share = np.full(n, fraction)
    if positive < 1 or negative < 1:
        share = np.where(np.asarray(label) > 0, positive, negative)
    first = np.arange(0, n, BLOCK)
    state = np.uint32(seed) + np.arange(len(first), dtype=np.uint32)
    masks = np.empty((n, iterations), bool)
    for t in range(iterations):
        if t % freq:
            masks[:, t] = masks[:, t - 1]
            continue
        drawn = np.empty((BLOCK, len(first)))
        for i in range(BLOCK):
            step = state * np.uint32(214013) + np.uint32(2531011)
            state = np.where(first + i < n, step, state)    # the last block is shorter
            drawn[i] = (state >> np.uint32(16) & np.uint32(0x7fff)) / 32768
        masks[:, t] = drawn.T.ravel()[:n] < share
    return masks


def goss(size, n, iterations, rate, seed=3, top=0.2, other=0.1, threads=1):
    """What GOSS saw, n x iterations.  size(t) returns |g*h| of the rows before iteration t, weights included and summed
    over outputs, as float32; rate is the learning rate; threads are those of the training."""
    parts = min(threads, -(-n // BLOCK))
    part = n if parts <= 1 else -(-(-(-n // parts)) // BLOCK) * BLOCK
    state = [(seed + b) & 0xffffffff for b in range(-(-n // BLOCK))]
    masks = np.ones((n, iterations), bool)
    for t in range(int(np.float32(1) / np.float32(rate)), iterations):
        sizes = size(t)
        for lo in range(0, n, part):
            count = min(part, n - lo)
            largest, wanted = max(1, int(count * top)), int(count * other)
            threshold = np.sort(sizes[lo:lo + count])[count - largest]
            big = small = 0
            for i in range(lo, lo + count):
                if sizes[i] >= threshold:
                    big += 1
                    continue
                left = (count - (i - lo)) - (largest - big)
                b = i // BLOCK
                state[b] = (state[b] * 214013 + 2531011) & 0xffffffff
                if (state[b] >> 16 & 0x7fff) / 32768 < (wanted - small) / left:
                    small += 1
                else:
                    masks[i, t] = False
    return masks


def bags_of(model, label):
    """The bags of the text of a model file, for the labels of its train rows as numbers."""
    lines = [line[1:-1].split(": ", 1) for line in model.split("\nparameters:\n")[1].split("\n") if line.startswith("[")]
    given = {line[0]: line[1] for line in lines if len(line) == 2}
    header = dict(line.split("=", 1) for line in model.split("\n\n", 1)[0].split("\n") if "=" in line)
    iterations = model.count("\nTree=") // int(header["num_tree_per_iteration"])
    return bags(len(label), iterations, int(given["bagging_seed"]), int(given["bagging_freq"]), float(given["bagging_fraction"]),
                float(given["pos_bagging_fraction"]), float(given["neg_bagging_fraction"]), label)


if __name__ == "__main__":
    import pandas as pd

    model, table, column, out = sys.argv[1:]
    labels = pd.read_csv(table)[column]
    if not pd.api.types.is_numeric_dtype(labels):
        labels = labels.astype("category").cat.codes
    np.save(out, bags_of(open(model, encoding="utf8").read(), labels.values))
