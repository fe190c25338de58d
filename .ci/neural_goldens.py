"""Runs infl for the golden arrays of methods on vectors.

python neural_goldens.py CASES OUT --infl BINARY --work DIR [--dtype float32|float64]

Captures and the stores of other tools are scored as they are; what has to be projected
first is written out.
OUT/<case>/<name>.npy is what golden/check/neural_check.py compares.
"""
import argparse
import glob
import json
import os
import subprocess

import numpy as np
import pyarrow.parquet as pq

NUMBERS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1", "BF16": "<u2"}


def tensors(path):
    """Reads a safetensors file as a dict of arrays; BF16 becomes float32."""
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        head = json.loads(f.read(size))
        raw = f.read()
    out = {}
    for name, d in head.items():
        if name != "__metadata__":
            begin, end = d["data_offsets"]
            x = np.frombuffer(raw[begin:end], NUMBERS[d["dtype"]]).reshape(d["shape"])
            out[name] = (x.astype("<u4") << 16).view("<f4") if d["dtype"] == "BF16" else x
    return out


def unfold(x, conv):
    """[n, c, h, w] -> patches [n, positions, c*kh*kw], zero padding, positions row-major."""
    (kh, kw), (sh, sw), (ph, pw) = conv["kernel"], conv["stride"], conv["padding"]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    w = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    w = w.transpose(0, 2, 3, 1, 4, 5)
    return w.reshape(w.shape[0], w.shape[1] * w.shape[2], -1)


