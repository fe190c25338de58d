import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (GradientBoostingClassifier, GradientBoostingRegressor, HistGradientBoostingClassifier,
                              HistGradientBoostingRegressor, RandomForestRegressor)
from sklearn.exceptions import NotFittedError

import infl


def table(n, kinds, seed=0):
    """A table with missing values and a category where kinds says so, and its target."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.normal(size=(n, 4)), columns=["a", "b", "c", "d"])
    target = x["a"] * 2 + np.sin(3 * x["b"]) + rng.normal(size=n) / 3
    if kinds != "plain":
        x.loc[rng.random(n) < 0.2, "b"] = np.nan
        colour = rng.choice(["red", "green", "blue", "grey"], size=n)
        target = target + (colour == "green") * 2 - (colour == "grey")
        x.insert(1, "colour", pd.Categorical(colour))
        x.loc[rng.random(n) < 0.1, "colour"] = np.nan
    return x, target


def predict(document, x):
    """Raw predictions of the document alone."""
    columns = []
    for f in document["features"]:
        v = x[f["name"]]
        if f["categories"] is not None:
            codes = {c: k for k, c in enumerate(f["categories"]) if c is not None}
            v = v.map(codes).astype(float)
        columns.append(v.to_numpy(float))
    X = np.stack(columns, 1)
    if document["compare"] == "f32_le":
        X = X.astype(np.float32)
    out = np.tile(np.array(document["base"]), (len(X), 1))
    for t, tree in enumerate(document["trees"]):
        for i, row in enumerate(X):
            node = 0
            while tree["left"][node] >= 0:
                value, threshold = row[tree["feature"][node]], tree["threshold"][node]
                if np.isnan(value):
                    left = tree["missing_left"][node]
                elif tree["cat_left"][node] is not None:
                    left = int(value) in tree["cat_left"][node]
                else:
                    left = node in tree["threshold_inf"] or value <= threshold
                node = tree["left" if left else "right"][node]
            out[i, t % document["outputs"]] += tree["value"][node]
    return out


MODELS = {
    "plain regression": (GradientBoostingRegressor(n_estimators=12, random_state=0), "plain", lambda y: y),
    "plain absolute": (GradientBoostingRegressor(n_estimators=8, loss="absolute_error", random_state=0), "plain", lambda y: y),
    "plain zero": (GradientBoostingRegressor(n_estimators=8, init="zero", random_state=0), "plain", lambda y: y),
    "plain binary": (GradientBoostingClassifier(n_estimators=12, random_state=0), "plain", lambda y: y > 0.5),
    "plain classes": (GradientBoostingClassifier(n_estimators=6, random_state=0), "plain", lambda y: np.digitize(y, [-1, 1])),
    "histogram regression": (HistGradientBoostingRegressor(max_iter=12, categorical_features="from_dtype"), "mixed", lambda y: y),
    "histogram binary": (HistGradientBoostingClassifier(max_iter=12, categorical_features="from_dtype"), "mixed", lambda y: y > 0.5),
    "histogram classes": (HistGradientBoostingClassifier(max_iter=6, categorical_features="from_dtype"), "mixed", lambda y: np.digitize(y, [-1, 1])),
}


@pytest.mark.parametrize("name", MODELS)
def test_document_predicts_what_the_model_does(name, tmp_path):
    model, kinds, of = MODELS[name]
    x, y = table(400, kinds)
    model.fit(x, of(y))
    infl.export_sklearn(model, tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_text())
    fresh, _ = table(100, kinds, seed=1)
    raw = model.decision_function(fresh) if hasattr(model, "classes_") else model.predict(fresh)
    np.testing.assert_allclose(predict(document, fresh), raw.reshape(100, -1), rtol=1e-10, atol=1e-12)
    assert [f["name"] for f in document["features"]] == list(x.columns)
    assert document["trees"][0]["count"][0] == 400
    assert document["iterations"] * document["outputs"] == len(document["trees"])


def test_other_models_are_refused(tmp_path):
    with pytest.raises(TypeError, match="RandomForestRegressor is no boosting model"):
        infl.export_sklearn(RandomForestRegressor(), tmp_path / "m.json")
    with pytest.raises(NotFittedError):
        infl.export_sklearn(GradientBoostingRegressor(), tmp_path / "m.json")
