"""Writes the normal matrices that bergson draws: python make.py

Needs torch, on an x86 CPU with AVX2. Prints the SHA-256 of one that is too large to keep.
"""
import hashlib
import json
import math
import os
import struct

import torch

SHAPES = [(1, 1), (2, 1), (3, 5), (4, 4), (17, 1), (18, 3), (5, 7), (16, 16)]


def matrix(identifier, m, n, scale):
    """What bergson's create_projection_matrix does on a CPU, in float32."""
    seed = int.from_bytes(hashlib.md5(identifier.encode()).digest(), "big") % (2**63 - 1)
    a = torch.randn(m, n, generator=torch.Generator().manual_seed(seed))
    return a / a.norm(dim=1, keepdim=True) if scale == "row_norm" else a / math.sqrt(m)


def main():
    header, data = {}, b""
    for scale in ("jl", "row_norm"):
        for m, n in SHAPES:
            for side in ("left", "right"):
                bits = matrix(f"h.{m}.mlp/{side}", m, n, scale).numpy().astype("<f4").tobytes()
                offsets = [len(data), len(data) + len(bits)]
                header[f"{scale}:h.{m}.mlp/{side}"] = {"dtype": "F32", "shape": [m, n], "data_offsets": offsets}
                data += bits
    text = json.dumps(header).encode()
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "normal.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)
    large = matrix("large/left", 16, 4099, "jl").numpy().astype("<f4")
    print(torch.__version__, hashlib.sha256(large.tobytes()).hexdigest())


main()
