"""Draws random LightGBM models with their tables and what the library itself says of them.

    python draw.py SEED COUNT OUT

writes OUT/seed.txt and one folder per model: model.txt, train and test tables (CSV or Parquet), case.json, and want.npz
with leaf numbers and raw margins of all rows.  Where INFL_GOLDEN is set, want.npz also holds influence matrices of the
first test rows by the independent reference there.  Models of which each iteration saw some of the rows have masks.npy
too, and no matrices: the reference knows of no masks.
"""
import csv
import gzip
import json
import os
import sys
import warnings
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
sys.dont_write_bytecode = True      # nothing is to appear beside the imported file
sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from row_masks import bags_of

GOLDEN = os.environ.get("INFL_GOLDEN")
if GOLDEN:
    sys.path.insert(0, str(Path(GOLDEN) / "make" / "gbdt"))
    import losses
    from ref import Problem

QUERIES = 60    # test rows
SCORED = 6      # test rows with influence
OBJECTIVES = ["regression", "binary", "multiclass", "multiclassova", "poisson", "huber", "fair", "gamma",
              "tweedie", "cross_entropy"]
EXTREME = [0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-35, -1e-35, 1.0000001e-35, 1e-34, 1e300, -1e300, 1e-5, 1e16]
WORDS = ["a,b", 'quo"te', "naïve", "漢字", " lead", "NA", "null", "1", "01", "1.0", "True", "back\\slash", "x" * 70]


# ---------------------------------------------------------------- features
def numeric(r, n):
    kind = r.choice(["normal", "few", "zeros", "extreme", "float32", "bool", "constant", "int"],
                    p=[.35, .15, .15, .1, .1, .05, .02, .08])
    x = r.normal(size=n) * 10.0 ** r.integers(-3, 4)
    if kind == "few":
        x = r.integers(-3, 4, n) * 0.1
    elif kind == "zeros":
        x[r.random(n) < .7] = 0.0
    elif kind == "extreme":
        at = r.random(n) < .3
        x[at] = r.choice(EXTREME, at.sum())
    elif kind == "float32":
        x = x.astype(np.float32)
    elif kind == "bool":
        return x > 0
    elif kind == "constant":
        x[:] = 7.0
    elif kind == "int":
        return r.integers(-50, 50, n)
    if r.random() < .4:
        x[r.random(n) < r.choice([.02, .3, .9])] = np.nan
    return x


def values(r):
    """The values of a category column."""
    k = int(r.choice([1, 2, 3, 4, 5, 8, 40, 120]))
    kind = r.choice(["text", "int", "float", "bool"], p=[.55, .3, .1, .05])
    if kind == "bool":
        return [False, True]
    if kind == "int":
        return sorted(int(v) for v in r.choice(1000, k, replace=False) - 200)
    if kind == "float":
        return sorted(float(v) for v in np.unique(np.round(r.normal(size=k) * 5, 2)))
    words = WORDS + [f"v{i}" for i in range(120)] if r.random() < .5 else [f"v{i}" for i in range(120)]
    return [str(v) for v in r.permutation(words)[:k]]


def category(r, n):
    v = values(r)
    p = r.dirichlet(np.full(len(v), r.choice([.3, 5.0])))
    codes = r.choice(len(v), n, p=p)
    if r.random() < .5:
        codes[r.random(n) < .1] = -1
    return pd.Categorical.from_codes(codes, v)


def features(r, n, style):
    """A table of features and the numbers of its coded columns (style "codes")."""
    p = int(r.integers(2, 13))
    names = [f"Column_{i}" if style == "array" else r.choice(["f", "blank in name ", "größe"]) + str(i) for i in range(p)]
    table, coded = {}, []
    for i, name in enumerate(names):
        if style == "frame" and r.random() < .4:
            table[name] = category(r, n)
        elif style != "frame" and r.random() < .25:
            coded.append(i)
            table[name] = r.integers(0, r.choice([3, 6, 50]), n).astype(float)
            if r.random() < .5:
                table[name][r.random(n) < .1] = np.nan
        else:
            table[name] = numeric(r, n)
    return pd.DataFrame(table), coded


def signal(r, X):
    s = r.normal(size=len(X)) * r.choice([.1, 1.0])
    for name in X:
        x = X[name]
        if isinstance(x.dtype, pd.CategoricalDtype):
            s += r.normal(size=len(x.cat.categories) + 1)[x.cat.codes]
        else:
            rank = x.astype(float).rank(pct=True).fillna(r.random()).values
            s += r.normal() * np.sin(6 * rank * r.random() + r.normal()) + (rank > r.random())
    return (s - s.mean()) / s.std()


