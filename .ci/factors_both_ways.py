"""Has kronfluence load factors of infl, and infl those of kronfluence; scores must agree.

python factors_both_ways.py --infl BINARY --work DIR

The model has maps that share their input, tokens, a convolution, and maps with and without
a bias; everything is in float64. Needs torch, kronfluence and the Python package infl.
"""
import argparse
import logging
import os
import subprocess
import warnings

import numpy as np
import torch
from kronfluence.analyzer import Analyzer, prepare_model
from kronfluence.arguments import FactorArguments, ScoreArguments
from kronfluence.task import Task
from torch import nn
from torch.utils.data import TensorDataset

import infl

PRECISE = {name: torch.float64 for name in ("activation_covariance_dtype", "gradient_covariance_dtype", "per_sample_gradient_dtype", "lambda_dtype")}
EXACT = {name: torch.float64 for name in ("per_sample_gradient_dtype", "precondition_dtype", "score_dtype", "query_gradient_svd_dtype")}


class Model(nn.Module):
    """Three tokens from an image of 6 x 6, then attention without its softmax."""

    def __init__(self):
        super().__init__()
        self.cut = nn.Conv2d(1, 4, (2, 6), stride=(2, 1))
        self.query, self.key, self.value = nn.Linear(4, 5), nn.Linear(4, 5), nn.Linear(4, 5, bias=False)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        tokens = torch.tanh(self.cut(x)).flatten(2).transpose(1, 2)
        weights = self.query(tokens) @ self.key(tokens).transpose(1, 2) / 3
        return self.head(weights @ self.value(tokens)).sum(1)


class Problem(Task):
    modules = ["cut", "query", "key", "value", "head"]

    def compute_train_loss(self, batch, model, sample=False):
        return nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="sum")

    def compute_measurement(self, batch, model):
        return self.compute_train_loss(batch, model)

    def get_influence_tracked_modules(self):
        return self.modules


class Comparison:
    def __init__(self, program, work):
        self.program, self.work = program, work
        torch.manual_seed(0)
        self.model = Model().double().eval()
        self.sides = {side: (torch.randn(n, 1, 6, 6).double(), torch.randint(0, 3, (n,))) for side, n in (("train", 60), ("query", 7))}
        for side, (x, y) in self.sides.items():
            with infl.Capture(self.model, self.path(side), split=side, dtype="F64", modules=Problem.modules) as cap, cap.batch(ids=range(len(x))) as batch:
                batch.backward(nn.functional.cross_entropy(self.model(x), y, reduction="none"))
        self.analyzer = Analyzer("both", prepare_model(self.model, Problem()), Problem(), cpu=True, output_dir=work, disable_tqdm=True, disable_model_save=True)

    def path(self, *names):
        return os.path.join(self.work, *names)

    def infl(self, *arguments):
        done = subprocess.run([self.program, *arguments, "--quiet"], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(" ".join(arguments) + "\n" + done.stderr)

    def ours(self, strategy, factors):
        """Scores of infl with a folder of factors."""
        run = self.path(f"run-{strategy}-{os.path.basename(factors)}")
        self.infl("score", "--method", strategy, "--form", "compat", "--factors", factors, "--train", self.path("train"), "--query", self.path("query"),
                  "--dtype", "float64", "--matrix", "npy", "--top", "0", "--out", run)
        return np.load(os.path.join(run, "matrix.npy"))

    def theirs(self, name):
        """Scores of kronfluence with the factors of a name."""
        query, train = (TensorDataset(*self.sides[side]) for side in ("query", "train"))
        self.analyzer.compute_pairwise_scores(name, name, query, train, per_device_query_batch_size=7, per_device_train_batch_size=16,
                                              score_args=ScoreArguments(damping_factor=None, **EXACT), overwrite_output_dir=True)
        return self.analyzer.load_pairwise_scores(name)["all_modules"].numpy()

    def run(self, strategy):
        self.infl("fit", "--method", strategy, "--dtype", "float64", "--train", self.path("train"), "--out", self.path(strategy))
        here = self.path("both", "factors_ours_" + strategy)
        self.infl("convert", self.path(strategy), here, "--to", "kronfluence")
        self.analyzer.fit_all_factors("theirs_" + strategy, TensorDataset(*self.sides["train"]), per_device_batch_size=16, overwrite_output_dir=True,
                                      factor_args=FactorArguments(strategy=strategy, use_empirical_fisher=True, **PRECISE))
        there = self.path("both", "factors_theirs_" + strategy)
        loaded = self.analyzer.load_all_factors("ours_" + strategy)
        known = self.analyzer.load_all_factors("theirs_" + strategy)
        if {k: sorted(v) for k, v in loaded.items()} != {k: sorted(v) for k, v in known.items()}:
            raise SystemExit(f"{strategy}: kronfluence loads other factors of ours than of its own")
        want = self.theirs("theirs_" + strategy)
        for what, got in (("kronfluence with our factors", self.theirs("ours_" + strategy)),
                          ("infl with our factors", self.ours(strategy, here)), ("infl with kronfluence's", self.ours(strategy, there))):
            error = np.abs(got - want).max() / np.abs(want).max()
            if got.shape != want.shape or error > 1e-9:
                raise SystemExit(f"{strategy}, {what}: scores differ from kronfluence's by {error:.1e}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--infl", required=True)
    p.add_argument("--work", required=True)
    a = p.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    both = Comparison(a.infl, os.path.abspath(a.work))
    for strategy in ("ekfac", "kfac", "diagonal"):
        both.run(strategy)


if __name__ == "__main__":
    main()
