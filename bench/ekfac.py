"""Compares EK-FAC with kronfluence's, stage by stage and as a whole job, interleaved.

    go build -o infl ./cmd/infl
    go build -o rates ./bench/rates
    python bench/ekfac.py SHAPE FOLDER ./infl ./rates prepare DATA
    python bench/ekfac.py SHAPE FOLDER ./infl ./rates STAGE [ROUNDS]

SHAPE is mlp10k or mlp60k, an MLP 784-256-256-10 on as many digits of MNIST and 1,000
queries, or transformer: 4 layers, d = 128, on 128,000 characters and 32 queries. DATA
holds mnist/ and tiny_shakespeare/, FOLDER is in memory-backed storage and keeps what
prepare made. A STAGE is covariance, eigen, lambda, pairwise, rank8, self, or job:
everything from the model to the pairwise scores, capture included on our side, beside the
sum of kronfluence's stages as they were measured before.

Both sides get the same model, examples and labels, in memory. kronfluence runs on ready
batches that need no collating, of the size that was the fastest of those tried, with one
and with two threads; its clock holds the model passes, which it repeats in each stage, and
its files. Its lambda is measured on the first 1,000 rows of an MLP, and multiplied by
n / 1,000: it forms the gradient of each row. "model passes" is a forward and backward pass over the same batches through its
prepared model without a tracker, as its factors and scores need them. Our clock holds a
stage from the mapped files of a capture, or for scores the whole process. Scores are
compared by prepare.
"""
import copy
import gzip
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import warnings

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded

import numpy as np
import torch
from kronfluence.analyzer import Analyzer, prepare_model
from kronfluence.arguments import FactorArguments, ScoreArguments
from kronfluence.task import Task
from kronfluence.utils.dataset import DataLoaderKwargs
from torch import nn
from torch.utils.data import Dataset

import capture
import infl
from sides import Infl, Peak, in_turns, table

# Train rows, queries, the batches with which kronfluence is the fastest, rows of its lambda.
SHAPES = {"mlp10k": (10_000, 1000, 256, 1000), "mlp60k": (60_000, 1000, 256, 1000), "transformer": (2000, 32, 64, 2000)}
THEIRS = "kronfluence"
IN_FIT = {"covariance": "covariances", "eigen": "eigenbases", "lambda": "correct eigenvalues"}  # our names
STAGES = ("covariance", "eigen", "lambda", "pairwise", "rank8", "self", "job")


def digits(data, kind, n):
    """The first n images and labels of MNIST's split."""
    def read(name, skip):
        with gzip.open(os.path.join(data, "mnist", f"{kind}-{name}-ubyte.gz")) as f:
            return np.frombuffer(f.read(), np.uint8, offset=skip)
    x = read("images-idx3", 16).reshape(-1, 784)[:n]
    return torch.tensor(x / np.float32(255)), torch.tensor(read("labels-idx1", 8)[:n].astype(np.int64))


def text(data, n, skip):
    """n windows of characters."""
    with gzip.open(os.path.join(data, "tiny_shakespeare", "train.txt.gz")) as f:
        x = np.frombuffer(f.read(), np.uint8)[skip:skip + n * capture.TOKENS]
    return (torch.tensor(x.astype(np.int64)).reshape(n, capture.TOKENS),)


class Problem(Task):
    """A trained model with its examples, as kronfluence asks for it."""

    def __init__(self, shape, folder, data):
        super().__init__()
        n, q, self.batch, self.lambda_rows = SHAPES[shape]
        torch.manual_seed(0)
        if shape == "transformer":
            self.model = capture.Model()
        else:
            self.model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
        self.modules = [name for name, m in self.model.named_modules() if isinstance(m, nn.Linear) and name != "head"]
        kept = os.path.join(folder, "problem.pt")
        if data is None:
            self.examples, weights = torch.load(kept)
            self.model.load_state_dict(weights)
        else:
            if shape == "transformer":
                self.examples = {"train": text(data, n, 0), "query": text(data, q, n * capture.TOKENS)}
            else:
                self.examples = {"train": digits(data, "train", n), "query": digits(data, "t10k", q)}
            self.train(3)
            torch.save((self.examples, self.model.state_dict()), kept)
        self.model.eval()

    def train(self, epochs):
        optimizer = torch.optim.Adam(self.model.parameters(), 1e-3)
        for _ in range(epochs):
            for rows in torch.randperm(len(self.examples["train"][0])).split(128):
                optimizer.zero_grad()
                self.losses(self.model, [t[rows] for t in self.examples["train"]]).mean().backward()
                optimizer.step()

    def losses(self, model, batch):
        """One for each example."""
        if len(batch) == 1:
            return capture.losses(model, batch[0])
        return nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="none")

    def compute_train_loss(self, batch, model, sample=False):
        return self.losses(model, batch).sum()

    def compute_measurement(self, batch, model):
        return self.losses(model, batch).sum()

    def get_influence_tracked_modules(self):
        return self.modules


