"""What a capture costs beside an ordinary forward and backward pass.

    python bench/capture.py MEMORY DISK [ROUNDS]

A transformer of 4 layers (d = 128, 4 heads, MLP 512; 24 linear maps) over 64 tokens,
batches of 64. Each round captures 512 examples in float32 and bfloat16 into the
folders MEMORY, in memory-backed storage, and DISK, beside forward and backward passes
over the same batches that form the gradients of all parameters, and a plain
sequential write of as many bytes to DISK. Hashing, writing and fsync are part of the
capture, fsync of the plain write. OpenMP's threads wait without spinning, unless
OMP_WAIT_POLICY says otherwise: spinning takes a core from the thread that writes, and
makes the ordinary passes no faster.
"""
import os
import shutil
import statistics
import sys
import time
import warnings

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded

import torch
from torch import nn

import infl

WIDTH, LAYERS, HEADS, TOKENS, BATCH, BATCHES, WORDS = 128, 4, 4, 64, 64, 8, 256


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


def written(path, size):
    """A plain write of bytes that no file system can leave out, made durable."""
    part = os.urandom(1 << 20)
    with open(path, "wb") as f:
        for _ in range(size >> 20):
            f.write(part)
        f.flush()
        os.fsync(f.fileno())
    os.remove(path)


def main(memory, disk, rounds):
    warnings.simplefilter("ignore", infl.CaptureWarning)
    torch.manual_seed(0)
    model = Model().eval()
    batches = [torch.randint(0, WORDS, (BATCH, TOKENS)) for _ in range(BATCHES)]
    size, jobs = {}, {"forward + backward": lambda: ordinary(model, batches)}
    for place, folder in (("memory", memory), ("disk", disk)):
        for dtype in ("F32", "BF16"):
            def job(out=os.path.join(folder, "infl-bench-capture"), dtype=dtype):
                size[dtype] = captured(model, batches, out, dtype)
            jobs[f"{dtype} to {place}"] = job
    for dtype in ("F32", "BF16"):
        jobs[f"{dtype} plain write"] = lambda dtype=dtype: written(os.path.join(disk, "infl-bench-write"), size[dtype])
    seconds = {name: [] for name in jobs}
    ordinary(model, batches[:2])
    for _ in range(rounds):
        for name, job in jobs.items():
            begin = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - begin)
        for folder in (memory, disk):
            shutil.rmtree(os.path.join(folder, "infl-bench-capture"))
    best, middle = ({name: of(s) for name, s in seconds.items()} for of in (min, statistics.median))
    for name in jobs:
        print(f"{name:20} min {best[name]:6.3f} s  median {middle[name]:6.3f} s")
    for dtype in ("F32", "BF16"):
        more = [t[f"{dtype} to memory"] / t["forward + backward"] - 1 for t in (best, middle)]
        # What bounds a capture to a disk: the capture itself, or half the disk's rate.
        disk = [t[f"{dtype} to disk"] / max(t[f"{dtype} to memory"], 2 * t[f"{dtype} plain write"]) for t in (best, middle)]
        print(f"{dtype:4} {size[dtype] >> 20:5} MiB  to memory {more[0]:+5.0%} (min) {more[1]:+5.0%} (median) of forward + backward"
              f"  to disk {disk[0]:.2f} (min) {disk[1]:.2f} (median) of its bound")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 5)