class Capture:
    """One split of a capture folder: rows of a and g, or gradients, per module."""

    def __init__(self, folder):
        self.manifest = json.load(open(os.path.join(folder, "manifest.json")))
        self.shards = [tensors(os.path.join(folder, s["file"])) for s in self.manifest["shards"]]
        self.ids = np.concatenate([s["ids"] for s in self.shards])
        self.loss = np.concatenate([s["loss"] for s in self.shards])

    def gradients(self):
        """Module names and gradients [n, out * in(+1)] in float64."""
        groups = {g["name"]: g for g in self.manifest.get("input_groups", [])}
        out = {}
        for m in self.manifest["modules"]:
            parts = []
            for s in self.shards:
                if "G/" + m["name"] in s:
                    g = s["G/" + m["name"]].astype(np.float64)
                    parts.append(g.reshape(len(g), -1))
                    continue
                a, g = self.rows(s, m, groups[m["input_group"]])
                parts += [np.einsum("to,ti->oi", y, x).ravel()[None] for x, y in zip(a, g)]
            out[m["name"]] = np.concatenate(parts)
        return out

    def rows(self, shard, module, group):
        """Per example: inputs with the 1 of a bias, and output gradients."""
        n = len(shard["ids"])
        a = shard["a/" + module["input_group"]].astype(np.float64)
        g = shard["g/" + module["name"]].astype(np.float64)
        offsets = shard.get("offsets/" + module["row_set"])
        if group["layout"] == "nchw":
            a = unfold(a, module["conv"])
            a = a.reshape(-1, a.shape[2])
        if module["bias"]:
            a = np.concatenate([a, np.ones((len(a), 1))], 1)
        if offsets is None:
            offsets = np.arange(n + 1) * (len(g) // n)
        cut = list(zip(offsets[:-1], offsets[1:]))
        return [a[lo:hi] for lo, hi in cut], [g[lo:hi] for lo, hi in cut]


class Runner:
    def __init__(self, args):
        self.args, self.runs = args, 0
        args.work = os.path.abspath(args.work)

    def score(self, method, *flags):
        """Runs infl score and returns the run folder."""
        run = os.path.join(self.args.work, f"run{self.runs}")
        self.runs += 1
        self.infl("score", "--method", method, "--dtype", self.args.dtype, "--out", run, "--quiet", *flags)
        return run

    def convert(self, *source, flags=()):
        """Runs infl convert on something of the goldens and returns the array."""
        out = os.path.join(self.args.work, f"converted{self.runs}.npy")
        self.runs += 1
        self.infl("convert", os.path.join(self.args.cases, *source), out, "--to", "npy", "--dtype", self.args.dtype, "--quiet", *flags)
        return np.load(out)

    def infl(self, *arguments):
        command = [self.args.infl, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(" ".join(command) + "\n" + done.stderr)

    def evaluate(self, protocol, run, name, *flags):
        """Runs infl eval on a run and returns one of the arrays that it writes."""
        out = os.path.join(self.args.work, f"eval{self.runs}")
        self.runs += 1
        self.infl("eval", "--protocol", protocol, "--scores", run, "--out", out, "--quiet", *flags)
        path = os.path.join(out, name)
        return np.load(path) if name.endswith(".npy") else np.loadtxt(path, delimiter=",", skiprows=1)

    def matrix(self, method, *flags):
        return np.load(os.path.join(self.score(method, "--top", "0", "--matrix", "npy", *flags), "matrix.npy"))

    def self_scores(self, method, *flags):
        return column(self.score(method, "--self", *flags), "self")

    def save(self, case, name, array):
        folder = os.path.join(self.args.out, case)
        os.makedirs(folder, exist_ok=True)
        np.save(os.path.join(folder, name + ".npy"), array)

    def factors(self, case, method, *flags):
        """Fits the curvature of the train rows of a case and returns the folder."""
        folder = self.folder(case, "-".join(["factors", method, *(f.strip("-") for f in flags)]))
        if not os.path.exists(folder):
            self.infl("fit", "--method", method, "--dtype", self.args.dtype, "--train", self.capture(case, "train"), "--out", folder, "--quiet", *flags)
        return folder

    def curvature(self, method, factors, damping, *flags):
        """Scores through a fitted curvature; K-FAC in the unit of kronfluence is kfac, of examples kfac_per_example."""
        form = ["--form", "compat"] if method == "kfac" else []
        return self.matrix(method.removesuffix("_per_example"), "--factors", factors, "--damping", damping.removeprefix("abs"), *form, *flags)

    def representer(self, case, mu, train, name, asked):
        """The representer values of train rows for the features and classes that are asked about."""
        query = self.folder(case, name)
        os.makedirs(query)
        for file, x in asked.items():
            np.save(os.path.join(query, file + ".npy"), np.asarray(x, np.float64))
        return self.matrix("representer", "--damping", mu, "--train", train, "--query", query)

    def tokens(self, case, both):
        """Scores of tokens add up to those of their rows, which are compared."""
        run = self.score("dot", "--per", "token", "--matrix", "npy", "--top", "0", *both)
        rows = pq.read_table(os.path.join(run, "rows.parquet")).to_pandas()
        parts = np.load(os.path.join(run, "matrix.npy"))
        whole = np.stack([np.bincount(rows.train_row, p) for p in parts])
        want = np.load(os.path.join(self.args.cases, case, "expected", "pairwise_identity.npy"))
        error = np.abs(whole - want).max() / np.abs(want).max()
        if error > (1e-9 if self.args.dtype == "float64" else 5e-5):
            raise SystemExit(f"{case}: scores of tokens add up to other ones, by {error:.1e}")

    def expected(self, case, name):
        return np.load(os.path.join(self.args.cases, case, "expected", name + ".npy"))

    def folder(self, *names):
        return os.path.join(self.args.work, "stores", *names)

    def store(self, blocks, *names):
        """Writes blocks as the files of a folder, in order, and returns it."""
        folder = self.folder(*names)
        os.makedirs(folder, exist_ok=True)
        for i, (name, x) in enumerate(blocks.items()):
            np.save(os.path.join(folder, f"{i:03}-{name}.npy"), np.ascontiguousarray(x, np.float64))
        return folder

    def sides(self, case, *names):
        """The flags that name both sides of a capture."""
        return ["--train", self.capture(case, *names, "train"), "--query", self.capture(case, *names, "query")]

    def capture(self, case, *names):
        return os.path.join(self.args.cases, case, "capture", *names)


def column(run, name):
    return np.asarray(pq.read_table(os.path.join(run, "rows.parquet"))[name])


def rows_cases(r):
    """mlp_optdigits, cnn_mnist, gpt_shakespeare: the inner products of gradients."""
    for case in ("mlp_optdigits", "cnn_mnist", "gpt_shakespeare"):
        both = r.sides(case)
        r.save(case, "pairwise_identity", r.matrix("dot", *both))
        squares = r.self_scores("dot", *both[:2])
        if case == "gpt_shakespeare":
            r.tokens(case, both)
        r.save(case, "self_identity", squares)
        r.save(case, "grad_norm_train", np.sqrt(squares))


def curvatures(r):
    """The same cases through all curvatures, module by module, token by token, and of sums."""
    for case in ("mlp_optdigits", "cnn_mnist", "gpt_shakespeare"):
        both, whole, squares = r.sides(case), r.factors(case, "ekfac"), r.factors(case, "diagonal")
        for method in ("ekfac", "kfac", "kfac_per_example", "diagonal"):
            for damping in ("heuristic", "abs0.001"):
                factors = squares if method == "diagonal" else whole
                r.save(case, f"pairwise_{method}_{damping}", r.curvature(method, factors, damping, *both))
        r.save(case, "pairwise_ekfac_heuristic_rank4", r.curvature("ekfac", whole, "heuristic", "--rank", "4", *both))
        r.save(case, "self_ekfac", r.self_scores("ekfac", "--factors", whole, *both[:2]))
        r.save(case, "self_kfac", r.self_scores("kfac", "--form", "compat", "--factors", whole, *both[:2]))
        r.save(case, "self_diagonal", r.self_scores("diagonal", "--factors", squares, *both[:2]))
        modules = len(Capture(both[1]).manifest["modules"])
        per_module = r.curvature("ekfac", whole, "heuristic", "--per", "module", *both)  # query by query, the modules of each
        r.save(case, "pairwise_per_module_ekfac_heuristic", per_module.reshape(-1, modules, per_module.shape[1]).swapaxes(0, 1))
        run = r.score("ekfac", "--factors", whole, "--top", "0", "--aggregate", "sum", *both)
        r.save(case, "pairwise_ekfac_heuristic_query_sum", column(run, "sum")[None])
    run = r.score("ekfac", "--factors", whole, "--per", "token", "--matrix", "npy", "--top", "0", *both)
    rows = pq.read_table(os.path.join(run, "rows.parquet")).to_pandas()
    tokens = np.load(os.path.join(run, "matrix.npy"))
    padded = np.zeros((len(tokens), rows.train_row.max() + 1, rows.token.max() + 1))
    padded[:, rows.train_row, rows.token] = tokens
    r.save(case, "per_token_ekfac_heuristic", padded)


def tracin(r):
    case = "tracin_optdigits"
    every = []
    for i in range(3):
        name = f"ckpt{i}"
        r.save(case, f"tracin_{name}", r.matrix("tracin", "--checkpoint", r.capture(case, name)))
        every += ["--checkpoint", r.capture(case, name)]
    r.save(case, "tracin", r.matrix("tracin", *every))
    r.save(case, "tracin_self", r.self_scores("tracin", *every))
    r.save(case, "tracin_cosine", r.matrix("tracin", "--normalize", "cosine", *every))
    r.save(case, "tracin_last", r.matrix("tracin-last", *every))
    r.save(case, "tracin_last_nobias", r.matrix("tracin-last", "--no-bias", *every))
    r.save(case, "tracin_last_self_nobias", r.self_scores("tracin-last", "--no-bias", *every))
    top = pq.read_table(os.path.join(r.score("tracin", "--top", "10", *every), "scores.parquet")).to_pandas()
    top = top[top.side == "helpful"]
    r.save(case, "tracin_top10_ids", np.stack([t.train_key.to_numpy() for _, t in top.groupby("query_row")]))


def lora(r):
    case = "lora_sms"
    source = os.path.join(r.args.cases, case)
    run = json.load(open(os.path.join(source, "capture", "run.json")))
    groups = np.load(os.path.join(source, "expected", "query_group.npy"))
    by = os.path.join(r.args.work, "groups.txt")
    np.savetxt(by, groups, fmt="%d")
    signs = os.path.join(r.args.work, "signs.npy")
    np.save(signs, tensors(os.path.join(source, "expected", "projection.safetensors"))["projection"].astype(np.float64))
    raw, projected = [], []
    for i, c in enumerate(run["checkpoints"]):
        name = f"ckpt{i}"
        raw += ["--checkpoint", r.capture(case, name)]
        adam = ["--adam", r.capture(case, name, "optimizer.safetensors")]
        os.makedirs(r.folder(case, name))
        directions = r.convert(case, "capture", name, "train", flags=adam)
        moved = r.convert(case, "capture", name, "train", flags=[*adam, "--matrix", signs])
        np.save(os.path.join(r.folder(case, name), "train.npy"), moved)
        np.save(os.path.join(r.folder(case, name), "query.npy"), r.convert(case, "capture", name, "query", flags=["--matrix", signs]))
        projected += ["--checkpoint", r.folder(case, name) + f"@{c['lr']}"]
    r.save(case, "less_adam_ckpt1", directions[:50])
    r.save(case, "less_projected_train_ckpt1", moved)
    both = r.sides(case, "ckpt1")
    r.save(case, "identity", r.matrix("dot", *both))
    r.save(case, "datainf", r.matrix("datainf", *both))
    blocks = len(Capture(both[1]).manifest["modules"])
    per_block = r.matrix("datainf", "--per", "module", *both)  # query by query, the blocks of each
    r.save(case, "datainf_per_block", per_block.reshape(-1, blocks, per_block.shape[1]).swapaxes(0, 1))
    run = r.score("exact", "--top", "0", "--aggregate", "mean", *both)
    r.save(case, "block_exact_mean_query", column(run, "mean"))
    r.save(case, "less_scores_unprojected", r.matrix("less", *raw))
    r.save(case, "less_scores", r.matrix("less", *projected))
    run = r.score("less", "--top", "0", "--aggregate", "mean", "--by", "@" + by, *projected)
    best = column(run, "max_mean")[::len(np.unique(groups))]  # the same in the rows of all tasks
    r.save(case, "less_subtask_max", best)
    ids = Capture(os.path.join(source, "capture", "ckpt1", "train")).ids
    r.save(case, "less_top5pct_ids", ids[np.argsort(-best, kind="stable")[:len(best) // 20]])


def trak(r):
    case = "trak_optdigits"
    source = os.path.join(r.args.cases, case)
    parameters = json.load(open(os.path.join(source, "expected.json")))["parameters"]
    signs = tensors(os.path.join(source, "expected", "projection.safetensors"))
    signs = [signs[k].astype(np.float64) for k in sorted(signs)]  # one for each model
    flags = []
    for i in range(2):
        for side in ("train", "query"):
            capture = Capture(os.path.join(source, "capture", f"ckpt{i}", side))
            # The projection has all weights of a layer before its biases.
            parts = []
            for m in capture.manifest["modules"]:
                g = capture.gradients()[m["name"]].reshape(-1, m["out"], m["in"] + 1)
                parts += [g[:, :, :-1].reshape(len(g), -1), g[:, :, -1]]
            phi = np.concatenate(parts, 1) @ signs[i] / np.sqrt(parameters)
            r.store({"phi": phi}, case, f"ckpt{i}", side)
            if side == "train":
                np.save(os.path.join(r.folder(case, f"ckpt{i}"), "out_to_loss.npy"), 1 / (1 + np.exp(capture.loss)))
        flags.append(["--checkpoint", r.folder(case, f"ckpt{i}")])
    for damping in ("0", "0.01"):
        r.save(case, "trak_lambda" + damping, r.matrix("trak", "--damping", damping, *flags[0], *flags[1]))
        r.save(case, f"trak_lambda{damping}_package_scaled", r.matrix("trak", "--form", "compat", "--damping", damping, *flags[0], *flags[1]))
    r.save(case, "trak_lambda0_ckpt0", r.matrix("trak", *flags[0]))


def softmax(r):
    for case, mu in (("softmax_exact", "0.01"), ("softmax_exact_strong", "0.1")):
        both = r.sides(case)
        r.save(case, "influence_empirical_fisher_dense", r.matrix("exact", "--damping", mu, *both))
        r.save(case, "pairwise_identity_mu", r.matrix("dot", *both))
        r.save(case, "datainf_mu", r.matrix("datainf", "--damping", mu, *both))
        r.save(case, "representer_values", r.matrix("representer", "--damping", mu, *both))
        # A query without features has only its bias: the values are the coefficients.
        asked = {"features": np.zeros((10, 64)), "classes": np.arange(10)[:, None]}
        r.save(case, "representer_alpha", r.representer(case, mu, both[1], "alpha", asked).T)
        features = Capture(both[3]).shards[0]["a/" + Capture(both[3]).manifest["modules"][-1]["input_group"]]
        whole, squares, expected = r.factors(case, "ekfac"), r.factors(case, "diagonal"), r.factors(case, "ekfac", "--labels", "exact")
        for damping in ("mu", "heuristic"):
            flags = (mu if damping == "mu" else damping, *both)
            for method, factors in (("ekfac", whole), ("kfac", whole), ("diagonal", squares)):
                r.save(case, f"pairwise_{method}_{damping}", r.curvature(method, factors, *flags))
        for method in ("ekfac", "kfac"):
            r.save(case, f"pairwise_{method}_type2_mu", r.curvature(method, expected, mu, *both))
        corrected = tensors(os.path.join(expected, "lambda_matrix.safetensors"))["linear"] / len(Capture(both[1]).ids)
        r.save(case, "lambda_type2_mean", np.sort(corrected.ravel()))
        logits = [r.representer(case, mu, both[1], f"class{k}", {"features": features, "classes": np.full((len(features), 1), k)}).sum(1) for k in range(10)]
        r.save(case, "query_logits", np.stack(logits, 1))


def lds(r):
    """Sums of scores against models that were trained on subsets."""
    case = "softmax_exact"
    both = r.sides(case)
    truth = [os.path.join(r.args.cases, case, "expected", f"lds_{x}.npy") for x in ("masks", "losses")]
    damping, expected = ["--damping", "0.01"], r.factors(case, "ekfac", "--labels", "exact")
    whole = [*damping, "--factors", r.factors(case, "ekfac")]
    for name, method, flags in (("influence_empirical_fisher_dense", "exact", damping), ("datainf_mu", "datainf", damping), ("pairwise_identity_mu", "dot", []),
                                ("pairwise_diagonal_mu", "diagonal", [*damping, "--factors", r.factors(case, "diagonal")]),
                                ("pairwise_ekfac_mu", "ekfac", whole), ("pairwise_kfac_mu", "kfac", whole),
                                ("pairwise_ekfac_type2_mu", "ekfac", [*damping, "--factors", expected]),
                                ("pairwise_kfac_type2_mu", "kfac", [*damping, "--factors", expected])):
        run = r.score(method, "--top", "0", "--matrix", "npy", *flags, *both)
        r.save(case, "lds_" + name, r.evaluate("lds", run, "series/lds.csv", "--masks", truth[0], "--losses", truth[1])[:, 1])


def kron(r):
    both = r.sides("kron_exact")
    r.save("kron_exact", "pairwise", r.matrix("exact", *both))
    r.save("kron_exact", "self", r.self_scores("exact", *both[:2]))
    most = 1e-9 if r.args.dtype == "float64" else 2e-4
    factors, want = r.factors("kron_exact", "ekfac"), r.expected("kron_exact", "pairwise")
    for method in ("ekfac", "kfac", "tkfac"):  # The curvature is a Kronecker product.
        same(f"kron_exact: {method}", r.matrix(method, "--factors", factors, *both), want, most)
        same(f"kron_exact: self of {method}", r.self_scores(method, "--factors", factors, *both[:2]), r.expected("kron_exact", "self"), most)


def ridge(r):
    """The leverage of rows is the self-influence of their features."""
    case = "ridge_exact"
    capture = Capture(r.capture(case, "train"))
    features = np.concatenate([s["a/" + capture.manifest["modules"][0]["input_group"]] for s in capture.shards])
    store = r.store({"features": np.c_[features, np.ones(len(features))]}, case, "features")
    expected = r.factors(case, "ekfac", "--labels", "exact")
    r.save(case, "kfac_gaussian", r.curvature("kfac", expected, "0.01", *r.sides(case)))
    r.save(case, "influence_exact", r.curvature("ekfac", expected, "0.01", *r.sides(case)))
    r.save(case, "leverage", r.self_scores("exact", "--damping", "0.01", "--train", store) / len(features))


def same(what, ours, theirs, most):
    """What no expected.json lists must agree with what the other tool says."""
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    if ours.shape != theirs.shape or error > most:
        raise SystemExit(f"{what}: {ours.shape} differs from {theirs.shape} by {error:.1e}")


def bergson(r):
    case = "bergson_mlp"
    index = [os.path.join(r.args.cases, case, side) for side in ("train_index", "query_index")]
    r.save(case, "projected_train", r.convert(index[0]))
    scores = r.matrix("dot", "--train", index[0], "--query", index[1])
    r.save(case, "scores", scores)
    same("scores.bin", r.convert(case, "scores"), scores, 1e-6)
    projected = r.folder(case, "projected")
    r.infl("fit", "--method", "store", "--train", r.capture("mlp_optdigits", "train"), "--projection", "16:bergson", "--out", projected)
    same("our projection", r.convert(projected)[:60], r.convert(index[0]), 1e-6)
    ours = r.matrix("dot", "--train", projected, "--query", r.capture("mlp_optdigits", "query"))
    same("scores of our projection", ours[:, :60], scores, 1e-5)
    ours = r.matrix("dot", "--train", projected, "--query", index[1])
    same("scores of our projection and bergson's", ours[:, :60], scores, 1e-5)


def trak_store(r):
    case, store = "trak_optdigits", os.path.join(r.args.cases, "trak_optdigits", "trak_store")
    for i in "01":
        r.save(case, f"phi_train_ckpt{i}", r.convert(case, "trak_store", i))
        r.save(case, f"out_to_loss_ckpt{i}", r.convert(case, "trak_store", i, "out_to_loss.mmap")[:, 0])
    scores = r.matrix("trak", "--form", "compat", "--damping", "0.01", "--checkpoint", store)
    same("TRAK's scores", r.convert(case, "trak_store"), scores, 2e-5)


def less_store(r):
    case, checkpoints = "lora_sms", []
    store = os.path.join(r.args.cases, case, "less_store")
    rates = json.load(open(os.path.join(r.args.cases, case, "expected.json")))["lr"]
    for i, rate in enumerate(rates):
        checkpoints += ["--checkpoint", os.path.join(store, f"ckpt{i}") + f"@{rate}"]
    expected = np.load(os.path.join(r.args.cases, case, "expected", "less_scores.npy"))
    same("LESS's store", r.matrix("less", *checkpoints), expected, 1e-5)


def kronfluence(r):
    for case, folder in (("mlp_optdigits", "kronfluence_f32"), ("cnn_mnist", "kronfluence_f32"), ("gpt_shakespeare", "kronfluence_f64")):
        pairwise, self_scores = (sorted(glob.glob(os.path.join(r.args.cases, case, folder, f"scores_{kind}*")))[0] for kind in ("p", "self"))
        for name, path in (("pairwise_ekfac_heuristic", pairwise), ("self_ekfac", self_scores)):
            expected = np.load(os.path.join(r.args.cases, case, "expected", name + ".npy"))
            ours = r.convert(path)
            same(f"{case}: {name}", ours.sum(0) if ours.ndim > expected.ndim else ours, expected, 1e-4)
    most = {"kronfluence_f64": 1e-9 if r.args.dtype == "float64" else 5e-5}  # Those of float32 are wanted to 1e-5.
    for case, folder in (("mlp_optdigits", "kronfluence_f32"), ("mlp_optdigits", "kronfluence_f32_partitioned"),
                         ("cnn_mnist", "kronfluence_f32"), ("gpt_shakespeare", "kronfluence_f64")):
        source, both = os.path.join(r.args.cases, case, folder), r.sides(case)
        factors = os.path.join(source, "factors_ekfac")
        theirs = r.convert(sorted(glob.glob(os.path.join(source, "scores_p*")))[0])
        theirs = theirs.sum(0) if theirs.ndim > 2 else theirs
        same(f"{case}: {folder} through its factors", r.matrix("ekfac", "--factors", factors, *both), theirs, most.get(folder, 1e-5))
        for path in glob.glob(os.path.join(source, "scores_self*")):
            same(f"{case}: {folder}, self", r.self_scores("ekfac", "--factors", factors, *both[:2]), r.convert(path).reshape(-1), most.get(folder, 1e-5))


def table(r, case, split):
    """The features and labels of a convex case, as a table whose last column is the label."""
    expected = os.path.join(r.args.cases, case, "expected")
    capture = Capture(r.capture(case, split))
    x = np.concatenate([s["a/linear"] for s in capture.shards])
    if case == "ridge_exact":  # A residual is the prediction minus the label.
        theta = np.load(os.path.join(expected, "theta.npy"))
        y = x @ theta[:-1] + theta[-1] - np.concatenate([s["g/linear"] for s in capture.shards])[:, 0]
    else:
        y = np.load(os.path.join(expected, f"labels_{split}.npy"))
    path = os.path.join(r.args.work, f"{case}_{split}.npy")
    np.save(path, np.column_stack([x, y]).astype(np.float64))
    return path, f"Column_{x.shape[1]}"


def convex(r):
    """The convex models: trained on the rows of the captures they find the golden weights;
    influence by the exact Hessian, and what training without rows does."""
    for case, kind, mu in (("ridge_exact", "ridge", "0.01"), ("softmax_exact", "softmax", "0.01"), ("softmax_exact_strong", "softmax", "0.1")):
        expected = os.path.join(r.args.cases, case, "expected")
        train, label = table(r, case, "train")
        out = os.path.join(r.args.work, case + "_model")
        r.infl("train", "--kind", kind, "--l2", mu, "--standardize=false", "--train", train, "--label", label, "--out", out)
        weights = tensors(os.path.join(out, "model.safetensors"))
        found = np.column_stack([weights["linear.weight"], weights["linear.bias"]])
        r.save(case, "theta", found.reshape(np.load(os.path.join(expected, "theta.npy")).shape))

        hessian = ["--labels", "exact", "--damping", mu, *r.sides(case)]
        run = r.score("exact", "--top", "0", "--matrix", "npy", "--aggregate", "mean", *hessian)
        influence = np.load(os.path.join(run, "matrix.npy"))
        r.save(case, "influence_exact", influence)
        same(f"{case}: cg", r.matrix("cg", *hessian), influence, 1e-8 if r.args.dtype == "float64" else 1e-4)
        builtin = ["--trainer", "builtin", "--model", out, "--train", train, "--query", table(r, case, "query")[0], "--label", label]
        r.save(case, "loo_loss_change", r.evaluate("loo", run, "changes.npy", *builtin))
        if kind == "ridge":
            continue
        n = influence.shape[1]
        r.save(case, "loo_newton", r.matrix("exact", "--remove", "rows", *hessian) / n)
        keys = np.asarray(Capture(r.capture(case, "train")).ids)
        groups = os.path.join(r.args.work, case + "_groups.txt")
        with open(groups, "w") as f:
            for members in np.load(os.path.join(expected, "group_members.npy")):
                f.write("".join(f"{k}\n" for k in keys[members == 1]) + "\n")
        for name, method in (("group_newton", "exact"), ("group_first_order", "cg")):
            r.save(case, name, r.matrix(method, "--remove", "@" + groups, *hessian).T / n)
        r.save(case, "group_actual", r.evaluate("loo", run, "changes.npy", "--remove", "@" + groups, *builtin).T)
        masks = os.path.join(expected, "lds_masks.npy")
        if os.path.exists(masks):
            r.save(case, "lds_losses", r.evaluate("lds", run, "losses.npy", "--masks", masks, *builtin)[:, 0])
            series = r.evaluate("lds", run, "series/lds.csv", "--masks", masks, "--losses", os.path.join(expected, "lds_losses.npy"))
            r.save(case, "lds_influence_exact", series[:, 1])


def alike(r):
    """Other ways to the inverse reach the dense one."""
    both = r.sides("softmax_exact_strong")
    exact = r.matrix("exact", "--damping", "0.1", *both)
    for method, flags, most in (("cg", [], 1e-8), ("lissa", [], 1e-4), ("nystroem", ["--rank", "650"], 1e-6), ("logra", [], 0)):
        other = r.matrix(method, "--damping", "0.1", *flags, *both)
        error = np.abs(other - exact).max() / np.abs(exact).max()
        if error > (most if r.args.dtype == "float64" else max(most, 1e-4)):
            raise SystemExit(f"{method} differs from exact by {error:.1e}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("cases")
    p.add_argument("out")
    p.add_argument("--infl", required=True)
    p.add_argument("--work", required=True)
    p.add_argument("--dtype", default="float64")
    r = Runner(p.parse_args())
    for case in (rows_cases, curvatures, tracin, lora, trak, softmax, lds, kron, ridge, convex, bergson, trak_store, less_store, kronfluence, alike):
        case(r)


if __name__ == "__main__":
    main()