class Ready(Dataset):
    """Hands out a batch at once; a DataLoader asks for it with __getitems__."""

    def __init__(self, tensors):
        self.tensors = tensors

    def __len__(self):
        return len(self.tensors[0])

    def __getitem__(self, i):
        return [t[i] for t in self.tensors]

    def __getitems__(self, rows):
        return [t[rows[0]:rows[-1] + 1] for t in self.tensors]  # They are neighbours.


class Theirs:
    """kronfluence, stage by stage, in a folder."""

    def __init__(self, problem, folder):
        self.problem, self.folder = problem, os.path.join(folder, "kronfluence")
        self.train, self.query = (Ready(problem.examples[side]) for side in ("train", "query"))
        self.model = prepare_model(copy.deepcopy(problem.model), problem)
        self.analyzer = Analyzer("bench", self.model, problem, cpu=True, output_dir=self.folder, disable_model_save=True, disable_tqdm=True)
        self.analyzer.set_dataloader_kwargs(DataLoaderKwargs(collate_fn=lambda batch: batch))
        self.arguments = FactorArguments(strategy="ekfac", use_empirical_fisher=True)

    def files(self, *names):
        return os.path.join(self.folder, "bench", *names)

    def covariance(self):
        self.analyzer.fit_covariance_matrices("f", self.train, factor_args=self.arguments, per_device_batch_size=self.problem.batch, overwrite_output_dir=True)

    def eigen(self):
        self.analyzer.perform_eigendecomposition("f", factor_args=self.arguments, overwrite_output_dir=True)

    def correct(self, rows=None):
        """On some rows for the clock: then the factors are others', since they would not fit the scores."""
        name, arguments = "f", self.arguments
        if rows is not None:
            name, arguments = "some", FactorArguments(strategy="ekfac", use_empirical_fisher=True, lambda_max_examples=rows)
        self.analyzer.fit_lambda_matrices(name, self.train, factor_args=arguments, per_device_batch_size=self.problem.batch, overwrite_output_dir=True,
                                          load_from_factors_name=None if rows is None else "f")

    def pairwise(self, rank=None):
        self.analyzer.compute_pairwise_scores(
            "p", "f", self.query, self.train, per_device_query_batch_size=len(self.query), per_device_train_batch_size=self.problem.batch,
            score_args=ScoreArguments(damping_factor=None, query_gradient_low_rank=rank), overwrite_output_dir=True)

    def self_scores(self):
        self.analyzer.compute_self_scores("s", "f", self.train, per_device_train_batch_size=self.problem.batch,
                                          score_args=ScoreArguments(damping_factor=None), overwrite_output_dir=True)

    def passes(self):
        """Forward and backward through the prepared model, over all train rows."""
        for lo in range(0, len(self.train), self.problem.batch):
            rows = range(lo, min(lo + self.problem.batch, len(self.train)))
            self.problem.compute_train_loss(self.train.__getitems__(rows), self.model).backward()

    def scores(self):
        return self.analyzer.load_pairwise_scores("p")["all_modules"].numpy()