# ---------------------------------------------------------------- task and parameters
def labels(r, objective, s, k):
    if objective in ("regression", "huber", "fair"):
        return s * 10.0 ** r.integers(-3, 5) + r.choice([0, 0, 3, 1000])
    if objective == "binary":
        y = (s > np.quantile(s, r.choice([.1, .5, .9]))).astype(float)
        return y * 2 - 1 if r.random() < .15 else y
    if objective == "cross_entropy":
        return np.round(1 / (1 + np.exp(-3 * s)), 4)
    if objective == "gamma":
        return np.exp(s)
    if objective in ("poisson", "tweedie"):
        return r.poisson(np.exp(s)).astype(float)
    cuts = np.sort(np.append(r.choice(np.linspace(.03, .97, 40), k - 1, replace=False), [0, 1]))
    return np.digitize(s, np.quantile(s, cuts[1:-1])).astype(float)


def parameters(r, objective, k, seed):
    few = r.random() < .5
    p = dict(objective=objective, verbose=-1, num_threads=1, deterministic=True, force_row_wise=True, seed=seed,
             num_leaves=int(r.choice([2, 3, 7, 15, 31, 127])), max_depth=int(r.choice([-1, -1, 2, 5])),
             learning_rate=float(r.choice([.03, .1, .3, 1.0])), min_data_in_leaf=int(r.choice([1, 5, 20])),
             min_sum_hessian_in_leaf=float(r.choice([0, 1e-3, 1])), max_bin=int(r.choice([2, 15, 63, 255])))
    some = lambda key, *choices: p.update({key: r.choice(choices).item()}) if r.random() < (.15 if few else .4) else None
    some("lambda_l1", .01, .5, 3.0), some("lambda_l2", .001, .37, 5.0, 100.0), some("cat_l2", 0.0, 1.5, 30.0)
    some("cat_smooth", 0.0, 1.0), some("max_cat_to_onehot", 1, 2, 8), some("max_cat_threshold", 2, 8), some("min_data_per_group", 1, 10)
    some("boost_from_average", False), some("extra_trees", True), some("feature_fraction", .5)
    some("feature_fraction_bynode", .5), some("use_missing", False), some("zero_as_missing", True), some("min_data_in_bin", 1)
    some("min_gain_to_split", .1, 5.0)
    if objective in ("binary", "multiclassova"):
        some("sigmoid", .5, 1.7)
    if objective == "binary" and r.random() < .4:
        p.update(is_unbalance=True) if r.random() < .5 else p.update(scale_pos_weight=float(r.choice([.3, 4.0])))
    if objective == "poisson":
        some("poisson_max_delta_step", .2, 1.5)
    if objective == "huber":
        some("alpha", .1, 5.0)
    if objective == "fair":
        some("fair_c", .5, 4.0)
        p["min_sum_hessian_in_leaf"] = 1.0       # without it leaves run away to 1e15
    if objective == "tweedie":
        some("tweedie_variance_power", 1.1, 1.9)
    if k > 1:
        p["num_class"] = k
    if r.random() < .2:
        p.update(bagging_freq=int(r.choice([1, 1, 3])), bagging_seed=int(r.integers(1, 1000)))
        if objective == "binary" and r.random() < .4:
            p.update(pos_bagging_fraction=float(r.choice([.3, .9])), neg_bagging_fraction=float(r.choice([.5, 1.0])))
        else:
            p.update(bagging_fraction=float(r.choice([.2, .5, .7, .95])))
    return p


class Stopped(Exception):
    """An iteration found no split: it is not in the file, and its bag is none of the file's."""


def known(r, p, full, n):
    """A booster of which each iteration saw rows drawn here, but the first all of them, and who saw what."""
    masks = r.random((n, int(r.integers(2, 9)))) < r.choice([.3, .8])
    masks[:, 0] = True
    booster = lgb.train(p, full, 1)
    for t in range(1, masks.shape[1]):
        booster = lgb.train(p, full.subset(np.flatnonzero(masks[:, t])), 1, init_model=booster)
    return booster, masks


UNKNOWABLE = ["is_unbalance", "scale_pos_weight", "poisson_max_delta_step", "alpha", "fair_c", "tweedie_variance_power",
              "max_cat_to_onehot"]  # not to be inferred from leaves


