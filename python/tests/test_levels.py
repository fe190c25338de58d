"""Levels of captures beside rows: each is what follows from rows of the same model."""
import os

import numpy as np
import pytest
import torch

import infl
from models import cases, loss
from reader import read_capture

CASES = cases()


@pytest.mark.parametrize("name,last", [("dense", "layers.5"), ("images", "head")])
def test_last_layer_is_the_last_module_of_rows(name, last, tmp_path, recwarn):
    case = CASES[name]
    for out, options in (("rows", {"modules": last}), ("last", {"level": "last_layer"}), ("bare", {"level": "last_layer", "shard_bytes": 1})):
        with infl.Capture(case.model, tmp_path / out, dtype="F64", **options) as cap:
            for b in case.batches(4):
                with cap.batch(ids=b["ids"]) as batch:
                    batch.backward(loss(case.model, b), labels=None if out == "bare" else b["y"])
    assert {str(w.category.__name__) for w in recwarn} == {"CaptureWarning"} and len(recwarn) == 1  # of rows alone
    rows, (manifest, tensors) = read_capture(tmp_path / "rows")[1], read_capture(tmp_path / "last")
    assert manifest["level"] == "last_layer" and manifest["head"] == {"logits": True, "labels": True}
    for tensor, numbers in rows.items():
        np.testing.assert_array_equal(tensors[tensor], numbers, err_msg=tensor)
    with torch.no_grad():
        np.testing.assert_allclose(tensors["z/" + last], case.model.eval()(case.data).numpy(), rtol=1e-12)
    case.model.train()
    assert tensors["labels"].tolist() == case.data["y"].tolist()
    assert len(tensors) == len(rows) + 2
    manifest, tensors = read_capture(tmp_path / "bare")
    assert manifest["head"] == {"logits": True, "labels": False} and "labels" not in tensors
    assert len(manifest["shards"]) == 3


@pytest.mark.parametrize("name,labels,text", [
    ("tokens", lambda y: None, "head has 7 rows for each example; level last_layer holds one"),
    ("dense", lambda y: y[:3], r"labels are int64 of the shape \(3,\), not a class from 0 to 2 for each of the 10 examples"),
    ("dense", lambda y: y + 1, "not a class from 0 to 2"),
    ("dense", lambda y: y.double(), "labels are float64"),
])
def test_last_layers_that_are_none(name, labels, text, tmp_path):
    case = CASES[name]
    with pytest.raises(ValueError, match=text), infl.Capture(case.model, tmp_path / "c", level="last_layer") as cap:
        with cap.batch(ids=case.data["ids"]) as batch:
            batch.backward(loss(case.model, case.data), labels=labels(case.data["y"]))
    assert not os.path.exists(tmp_path / "c" / "manifest.json")


def test_labels_are_those_of_all_batches(tmp_path):
    case = CASES["dense"]
    with pytest.raises(ValueError, match="labels are those of all batches or of none"), infl.Capture(case.model, tmp_path / "c", level="last_layer") as cap:
        for k, b in enumerate(case.batches(5)):
            with cap.batch(ids=b["ids"]) as batch:
                batch.backward(loss(case.model, b), labels=b["y"] if k == 0 else None)
