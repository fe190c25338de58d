"""scikit-learn boosting models as JSON."""
import json

import numpy as np


def export_sklearn(model, path):
    """Writes a fitted GradientBoosting or HistGradientBoosting model as "sklearn-forest", version 1.

    The file holds trees node by node, with leaf values that shrinkage is part of, the
    raw prediction that boosting began with, and the features in the order of the train
    table. Thresholds keep all their digits.
    """
    kind = type(model).__name__
    if kind not in ("GradientBoostingClassifier", "GradientBoostingRegressor", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor"):
        raise TypeError(f"{kind} is no boosting model of scikit-learn")
    import sklearn
    from sklearn.utils.validation import check_is_fitted
    check_is_fitted(model)
    hist = kind.startswith("Hist")
    trees, base = histogram_trees(model) if hist else plain_trees(model)
    classifier = hasattr(model, "classes_")
    outputs = len(base)
    p = model.get_params()
    document = {
        "format": "sklearn-forest", "version": 1, "library_version": sklearn.__version__, "estimator": kind,
        "task": "regression" if not classifier else "binary" if outputs == 1 else "multiclass", "loss": p["loss"],
        "outputs": outputs, "iterations": len(trees) // outputs, "learning_rate": p["learning_rate"],
        "l2_regularization": p.get("l2_regularization", 0.0), "subsample": p.get("subsample", 1.0),
        "base": [float(b) for b in base], "compare": "f64_le" if hist else "f32_le",
        "features": features(model, hist), "classes": model.classes_.tolist() if classifier else None, "trees": trees,
    }
    with open(path, "w") as f:
        json.dump(document, f, allow_nan=False)


def features(model, hist):
    """Names, and the categories of categorical features in order of their codes."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        names = [f"x{i}" for i in range(model.n_features_in_)]
    categories = {}
    if hist and model.is_categorical_ is not None and model._preprocessor is not None:
        encoder = model._preprocessor.named_transformers_["encoder"]
        for i, values in zip(np.flatnonzero(model.is_categorical_), encoder.categories_):
            categories[int(i)] = [None if isinstance(v, float) and np.isnan(v) else v for v in values.tolist()]
    return [{"name": str(name), "categories": categories.get(i)} for i, name in enumerate(names)]


def plain_trees(model):
    """Trees of GradientBoosting and the raw predictions that it began with."""
    shrink = model.learning_rate
    trees = []
    for stage in model.estimators_:
        for estimator in stage:
            t = estimator.tree_
            leaf = t.children_left == -1
            trees.append({
                "left": t.children_left.tolist(), "right": t.children_right.tolist(),
                "feature": np.where(leaf, -1, t.feature).tolist(),
                "threshold": [None if end else float(v) for end, v in zip(leaf, t.threshold)], "threshold_inf": [],
                "missing_left": np.asarray(t.missing_go_to_left, bool).tolist(), "cat_left": [None] * t.node_count,
                "value": np.where(leaf, t.value[:, 0, 0] * shrink, 0.0).tolist(), "count": t.n_node_samples.tolist(),
            })
    return trees, plain_base(model)


def plain_base(model):
    """What the model predicts before its first tree."""
    x = np.zeros((1, model.n_features_in_), np.float32)
    return np.ravel(model._raw_predict_init(x)).astype(float)


def histogram_trees(model):
    """Trees of HistGradientBoosting and the raw predictions that it began with."""
    order = np.arange(model.n_features_in_)
    if model.is_categorical_ is not None and model._preprocessor is not None:
        # Inside, the encoded columns come first.
        order = np.concatenate([np.flatnonzero(model.is_categorical_), np.flatnonzero(~model.is_categorical_)])
    trees = [histogram_tree(p, order) for stage in model._predictors for p in stage]
    return trees, np.ravel(model._baseline_prediction)


def histogram_tree(predictor, order):
    nodes, bitsets = predictor.nodes, predictor.raw_left_cat_bitsets
    leaf, categorical = nodes["is_leaf"].astype(bool), nodes["is_categorical"].astype(bool)
    threshold, numeric = nodes["num_threshold"], ~leaf & ~categorical
    return {
        "left": np.where(leaf, -1, nodes["left"].astype(np.int64)).tolist(),
        "right": np.where(leaf, -1, nodes["right"].astype(np.int64)).tolist(),
        "feature": [-1 if end else int(order[f]) for end, f in zip(leaf, nodes["feature_idx"])],
        "threshold": [float(v) if split and np.isfinite(v) else None for split, v in zip(numeric, threshold)],
        "threshold_inf": np.flatnonzero(numeric & np.isposinf(threshold)).tolist(),
        "missing_left": nodes["missing_go_to_left"].astype(bool).tolist(),
        "cat_left": [codes(bitsets[node["bitset_idx"]]) if split else None for node, split in zip(nodes, categorical & ~leaf)],
        "value": np.where(leaf, nodes["value"], 0.0).tolist(), "count": nodes["count"].tolist(),
    }


def codes(bitset):
    """The category codes whose bits are set in eight words of 32 bits."""
    return [code for code in range(256) if int(bitset[code // 32]) >> (code % 32) & 1]