def train(r, p, X, y, w, coded):
    """A trained booster, the learning rate of each iteration of its file, and the rows that each saw (None: all)."""
    rounds = int(r.integers(1, 31))
    rates = [p["learning_rate"]] * rounds
    calls = []
    bagged = "bagging_freq" in p
    if r.random() < .1 and not bagged:       # a schedule starts the drawing of bags again
        rates = [float(f"{p['learning_rate'] * .9 ** i:.4g}") for i in range(rounds)]
        calls.append(lgb.reset_parameter(learning_rate=lambda i: rates[i]))
    data = lambda i: lgb.Dataset(X.iloc[i] if isinstance(X, pd.DataFrame) else X[i], y[i], weight=None if w is None else w[i],
                                 categorical_feature=coded or "auto", free_raw_data=False)
    d, valid = data(slice(None)), None
    if not bagged and "is_unbalance" not in p and r.random() < .08:     # which would weigh the labels of each subset anew
        b, masks = known(r, p, d, len(y))
        if b.current_iteration() < masks.shape[1]:
            raise Stopped
        return b, rates, masks
    if r.random() < .15 and not bagged:
        calls.append(lgb.early_stopping(2, verbose=False))
        valid = [d.create_valid(X, y + r.normal(size=len(y)) if p["objective"] == "regression" else y[::-1])]
    b = lgb.train(p, d, rounds, valid_sets=valid, callbacks=calls)
    if bagged:
        if b.current_iteration() < rounds:
            raise Stopped
        return b, rates, bags_of(b.model_to_string(), y)
    if valid is None and not calls and r.random() < .1:          # training that was continued
        b = lgb.train(p, data(slice(None)), 5, init_model=b)
        rates += [p["learning_rate"]] * 5
    return b, rates, None


# ---------------------------------------------------------------- test rows
def hard(r, X, booster, coded):
    """Changes cells of the test rows to thresholds and their neighbours, extreme values, unseen categories."""
    at = booster.trees_to_dataframe().dropna(subset=["threshold"])
    for i, name in enumerate(X):
        hit = r.random(len(X)) < .3
        if isinstance(X[name].dtype, pd.CategoricalDtype):
            new = "unseen" if X[name].cat.categories.dtype == object or str(X[name].cat.categories.dtype) == "str" else 12345
            if X[name].cat.categories.dtype == bool:
                continue
            col = X[name].cat.add_categories([new])
            col[hit & (r.random(len(X)) < .3)] = new
            X[name] = col
        elif X[name].dtype == float:
            t = at[(at.split_feature == name.replace(" ", "_")) & (at.decision_type == "<=")].threshold.astype(float).values
            pool = EXTREME + [np.nan]
            if i in coded:
                pool = [-1.0, -.5, .5, 2.7, 1e10, 300.0, np.nan]
            elif len(t):
                pool = pool + 3 * list(t) + list(np.nextafter(t, np.inf)) + list(np.nextafter(t, -np.inf))
            X.loc[X.index[hit], name] = r.choice(pool, hit.sum())


def write(r, path, table):
    """Writes a table as CSV (plain or gzip) or Parquet, and returns the file's name."""
    if r.random() < .5:
        table.to_parquet(f"{path}.parquet", index=False)
        return f"{path.name}.parquet"
    zipped = r.random() < .3
    name = f"{path}.csv" + (".gz" if zipped else "")
    missing = r.choice(["", "NA", "nan"]) if not any(isinstance(t, pd.CategoricalDtype) for t in table.dtypes) else ""
    cell = lambda v: missing if v is None or v != v else repr(float(v)) if isinstance(v, (float, np.floating)) else v
    table = table.assign(**{c: table[c].astype(int) for c in table if table[c].dtype == bool})
    with (gzip.open if zipped else open)(name, "wt", newline="", encoding="utf8") as f:
        out = csv.writer(f, lineterminator="\r\n" if r.random() < .2 else "\n")
        out.writerow(table.columns)
        out.writerows([cell(v) for v in row] for row in zip(*(table[c].astype(object) for c in table)))
    return Path(name).name


# ---------------------------------------------------------------- what is wanted
def leaves(tree):
    """The leaves of a tree of dump_model in order, each with its parent."""
    found = {}

    def walk(node, parent):
        if "leaf_value" in node:
            found[node.get("leaf_index", 0)] = node, parent
            return
        walk(node["left_child"], node)
        walk(node["right_child"], node)
    walk(tree["tree_structure"], None)
    return [found[i] for i in range(len(found))]


