"""Writes captures of small models and what autograd says of them, for the Go tests.

    python draw.py FOLDER

FOLDER/NAME has train and query sides; FOLDER/NAME/expected/MODULE.npy the gradients of
the train side's examples, [n, out, in(+1)] in float64. FOLDER/NAME/projected and
FOLDER/NAME/rows are captures of the same model in float32, as are FOLDER/NAME/factors and
FOLDER/NAME/rows.
"""
import os
import sys
import warnings

import numpy as np
import torch

import infl
from models import autograd_gradients, cases
from reader import read_manifest


def capture(case, out, **options):
    with infl.Capture(case.model, out, modules=case.modules, shard_bytes=4000, **options) as cap:
        for b in case.batches(3):
            with cap.batch(ids=b["ids"], mask=b.get("mask")) as batch:
                batch.backward(case.loss(case.model, b))


def draw(folder, dtype, level):
    for name, case in cases().items():
        out = os.path.join(folder, f"{name}-{dtype}-{level}")
        for side in ("train", "query"):
            capture(case, os.path.join(out, side), split=side, dtype=dtype, level=level)
        os.makedirs(os.path.join(out, "expected"))
        for module, g in autograd_gradients(case, read_manifest(os.path.join(out, "train"))["modules"]).items():
            np.save(os.path.join(out, "expected", module + ".npy"), g.contiguous().numpy())


def draw_projected(folder, kind, size):
    for name, case in cases(torch.float32).items():
        if name == "table" and "bergson" in kind:  # which projects no embedding
            continue
        out = os.path.join(folder, f"{name}-{kind}")
        capture(case, os.path.join(out, "rows"))
        capture(case, os.path.join(out, "projected"), level="projected", projection={"kind": kind, "size": size, "seed": 2 ** 64 - 2})


def draw_factors(folder):
    for name, case in cases(torch.float32).items():
        if name != "table":  # an embedding, which has no factors
            for level in ("rows", "factors"):
                capture(case, os.path.join(folder, f"{name}-factors", level), level=level)


if __name__ == "__main__":
    warnings.simplefilter("ignore", infl.CaptureWarning)
    for dtype in ("F64", "F32"):
        for level in ("rows", "grads"):
            draw(sys.argv[1], dtype, level)
    for kind, size in (("srht", 16), ("rademacher", 13), ("gaussian", 13), ("bergson", 3), ("bergson-normal", 4)):
        draw_projected(sys.argv[1], kind, size)
    draw_factors(sys.argv[1])
