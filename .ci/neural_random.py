"""Runs infl on random small captures and compares it with the reference of the goldens.

python neural_random.py SEED COUNT REFERENCE --infl BINARY --work DIR

Draws COUNT captures of random modules (linear, convolutions; one row, several or ragged
rows of an example; bias or none; all dtypes; levels rows and grads; some shards and
checkpoints) and scores them by every method that REFERENCE, the folder of ref.py, has a
formula for, with random workers and memory.
"""
import argparse
import copy
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess

import numpy as np
import pyarrow.parquet as pq

STORED = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def write_tensors(path, tensors):
    """Writes arrays as a safetensors file; tensors holds name -> (dtype, array)."""
    head, raw = {}, b""
    for name, (dtype, x) in tensors.items():
        data = np.ascontiguousarray(x).tobytes()
        head[name] = {"dtype": dtype, "shape": list(x.shape), "data_offsets": [len(raw), len(raw) + len(data)]}
        raw += data
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + raw)


class Model:
    """Modules of a network whose activations and gradients are random numbers."""

    def __init__(self, rng):
        self.rng = rng
        self.dtype = str(rng.choice(list(STORED)))
        self.level = "grads" if rng.random() < .2 else "rows"
        self.row_sets, self.groups, self.modules = {}, [], []
        for i in range(rng.integers(1, 4)):
            kind = rng.choice(["ex", "tok", "pos", "conv"], p=[.4, .25, .15, .2])
            self.add_group(str(i), "ex" if self.level == "grads" else kind)  # gradients have lost their positions
        self.add_group("last", "ex")

    def add_group(self, name, kind):
        """Adds an input and one to three modules that read it."""
        r, conv, layout, width = self.rng, None, "rows", int(self.rng.integers(1, 9))
        if kind == "conv":
            channels, h, w = (int(v) for v in r.integers(1, 5, 3) + [0, 2, 2])
            kernel, stride, padding = ([int(v) for v in r.integers(lo, hi, 2)] for lo, hi in ((1, 4), (1, 3), (0, 2)))
            out = [(side + 2 * p - k) // s + 1 for side, p, k, s in zip((h, w), padding, kernel, stride)]
            layout, width = "nchw", channels * kernel[0] * kernel[1]
            conv = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": [1, 1], "groups": 1,
                    "in_shape": [channels, h, w], "out_shape": out, "patch_order": "c,kh,kw"}
            kind = "conv" + name
            self.row_sets[kind] = {"rows": out[0] * out[1]}
        else:
            self.row_sets[kind] = {"rows": {"ex": 1, "pos": 3, "tok": "ragged"}[kind]}
        self.groups.append({"name": name, "width": width, "layout": layout, "row_set": kind})
        for m in range(1 if name == "last" else r.integers(1, 4)):
            self.modules.append({
                "name": f"{name}.{m}", "kind": "conv2d" if conv else "linear", "in": width, "out": int(r.integers(1, 6)),
                "bias": bool(r.random() < .5), "input_group": name, "row_set": kind, "weight_layout": "out_in",
                "conv": conv, "params": []})

    def numbers(self, *shape):
        """Random numbers in the stored type, as a safetensors dtype and an array."""
        x = self.rng.normal(size=shape)
        if self.dtype == "BF16":
            return "BF16", (x.astype("<f4").view("<u4") >> 16).astype("<u2")
        return self.dtype, x.astype(STORED[self.dtype])

    def write(self, folder, n, rate):
        """Writes a capture of n examples in some shards."""
        os.makedirs(folder)
        cuts = sorted({0, n, *self.rng.integers(1, n, self.rng.integers(0, 3))})
        shards = []
        for i, (lo, hi) in enumerate(zip(cuts[:-1], cuts[1:])):
            file = f"{i:05}.safetensors"
            write_tensors(os.path.join(folder, file), self.shard(int(lo), int(hi), n))
            digest = hashlib.sha256(open(os.path.join(folder, file), "rb").read()).hexdigest()
            shards.append({"file": file, "first": int(lo), "n": int(hi - lo), "sha256": digest})
        manifest = {
            "format": "infl-capture", "version": 1, "level": self.level, "dtype": self.dtype, "split": "any", "n": n,
            "loss": {"name": "any", "reduction": "sum", "labels": "dataset", "measurement": "loss"},
            "checkpoint": {"lr": rate}, "dataset": {}, "row_sets": self.row_sets, "input_groups": self.groups,
            "modules": self.modules, "coverage": {"captured_params": 1, "total_params": 1, "skipped": []}, "shards": shards}
        with open(os.path.join(folder, "manifest.json"), "w") as f:
            json.dump(manifest, f)

    def shard(self, lo, hi, total):
        n = hi - lo
        out = {"ids": ("I64", np.arange(lo, hi)), "loss": ("F64", self.rng.normal(size=n)), "ntok": ("I64", np.ones(n, int)),
               "flag": ("U8", np.zeros(n, np.uint8))}
        if self.level == "grads":
            for m in self.modules:
                out["G/" + m["name"]] = self.numbers(n, m["out"], m["in"] + m["bias"])
            return out
        rows = {}
        for name, s in self.row_sets.items():
            rows[name] = n * s["rows"] if s["rows"] != "ragged" else 0
            if s["rows"] == "ragged":
                lengths = self.rng.integers(0, 6, n)
                if lo == 0:
                    lengths[0] += total  # the reference takes as many rows as examples for one row each
                offsets = np.concatenate([[0], np.cumsum(lengths)])
                out["offsets/" + name], rows[name] = ("I64", offsets), int(offsets[-1])
        for g in self.groups:
            shape = (rows[g["row_set"]], g["width"])
            if g["layout"] == "nchw":
                shape = (n, *next(m["conv"]["in_shape"] for m in self.modules if m["input_group"] == g["name"]))
            out["a/" + g["name"]] = self.numbers(*shape)
        for m in self.modules:
            out["g/" + m["name"]] = self.numbers(rows[m["row_set"]], m["out"])
        return out