class Ours:
    """infl, from captures."""

    def __init__(self, problem, folder, program):
        self.problem, self.folder, self.program, self.stages = problem, folder, Infl(program, "8GB"), {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def capture(self, sides=("train", "query")):
        for side in sides:
            shutil.rmtree(self.path(side), ignore_errors=True)
            examples = self.problem.examples[side]
            with infl.Capture(self.problem.model, self.path(side), split=side, modules=self.problem.modules) as cap:
                for rows in torch.arange(len(examples[0])).split(4096 if len(examples) > 1 else 64):
                    with cap.batch(ids=rows.tolist()) as batch:
                        batch.backward(self.problem.losses(self.problem.model, [t[rows] for t in examples]))

    def fit(self):
        """All stages; what each took is what the program says of it."""
        shutil.rmtree(self.path("factors"), ignore_errors=True)
        said = subprocess.run([self.program.program, "fit", "--method", "ekfac", "--train", self.path("train"), "--out", self.path("factors"), "--verbose", "--no-progress"],
                              check=True, capture_output=True, text=True).stderr
        for name, seconds in re.findall(r"\] ([a-z ]+): ([0-9.e+-]+) s", said):
            self.stages.setdefault(name, []).append(float(seconds))

    def score(self, *flags, query=True):
        sides = ["--train", self.path("train"), *(["--query", self.path("query")] if query else ["--self"])]
        self.program("score", "--method", "ekfac", "--factors", self.path("factors"), *sides, "--out", self.path("run"), *flags)

    def job(self):
        self.capture()
        self.fit()
        self.score("--matrix", "npy", "--top", "0")

    def scores(self):
        return np.load(os.path.join(self.path("run"), "matrix.npy"))


def difference(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def pearson(a, b):
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def prepare(ours, theirs):
    """Factors of both sides, and how far their scores are from each other."""
    ours.capture(), ours.fit()
    theirs.covariance(), theirs.eigen(), theirs.correct()
    theirs.pairwise(), ours.score("--matrix", "npy", "--top", "0")
    whole = {"infl": ours.scores(), "kronfluence": theirs.scores()}
    print(f"  scores differ by {difference(*whole.values()):.1e} of the largest")
    theirs.pairwise(8), ours.score("--rank", "8", "--matrix", "npy", "--top", "0")
    for name, side in (("infl", ours), ("kronfluence", theirs)):
        print(f"  {name}, rank 8: Pearson {pearson(side.scores(), whole[name]):.5f} with full rank")


def sides_of(stage, ours, theirs):
    """Name -> job of a stage: ours, theirs, and the passes that theirs makes."""
    mine, other, passes = {
        "covariance": (ours.fit, theirs.covariance, True),
        "eigen": (ours.fit, theirs.eigen, False),
        "lambda": (ours.fit, lambda: theirs.correct(theirs.problem.lambda_rows), True),
        "pairwise": (lambda: ours.score("--matrix", "npy", "--top", "0"), theirs.pairwise, True),
        "rank8": (lambda: ours.score("--rank", "8", "--matrix", "npy", "--top", "0"), lambda: theirs.pairwise(8), True),
        "self": (lambda: ours.score(query=False), theirs.self_scores, True),
        "job": (ours.job, None, False),
    }[stage]
    sides = {"infl": mine}
    for threads in (1, 2):
        suffix = f", {threads} thread{'s' if threads > 1 else ''}"
        if other:
            sides[THEIRS + suffix] = with_threads(threads, other)
        if passes:
            sides["model passes alone" + suffix] = with_threads(threads, theirs.passes)
    return sides


def with_threads(threads, job):
    def run():
        torch.set_num_threads(threads)
        job()
        torch.set_num_threads(2)
    return run


def measure(stage, rounds, ours, theirs, peak):
    """Times a stage; what the job needs to know of kronfluence is kept."""
    seconds = in_turns(sides_of(stage, ours, theirs), rounds, peak.probe)
    if stage in IN_FIT:  # Our side ran all of them; the clock of this one is the program's own.
        seconds["infl"] = [(s, cpu) for s, (_, cpu) in zip(ours.stages[IN_FIT[stage]], seconds["infl"])]
    if stage == "lambda":
        times = len(theirs.train) / theirs.problem.lambda_rows
        seconds = {name: [(t * times, cpu * times) for t, cpu in s] if name.startswith(THEIRS) else s for name, s in seconds.items()}
    kept = ours.path("seconds.json")
    known = json.load(open(kept)) if os.path.exists(kept) else {}
    if stage == "job":
        best = [min(known[s].values(), key=min) for s in ("covariance", "eigen", "lambda", "pairwise")]
        seconds[THEIRS + ", sum of its stages"] = [(t, 0) for t in map(sum, zip(*best))]
    else:
        known[stage] = {name: [t for t, _ in s] for name, s in seconds.items() if name.startswith(THEIRS)}
        json.dump(known, open(kept, "w"))
    print(f" {stage}, {rounds} rounds" + (" (CPU of infl: the whole fit)" if stage in IN_FIT else ""))
    print("\n".join(table(seconds, "infl")), flush=True)
    print(f"  peak of fused multiply-adds {peak.best / 1e9:.0f} Gflop/s" + (f"; {ours.program.memory_used()}" if ours.program.peak else ""))


def main(shape, folder, program, rates, stage, more):
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    folder = os.path.join(folder, "infl-bench-ekfac-" + shape)
    os.makedirs(folder, exist_ok=True)
    problem = Problem(shape, folder, more if stage == "prepare" else None)
    ours, theirs = Ours(problem, folder, program), Theirs(problem, folder)
    if stage == "prepare":
        print(f"{shape}: n = {len(theirs.train)}, q = {len(theirs.query)}, kronfluence's batches {problem.batch}")
        prepare(ours, theirs)
    else:
        measure(stage, int(more or 7), ours, theirs, Peak(rates))


if __name__ == "__main__":
    if len(sys.argv) < 6 or sys.argv[1] not in SHAPES or sys.argv[5] not in ("prepare", *STAGES):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], os.path.abspath(sys.argv[3]), os.path.abspath(sys.argv[4]), sys.argv[5], sys.argv[6] if len(sys.argv) > 6 else None)