def influence(text, trees, want, p, rates, y, yq, w):
    """Score matrices (train rows x queries) by the reference, from the library's leaf numbers and values."""
    infos = next(line for line in text.split("\n") if line.startswith("feature_infos="))[14:].split()
    k = p.get("num_class", 1)
    theta, lam = [], []
    for tree in trees:
        many = [q is not None and q["decision_type"] == "==" and infos[q["split_feature"]].count(":") + 1 > p.get("max_cat_to_onehot", 4)
                for _, q in leaves(tree)]
        theta.append(np.array([n["leaf_value"] for n, _ in leaves(tree)]))
        # A tree of one leaf is a constant: an infinite denominator takes it out.
        lam.append(p.get("lambda_l2", 0.0) + np.where(many, p.get("cat_l2", 10.0), 0.0) if len(many) > 1 else np.array([np.inf]))
    w1 = np.ones(len(y)) if w is None else w
    share = np.array([(w1 * (y == c)).sum() for c in range(k)]) / w1.sum()
    s = p.get("sigmoid", 1.0)
    objective = p["objective"]
    if objective == "binary":
        y, yq = (y > 0).astype(float), (yq > 0).astype(float)
        pos, neg = (y > 0).sum(), (y <= 0).sum()
        up, down = (1.0, pos / neg) if pos > neg else (neg / pos, 1.0)
        loss = losses.Logistic(s, up if p.get("is_unbalance") else p.get("scale_pos_weight", 1.0), down if p.get("is_unbalance") else 1.0)
        mean = (w1 * y).sum() / w1.sum()
        base = [np.log(mean / (1 - mean)) / s]
    elif objective == "multiclass":
        loss, base = losses.Softmax(k, k / (k - 1)), np.log(share)
    elif objective == "multiclassova":
        loss, base = losses.OneVsAll(k, s), np.log(share / (1 - share)) / s
    else:
        mean = (w1 * y).sum() / w1.sum()
        loss, base = {
            "regression": lambda: (losses.Squared(), mean),
            "huber": lambda: (losses.Huber(p.get("alpha", .9)), mean),
            "fair": lambda: (losses.Fair(p.get("fair_c", 1.0)), mean),
            "poisson": lambda: (losses.Poisson(p.get("poisson_max_delta_step", .7)), np.log(mean)),
            "gamma": lambda: (losses.Gamma(), np.log(mean)),
            "tweedie": lambda: (losses.Tweedie(p.get("tweedie_variance_power", 1.5)), np.log(mean)),
            "cross_entropy": lambda: (losses.Logistic(), np.log(mean / (1 - mean))),
        }[objective]()
        base = [base]
    base = np.array(base) if p.get("boost_from_average", True) else np.zeros(k)
    for c in range(k):
        if len(theta[c]) == 1 and p.get("boost_from_average", True):
            base[c] = theta[c][0]
        theta[c] = theta[c] - base[c]
    # Later rates are those of the file, because an iteration without a split leaves no trees there.
    eta = np.array([rates[0]] + [next((x["shrinkage"] for x in trees[t:t + k] if x["num_leaves"] > 1), 1.0) for t in range(k, len(trees), k)])
    group = lambda flat: [flat[i:i + k] for i in range(0, len(flat), k)]
    cube = lambda leaf: leaf.reshape(len(leaf), -1, k)
    ref = Problem(loss, cube(want["leaf_train"]), cube(want["leaf_test"][:SCORED]), group(theta), eta, group(lam),
                  p.get("lambda_l1", 0.0), base, y, yq[:SCORED], w)
    # What rounding may do where the score itself cancels: base and leaves are off by an ulp in each tree.
    size = max(np.abs(t).max() for t in theta) + np.abs(base).max()
    seeds = np.abs(loss.gq(ref.yte, ref.margins(ref.Lte))).max() + np.abs(loss.gq(ref.ytr, ref.margins(ref.Ltr))).max()
    return dict(noise=np.array([len(trees) * 2**-52 * size * seeds]), boostin=ref.boostin(), boostin_compat=ref.boostin(compat=True), boostin_self=ref.boostin(self_only=True),
                leafinf_sp=ref.leafinf_sp(), leafinf_sp_compat=ref.leafinf_sp(compat=True),
                **({} if objective == "cross_entropy" else dict(leafsim=ref.leafsim())))   # whose sign needs classes or numbers