class Case:
    """A drawn model with its captures, what infl says of them and what the reference does."""

    def __init__(self, ref, rng, infl, work):
        self.ref, self.rng, self.infl, self.work, self.runs = ref, rng, infl, work, 0
        self.model = Model(rng)
        self.n, self.q = int(rng.integers(5, 60)), int(rng.integers(2, 40))
        self.rates = rng.uniform(.01, .2, 2)
        self.sides = []
        for i, rate in enumerate(self.rates):
            for side, rows in (("train", self.n), ("query", self.q)):
                self.model.write(self.path(f"ckpt{i}", side), rows, rate)
            self.sides.append([ref.Rows(self.path(f"ckpt{i}", side)) for side in ("train", "query")])
        self.both = ["--train", self.path("ckpt0", "train"), "--query", self.path("ckpt0", "query")]
        self.checkpoints = [f for i in range(2) for f in ("--checkpoint", self.path(f"ckpt{i}"))]

    def path(self, *names):
        return os.path.join(self.work, *names)

    def blocks(self, checkpoint=0):
        """Gradients of both sides, module by module."""
        train, query = self.sides[checkpoint]
        return [[s.grads(m).reshape(s.n, -1) for s in (train, query)] for m in train.mods]

    def whole(self, checkpoint=0):
        return [np.concatenate(side, 1) for side in zip(*self.blocks(checkpoint))]

    def score(self, method, *flags):
        run = self.path(f"run{self.runs}")
        self.runs += 1
        self.run("score", "--method", method, "--dtype", "float64", "--out", run, *flags)
        return run

    def run(self, *arguments):
        command = [self.infl, *arguments, "--quiet", "--workers", str(self.rng.integers(1, 5)), "--memory", str(self.rng.choice(["600MB", "2GB"]))]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(" ".join(command) + "\n" + done.stderr)

    def matrix(self, method, *flags):
        return np.load(os.path.join(self.score(method, "--top", "0", "--matrix", "npy", *flags), "matrix.npy"))

    def rows(self, method, *flags):
        return pq.read_table(os.path.join(self.score(method, *flags), "rows.parquet")).to_pandas()

    def near(self, what, got, want, most=1e-9):
        got, want = np.asarray(got, float), np.asarray(want, float)
        if got.shape != want.shape:
            raise SystemExit(f"{what}: {got.shape} instead of {want.shape}")
        error = np.abs(got - want).max() / max(np.abs(want).max(), 1e-300)
        if not error <= most:
            raise SystemExit(f"{what}: differs by {error:.1e} ({self.work}, dtype {self.model.dtype}, level {self.model.level})")

    # ------------------------------------------------------------ methods
    def products(self):
        train, query = self.sides[0]
        want = self.ref.pairwise({m: None for m in train.mods}, train, query, "identity")[0]
        self.near("dot", self.matrix("dot", *self.both), want)
        self.near("dot self", self.rows("dot", "--self", *self.both[:2])["self"], (self.whole()[0] ** 2).sum(1))
        self.near("cosine", self.matrix("cosine", *self.both), cosines(*self.whole()))
        groups = self.path("groups.txt")
        of = self.rng.integers(0, 3, self.q)
        np.savetxt(groups, of, fmt="%d")
        rows = self.rows("dot", "--top", "0", "--aggregate", "max", "--by", "@" + groups, *self.both)
        means = np.stack([want[of == g].mean(0) for g in np.unique(of)])
        order = rows.assign(query_group=rows.query_group.astype(int)).sort_values(["query_group", "train_row"])
        self.near("mean by groups", order["mean"].to_numpy().reshape(means.shape), means)
        self.near("max_mean by groups", order["max_mean"].to_numpy().reshape(means.shape), np.broadcast_to(means.max(0), means.shape))

    def finer(self):
        """Scores of modules, and of the tokens of rows."""
        train, query = self.sides[0]
        per = self.ref.pairwise({m: None for m in train.mods}, train, query, "identity")[1]
        got = self.matrix("dot", "--per", "module", *self.both)
        self.near("dot of modules", got, np.stack(list(per.values()), 1).reshape(got.shape))
        got = self.matrix("datainf", "--per", "module", *self.both)
        self.near("datainf of modules", got, np.stack(list(self.ref.datainf(train, query)[1].values()), 1).reshape(got.shape))
        sets = {m["row_set"] for m in self.model.modules if m["row_set"] in ("tok", "pos")}
        if len(sets) != 1 or self.model.level == "grads":
            return
        train, query = copy.copy(train), copy.copy(query)
        for side in (train, query):
            side.mods = {m["name"]: side.mods[m["name"]] for m in self.model.modules if m["row_set"] in sets}
        tokens = self.ref.per_token({m: None for m in train.mods}, train, query, "identity")
        lengths = np.diff(next(iter(train.mods.values()))[2])
        there = np.arange(tokens.shape[2]) < lengths[:, None]
        run = self.score("dot", "--per", "token", "--matrix", "npy", *self.both)
        self.near("dot of tokens", np.load(os.path.join(run, "matrix.npy")), tokens[:, there])
        rows = pq.read_table(os.path.join(run, "rows.parquet")).to_pandas()
        self.near("tokens", rows[["train_row", "token"]], np.argwhere(there))
        top = pq.read_table(os.path.join(run, "scores.parquet")).to_pandas()
        self.near("scores of tokens", top.score, tokens[top.query_row, top.train_row, top.token])

    def tracin(self):
        want = sum(r * q @ t.T for r, (t, q) in zip(self.rates, (self.whole(i) for i in range(2))))
        self.near("tracin", self.matrix("tracin", *self.checkpoints), want)
        want = sum(r * cosines(*self.whole(i)) for i, r in enumerate(self.rates))
        self.near("tracin cosine", self.matrix("tracin", "--normalize", "cosine", *self.checkpoints), want)
        if self.model.level == "rows":
            want = sum(r * q @ t.T for r, (t, q) in zip(self.rates, (self.blocks(i)[-1] for i in range(2))))
            self.near("tracin-last", self.matrix("tracin-last", *self.checkpoints), want)

    def inverses(self):
        train, query = self.sides[0]
        self.near("datainf", self.matrix("datainf", *self.both), self.ref.datainf(train, query)[0])
        damping = float(self.rng.uniform(.05, 2))
        flags = ["--damping", str(damping), *self.both]
        self.near("datainf, absolute", self.matrix("datainf", *flags), self.ref.datainf(train, query, damping)[0])
        want, own, moved = 0, 0, 0
        for t, q in self.blocks():
            h = t.T @ t / self.n + damping * np.eye(t.shape[1])
            p = np.linalg.solve(h, t.T)
            want, own, moved = want + q @ p, own + (t.T * p).sum(0), moved + (p ** 2).sum(0)
        self.near("exact", self.matrix("exact", *flags), want)
        self.near("exact self", self.rows("exact", "--self", *flags[:4])["self"], own)
        self.near("l-relatif", self.matrix("exact", "--normalize", "l-relatif", *flags), want / np.sqrt(own))
        self.near("theta-relatif", self.matrix("exact", "--normalize", "theta-relatif", *flags), want / np.sqrt(moved))
        self.near("logra", self.matrix("logra", *flags), want)
        self.near("cg", self.matrix("cg", *flags), want, 1e-7)
        strong = max(np.linalg.norm(t.T @ t, 2) for t, _ in self.blocks()) / self.n / 20  # lissa gives up below some damping
        slow = sum(q @ np.linalg.solve(t.T @ t / self.n + strong * np.eye(t.shape[1]), t.T) for t, q in self.blocks())
        self.near("lissa", self.matrix("lissa", "--damping", str(strong), *self.both), slow, 1e-4)
        sets = [self.rng.choice(self.n, self.rng.integers(1, self.n), replace=False) for _ in range(3)]
        with open(self.path("sets.txt"), "w") as f:
            f.write("\n\n".join("\n".join(str(k) for k in s) for s in sets) + "\n")
        first = np.stack([want[:, s].sum(1) for s in sets], 1)
        self.near("sets, first order", self.matrix("cg", "--remove", "@" + self.path("sets.txt"), *flags), first, 1e-7)
        newton = np.zeros_like(first)
        for t, q in self.blocks():
            for k, s in enumerate(sets):
                rest = (t.T @ t - t[s].T @ t[s]) / self.n + damping * np.eye(t.shape[1])
                newton[:, k] += q @ np.linalg.solve(rest, t[s].sum(0))
        self.near("sets, Newton", self.matrix("exact", "--remove", "@" + self.path("sets.txt"), *flags), newton, 1e-8)
        widest = max(t.shape[1] for t, _ in self.blocks())
        self.near("nystroem", self.matrix("nystroem", "--rank", str(widest), *flags), want, 1e-6)

    def fitted(self, method):
        """Factors of the train rows, computed in float64."""
        folder = self.path("factors-" + method)
        self.run("fit", "--method", method, "--dtype", "float64", "--out", folder, *self.both[:2])
        return ["--factors", folder]

    def curvatures(self):
        """Fitted curvatures; gradients of whole examples have a diagonal one only."""
        train, query = self.sides[0]
        factors = self.ref.factors(train)
        damping = float(self.rng.uniform(.01, 2))
        methods = {"diagonal": ("diagonal", self.fitted("diagonal"))}
        if self.model.level == "rows":
            whole = self.fitted("ekfac")
            methods |= {"ekfac": ("ekfac", whole), "kfac": ("kfac", [*whole, "--form", "compat"]), "kfac_per_example": ("kfac", whole)}
        for strategy, (method, flags) in methods.items():
            for value in (None, damping):
                said = [*flags, "--damping", "heuristic" if value is None else str(value)]
                want, per = self.ref.pairwise(factors, train, query, strategy, value)
                self.near(strategy, self.matrix(method, *said, *self.both), want)
                self.near(f"{strategy} self", self.rows(method, "--self", *said, *self.both[:2])["self"], self.ref.self_scores(factors, train, strategy, value))
            got = self.matrix(method, "--per", "module", *said, *self.both)
            self.near(f"{strategy} of modules", got, np.stack(list(per.values()), 1).reshape(got.shape))

    def trak(self):
        flags, inner, chances = [], 0, 0
        for i in range(2):
            folder, phi, out = self.path(f"trak{i}"), self.rng.normal(size=(self.n + self.q, 5)), self.rng.random(self.n)
            os.makedirs(folder)
            for name, x in (("train", phi[:self.n]), ("query", phi[self.n:]), ("out_to_loss", out[:, None])):
                np.save(os.path.join(folder, name + ".npy"), x)
            inner, chances = inner + self.ref.trak(phi[self.n:], phi[:self.n], np.ones(self.n), .3) / 2, chances + out / 2
            flags += ["--checkpoint", folder]
        self.near("trak", self.matrix("trak", "--damping", "0.3", *flags), inner * chances)

    def less(self):
        want = 0
        for i, rate in enumerate(self.rates):
            t, q = self.whole(i)
            m, v = self.rng.normal(size=t.shape[1]), self.rng.random(t.shape[1])
            write_tensors(self.path(f"ckpt{i}", "optimizer.safetensors"), {"exp_avg": ("F64", m), "exp_avg_sq": ("F64", v)})
            step = (.9 * m + .1 * t) / np.sqrt(.999 * v + .001 * t * t + 1e-8)
            want = want + rate / self.rates.sum() * cosines(step, q)
        self.near("less", self.matrix("less", *self.checkpoints), want)

    def representer(self):
        """The fit to logits, by a dense Newton method; the values add up to the logits."""
        d, k, mu = int(self.rng.integers(1, 6)), int(self.rng.integers(2, 5)), float(self.rng.uniform(.01, 1))
        f, z, fq = (self.rng.normal(size=s) * 2 for s in ((self.n, d), (self.n, k), (self.q, d)))
        classes = self.rng.integers(0, k, self.q)
        for folder, files in (("last/train", {"features": f, "logits": z}), ("last/query", {"features": fq, "classes": classes[:, None].astype(float)})):
            os.makedirs(self.path(folder))
            for name, x in files.items():
                np.save(self.path(folder, name + ".npy"), x)
        x, theta, target = np.c_[f, np.ones(self.n)], np.zeros((k, d + 1)), softmax(z)
        for _ in range(50):
            p = softmax(x @ theta.T)
            slope = (p - target).T @ x / self.n + mu * theta
            curve = np.einsum("na,ab,ni,nj->aibj", p, np.eye(k), x, x) - np.einsum("na,nb,ni,nj->aibj", p, p, x, x)
            curve = curve.reshape(theta.size, -1) / self.n + mu * np.eye(theta.size)
            theta = theta - np.linalg.solve(curve, slope.ravel()).reshape(theta.shape)
        alpha = (target - softmax(x @ theta.T)) / (mu * self.n)
        got = self.matrix("representer", "--damping", str(mu), "--train", self.path("last/train"), "--query", self.path("last/query"))
        xq = np.c_[fq, np.ones(self.q)]
        self.near("representer", got, alpha[:, classes].T * (xq @ x.T), 1e-8)
        self.near("representer sums", got.sum(1), (xq @ theta.T)[np.arange(self.q), classes], 1e-8)


def cosines(t, q):
    def unit(x):
        norm = np.linalg.norm(x, axis=1, keepdims=True)
        return np.divide(x, norm, out=np.zeros_like(x), where=norm > 0)
    return unit(q) @ unit(t).T


def softmax(z):
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("seed", type=int)
    p.add_argument("count", type=int)
    p.add_argument("reference")
    p.add_argument("--infl", required=True)
    p.add_argument("--work", required=True)
    a = p.parse_args()
    spec = importlib.util.spec_from_file_location("ref", os.path.join(a.reference, "ref.py"))
    ref = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ref)
    runs = 0
    for i in range(a.count):
        case = Case(ref, np.random.default_rng([a.seed, i]), a.infl, os.path.join(a.work, f"case{i}"))
        for method in (case.products, case.tracin, case.inverses, case.curvatures, case.trak, case.less, case.representer, case.finer):
            method()
        runs += case.runs
        shutil.rmtree(case.work)
    print(f"note: {a.count} captures from seed {a.seed}, {runs} runs agree with the reference (INFL_SEED={a.seed} draws them again)")


if __name__ == "__main__":
    main()
