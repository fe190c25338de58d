"""Writes captures of small models and what autograd says of them, for the Go tests.

    python draw.py FOLDER

FOLDER/NAME has train and query sides; FOLDER/NAME/expected/MODULE.npy the gradients of
the train side's examples, [n, out, in(+1)] in float64.
"""
import os
import sys
import warnings

import numpy as np

import infl
from models import autograd_gradients, cases
from reader import read_manifest


def draw(folder, dtype, level):
    for name, case in cases().items():
        out = os.path.join(folder, f"{name}-{dtype}-{level}")
        for side in ("train", "query"):
            with infl.Capture(case.model, os.path.join(out, side), split=side, dtype=dtype, level=level, modules=case.modules, shard_bytes=4000) as cap:
                for b in case.batches(3):
                    with cap.batch(ids=b["ids"], mask=b.get("mask")) as batch:
                        batch.backward(case.loss(case.model, b))
        os.makedirs(os.path.join(out, "expected"))
        for module, g in autograd_gradients(case, read_manifest(os.path.join(out, "train"))["modules"]).items():
            np.save(os.path.join(out, "expected", module + ".npy"), g.contiguous().numpy())


if __name__ == "__main__":
    warnings.simplefilter("ignore", infl.CaptureWarning)
    for dtype in ("F64", "F32"):
        for level in ("rows", "grads"):
            draw(sys.argv[1], dtype, level)
