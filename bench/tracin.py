"""Compares TracIn with captum's, interleaved.

    go build -o infl ./cmd/infl
    python bench/tracin.py last FOLDER ./infl [ROUNDS]      # features given to both
    python bench/tracin.py captured FOLDER ./infl [ROUNDS]  # TracInCPFast, capture + score
    python bench/tracin.py full FOLDER ./infl [ROUNDS]      # TracInCP, capture + score

FOLDER is in memory-backed storage. Both sides get the same model, examples and
checkpoints, in memory; their scores are compared before the clock starts. Our clock
holds: in "last" the whole process, from files of features and gradients of outputs to
a run folder; else also the captures of both sides at all checkpoints, checksums and
fsync included. captum's holds influence(), with the training examples as one
TensorDataset in the batches given ("batches of"), and as ready batches that need no
collating ("ready"), and ends with its matrix in memory. It runs with one and with two
threads, on the batch size that is the fastest of those tried.
"""
import functools
import os
import shutil
import sys
import time
import warnings

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded

import numpy as np
import torch
from captum.influence import TracInCP, TracInCPFast
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import infl
from sides import Infl, in_turns, table

# Train rows, queries, widths of the layers, checkpoints.
SHAPES = {
    "last": [(20_000, 50, (300, 10), 1), (50_000, 200, (700, 100), 1), (60_000, 250, (1000, 300), 1)],
    "captured": [(20_000, 50, (300, 500, 10), 1), (50_000, 100, (300, 700, 100), 1), (40_000, 150, (500, 700, 300), 1)],
    "full": [(5_000, 20, (64, 32, 10), 3), (10_000, 30, (100, 100, 30), 3), (10_000, 40, (200, 150, 10), 3)],
}


class Ready(Dataset):
    """Batches as they are wanted: a DataLoader with batch_size=None hands them on."""

    def __init__(self, tensors, size):
        self.batches = list(zip(*(t.split(size) for t in tensors)))

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, i):
        return self.batches[i]


class Problem:
    """A network, its checkpoints, and examples of both sides."""

    def __init__(self, n, q, widths, checkpoints):
        torch.manual_seed(n)
        maps = [nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
        self.model = nn.Sequential(*(m for layer in maps for m in (layer, nn.ReLU())))[:-1].eval()
        self.last = maps[-1]
        self.sides = {side: (torch.randn(rows, widths[0]), torch.randint(0, widths[-1], (rows,))) for side, rows in (("train", n), ("query", q))}
        self.checkpoints = []
        for k in range(checkpoints):
            state = {name: t + 0.05 * torch.randn_like(t) for name, t in self.model.state_dict().items()}
            self.checkpoints.append({"rate": 0.1 / (k + 1), "state": state})

    def load(self, model, checkpoint):
        model.load_state_dict(checkpoint["state"])
        return checkpoint["rate"]

    def captum(self, kind, size, ready, threads):
        torch.set_num_threads(threads)
        train = self.sides["train"]
        loader = DataLoader(Ready(train, size), batch_size=None) if ready else DataLoader(TensorDataset(*train), batch_size=size)
        loss = nn.CrossEntropyLoss(reduction="sum")
        if kind == "full":
            tracer = TracInCP(self.model, loader, self.checkpoints, checkpoints_load_func=self.load, loss_fn=loss, sample_wise_grads_per_batch=True)
        else:
            tracer = TracInCPFast(self.model, self.last, loader, self.checkpoints, checkpoints_load_func=self.load, loss_fn=loss)
        try:
            return tracer.influence(self.sides["query"], show_progress=False)
        finally:
            torch.set_num_threads(2)

    def write_features(self, folder):
        """What the last layer reads, and the gradients of what it gives."""
        self.load(self.model, self.checkpoints[0])
        for side, (x, y) in self.sides.items():
            os.makedirs(os.path.join(folder, side), exist_ok=True)
            out = self.model(x).detach().requires_grad_()
            nn.functional.cross_entropy(out, y, reduction="sum").backward()
            for name, t in (("features", x), ("gradients", out.grad)):
                np.save(os.path.join(folder, side, name + ".npy"), t.numpy())
        return [f"{folder}@{self.checkpoints[0]['rate']}"]

    def capture(self, folder, modules):
        """Captures of both sides at every checkpoint."""
        shutil.rmtree(folder, ignore_errors=True)
        out = []
        for k, checkpoint in enumerate(self.checkpoints):
            rate = self.load(self.model, checkpoint)
            out.append(f"{folder}/{k}@{rate}")
            for side, (x, y) in self.sides.items():
                with infl.Capture(self.model, f"{folder}/{k}/{side}", split=side, modules=modules) as cap:
                    for ids in torch.arange(len(x)).split(4096):
                        with cap.batch(ids=ids.tolist()) as batch:
                            batch.backward(nn.functional.cross_entropy(self.model(x[ids]), y[ids], reduction="none"))
        return out


def ours(program, problem, kind, folder, *more):
    if kind == "last":
        checkpoints = [f"{folder}@{problem.checkpoints[0]['rate']}"]
    else:
        names = [name for name, m in problem.model.named_modules() if isinstance(m, nn.Linear)]
        checkpoints = problem.capture(folder, names if kind == "full" else names[-1:])
    method = ["--method", "tracin"] if kind == "full" else ["--method", "tracin-last", "--no-bias"]
    program("score", *method, *(f"--checkpoint={c}" for c in checkpoints), "--out", folder + "-run", *more)


def fastest(problem, kind, ready, threads):
    """The batch size with which captum takes least."""
    seconds = {}
    for size in (100, 1000, 5000) if kind == "full" else (1000, 10_000, len(problem.sides["train"][0])):
        begin = time.perf_counter()
        problem.captum(kind, size, ready, threads)
        seconds[size] = time.perf_counter() - begin
    return min(seconds, key=seconds.get)


def main(kind, folder, program, rounds):
    warnings.simplefilter("ignore", infl.CaptureWarning)
    folder = os.path.join(folder, "infl-bench-tracin")
    for shape in SHAPES[kind]:
        problem, program_ours = Problem(*shape), Infl(program)
        if kind == "last":
            problem.write_features(folder)
        ours(program_ours, problem, kind, folder, "--matrix", "npy")
        got = np.load(os.path.join(folder + "-run", "matrix.npy"))
        want = problem.captum(kind, 1000, True, 2).detach().numpy()
        difference = np.abs(got - want).max() / np.abs(want).max()
        sides = {"infl, top 100": lambda: ours(program_ours, problem, kind, folder),
                 "infl, whole matrix": lambda: ours(program_ours, problem, kind, folder, "--matrix", "npy")}
        for threads in (1, 2):
            for ready in (False, True):
                size = fastest(problem, kind, ready, threads)
                name = f"captum, {'ready' if ready else 'batches of'} {size}, {threads} thread{'s' if threads > 1 else ''}"
                sides[name] = functools.partial(problem.captum, kind, size, ready, threads)
        n, q, widths, checkpoints = shape
        print(f"{kind}: n = {n}, q = {q}, layers {' '.join(map(str, widths))}, checkpoints {checkpoints}, {rounds} rounds; "
              f"scores differ by {difference:.1e} of the largest; {program_ours.memory_used()}")
        print("\n".join(table(in_turns(sides, rounds), "infl, top 100")), flush=True)
        for path in (folder, folder + "-run"):
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in SHAPES:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], os.path.abspath(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 7)