def model(seed, out):
    r = np.random.default_rng(seed)
    objective = str(r.choice(OBJECTIVES))
    k = int(r.integers(3, 6)) if objective.startswith("multiclass") else 1
    style = str(r.choice(["frame", "codes", "array"], p=[.6, .2, .2]))
    n = int(r.integers(200, 3001))
    X, coded = features(r, n + QUERIES, style)
    y = labels(r, objective, signal(r, X), k)
    w = np.round(r.gamma(2, size=n), 3).astype(np.float32).astype(float) if r.random() < .3 else None
    if w is not None and r.random() < .3:
        w[r.random(n) < .1] = 0.0
    p = parameters(r, objective, k, int(seed[0] * 100003 + seed[1]) % 2**31)
    as_input = (lambda x: x.astype(float).values) if style == "array" else (lambda x: x)
    booster, rates, masks = train(r, p, as_input(X[:n]), y[:n], w, coded)
    test = X[n:].copy()
    hard(r, test, booster, coded)

    text = booster.model_to_string()
    stripped = bool(r.random() < .25) and booster.current_iteration() > 2 and text.count("\nTree=") > 2 * k and not set(UNKNOWABLE) & set(p) \
        and not (p["learning_rate"] == 1 and objective in ("regression", "huber") and not p.get("boost_from_average", True))
    if coded == [] and "none" in text.split("\nfeature_infos=")[1].split("\n")[0].split(" "):
        stripped = False        # a constant column may be a category: only the parameters tell whose lists are whose
    file = text
    if stripped:
        head, rest = text.split("\nparameters:")
        file = head + rest.split("end of parameters")[1]
    (out / "model.txt").write_text(file, encoding="utf8")

    again = lgb.Booster(model_str=text)
    want = {}
    for side, x in ("train", X[:n]), ("test", test):
        x = as_input(x)
        want[f"leaf_{side}"] = again.predict(x, pred_leaf=True).reshape(len(x), -1).astype(np.int32)
        want[f"raw_{side}"] = again.predict(x, raw_score=True).reshape(len(x), k)
    trees = again.dump_model()["tree_info"]
    # Training and prediction of the library may disagree on where rows go: with use_missing=false a missing category is
    # the first one in training only.  Then no table can reproduce the model.
    saw = np.ones((n, len(trees) // k), bool) if masks is None else masks
    consistent = all(list(np.bincount(leaf[saw[:, t["tree_index"] // k]], minlength=t["num_leaves"])) == [n["leaf_count"] for n, _ in leaves(t)]
                     for leaf, t in zip(want["leaf_train"].T, trees) if t["num_leaves"] > 1)

    tables = {}
    columns = dict(label="the label", zero="zero")
    for side, x, lab in ("train", X[:n], y[:n]), ("test", test, y[n:]):
        t = x.assign(**{"the label": lab, "zero": 0})
        if side == "train" and w is not None:
            t["the weight"], columns["weight"] = w, "the weight"
        tables[side] = write(r, out / side, t)
    if GOLDEN and consistent and masks is None:
        y32 = y[:n].astype(np.float32).astype(float)
        want.update(influence(text, trees, want, p, rates, y32, y[n:], w))
    (out / "masks.npy").unlink(missing_ok=True)
    if masks is not None:
        np.save(out / "masks.npy", masks if r.random() < .7 else np.asfortranarray(masks).astype(np.uint8))
        columns["masks"] = "masks.npy"
    np.savez(out / "want.npz", **{name: np.ascontiguousarray(a) for name, a in want.items()})
    case = dict(**tables, **columns, stripped=stripped, consistent=consistent, style=style, rows=n, rounds=len(trees) // k, rates=rates[:2], parameters=p)
    (out / "case.json").write_text(json.dumps(case, indent=1), encoding="utf8")


def main():
    seed, count, out = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    (out / "seed.txt").write_text(f"{seed}\n")
    refused, attempt = 0, 0
    for i in range(count):
        folder = out / f"{i:04d}"
        folder.mkdir(exist_ok=True)
        while True:
            attempt += 1
            try:
                model((seed, attempt), folder)
                break
            except Stopped:
                pass
            except (lgb.basic.LightGBMError, json.JSONDecodeError):  # a failed check of the library, or inf in its own JSON
                refused += 1
            except Exception as e:
                raise RuntimeError(f"seed {seed}, attempt {attempt}") from e
    print(f"drew {count} models from seed {seed}; the library itself failed on {refused} more")


if __name__ == "__main__":
    main()
