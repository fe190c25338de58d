"""What a capture costs beside an ordinary forward and backward pass.

    python bench/capture.py FOLDER [ROUNDS]

A transformer of 4 layers (d = 128, 4 heads, MLP 512; 24 linear maps) over 64 tokens,
batches of 64. Each round captures 768 examples into FOLDER, in float32 and
bfloat16, beside forward and backward passes over the same batches that form the
gradients of all parameters. Hashing, writing and fsync are part of the capture.
"""
import os
import shutil
import statistics
import sys
import time

import torch
from torch import nn

import infl

WIDTH, LAYERS, HEADS, TOKENS, BATCH, BATCHES, WORDS = 128, 4, 4, 64, 64, 12, 256


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        h = self.norm1(x)
        q, k, v = (m(h).unflatten(2, (HEADS, -1)).transpose(1, 2) for m in (self.q, self.k, self.v))
        h = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(h.transpose(1, 2).flatten(2))
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.head = nn.Linear(WIDTH, WORDS, bias=False)

    def forward(self, x):
        return self.head(self.layers(self.words(x) + self.places(torch.arange(TOKENS))))


def losses(model, x):
    y = model(x)[:, :-1].transpose(1, 2)
    return nn.functional.cross_entropy(y, x[:, 1:], reduction="none").sum(1)


def ordinary(model, batches):
    for x in batches:
        losses(model, x).sum().backward()
        model.zero_grad()


def captured(model, batches, folder, dtype):
    shutil.rmtree(folder, ignore_errors=True)
    with infl.Capture(model, folder, dtype=dtype, modules="layers.*") as cap:
        for k, x in enumerate(batches):
            with cap.batch(ids=range(k * BATCH, (k + 1) * BATCH)) as batch:
                batch.backward(losses(model, x))
    return cap.report["bytes"]


def main(folder, rounds):
    import warnings
    warnings.simplefilter("ignore", infl.CaptureWarning)
    torch.manual_seed(0)
    model = Model().eval()
    batches = [torch.randint(0, WORDS, (BATCH, TOKENS)) for _ in range(BATCHES)]
    out = os.path.join(folder, "infl-bench-capture")
    jobs = {"forward + backward": lambda: ordinary(model, batches), **{d: (lambda d=d: captured(model, batches, out, d)) for d in ("F32", "BF16")}}
    seconds, size = {name: [] for name in jobs}, {}
    ordinary(model, batches[:2])
    for _ in range(rounds):
        for name, job in jobs.items():
            begin = time.perf_counter()
            size[name] = job()
            seconds[name].append(time.perf_counter() - begin)
    shutil.rmtree(out, ignore_errors=True)
    base = seconds["forward + backward"]
    for name, s in seconds.items():
        line = f"{name:20} min {min(s):6.3f} s  median {statistics.median(s):6.3f} s"
        if size[name]:
            line += f"  {size[name] / 2**20:7.0f} MiB  + {100 * (min(s) / min(base) - 1):3.0f} % (min)  + {100 * (statistics.median(s) / statistics.median(base) - 1):3.0f} % (median)"
        print(line)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
