"""Levels of captures beside rows: each is what follows from rows of the same model."""
import json
import os
import shutil
import subprocess

import numpy as np
import pytest
import torch

import infl
from infl.basis import INPUTS, OUTPUTS
from infl.project import Dense, Hadamard, bergson_signs, stream
from models import Case, cases, loss
from reader import example_gradients, inputs, read_capture, read_shard

CASES = cases()


def captured(case, out, **options):
    """Captures a case in batches of four and reads what was written."""
    with infl.Capture(case.model, out, modules=case.modules, **options) as cap:
        for b in case.batches(4):
            if cap.missing(b["ids"]):
                with cap.batch(ids=b["ids"], mask=b.get("mask")) as batch:
                    batch.backward(case.loss(case.model, b))
    return read_capture(out)


def hadamard_by_definition(seed, size, columns):
    """The matrix 1/√size · Σ E_c·H·D_c of a projection."""
    words, out = stream(seed, 0, np.arange(columns)), np.zeros((size, columns))
    rows = stream(seed, 1, np.arange(columns)) % np.uint64(size)
    for j in range(columns):
        sign = 1 - 2 * int(words[j // 64] >> np.uint64(j % 64) & np.uint64(1))
        for i in range(size):
            out[i, j] = sign * (-1) ** ((i & j % size).bit_count() + (i & int(rows[j // size])).bit_count())
    return out / size ** 0.5


@pytest.mark.parametrize("size,columns", [(1, 3), (2, 70), (16, 15), (16, 16), (32, 600), (64, 65), (128, 300)])
def test_srht_is_its_definition(size, columns):
    x = torch.randn(3, columns)
    want = x.double().numpy() @ hadamard_by_definition(2 ** 64 - 3, size, columns).T
    np.testing.assert_allclose(Hadamard(2 ** 64 - 3, size, columns)(x).numpy(), want, rtol=1e-4, atol=1e-5)


def test_entries_are_independent_of_pieces():
    for kind in ("rademacher", "gaussian"):
        whole = Dense(kind, 9, 12, 500)
        whole.step = 10 ** 6
        pieces = Dense(kind, 9, 12, 500)
        pieces.step = 64
        entries = whole._entries(0, 500).numpy()
        assert abs((entries ** 2).mean() * 12 - 1) < 0.05 and abs(entries.mean()) < 0.01
        x = torch.randn(4, 500)
        np.testing.assert_allclose(pieces(x).numpy(), x.numpy() @ entries.T, rtol=1e-4, atol=1e-5)
    # The sign of entry 70 of row 2 is bit 6 of word 1 of that row.
    minus = int(stream(9, 2, np.array([(2 << 40) + 1]))[0] >> np.uint64(6) & np.uint64(1))
    assert Dense("rademacher", 9, 16, 500)._entries(0, 100)[2, 70] == (-0.25 if minus else 0.25)


KINDS = [{"size": 16, "seed": 4}, "11:rademacher", "12:gaussian", "3:bergson", "2:bergson-normal"]


@pytest.mark.filterwarnings("ignore::infl.CaptureWarning")
@pytest.mark.parametrize("given", KINDS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_projected_is_the_projection_of_gradients(name, given, tmp_path):
    case = CASES[name]
    if name == "table" and "bergson" in str(given):
        with pytest.raises(ValueError, match="table: an embedding is not projected by bergson"):
            captured(case, tmp_path / "p", level="projected", projection=given)
        return
    manifest, rows = captured(case, tmp_path / "rows", dtype="F64")
    whole = example_gradients(manifest, rows)
    manifest, tensors = captured(case, tmp_path / "p", level="projected", projection=given)
    projection = infl.project.Projection(given)
    assert manifest["level"] == "projected" and manifest["projection"] == projection.manifest()
    for m, module in enumerate(manifest["modules"]):
        G = torch.from_numpy(whole[module["name"]]).float()
        to = projection.of_module(m, [s for s in infl.collect.find_sites(case.model, case.modules)[0] if s.name == module["name"]][0])
        want = torch.einsum("po,noi,qi->npq", to.left, G[:, :, :module["in"]], to.right).flatten(1) if projection.two_sided() else to(G.flatten(1))
        got = tensors["p/" + module["name"]]
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want.numpy(), rtol=1e-4, atol=1e-5 * want.abs().max().item(), err_msg=module["name"])
    assert not any(t.startswith(("a/", "g/", "G/")) for t in tensors)


def test_signs_of_bergson_are_those_of_its_seed():
    left = bergson_signs("layers.0/left", 4, 5)
    assert left.shape == (4, 5) and set(left.unique().tolist()) == {-0.5, 0.5}
    assert torch.equal(left[:2], bergson_signs("layers.0/left", 4, 5)[:2]) and not torch.equal(left, bergson_signs("layers.0/right", 4, 5))


def test_killed_projected_capture_continues(tmp_path):
    case = CASES["dense"]
    options = {"level": "projected", "projection": "8", "shard_bytes": 1}
    captured(case, tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt), infl.Capture(case.model, tmp_path / "c", **options) as cap:
        for b in case.batches(4)[:2]:
            with cap.batch(ids=b["ids"]) as batch:
                batch.backward(loss(case.model, b))
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="was begun with another manifest"):
        captured(case, tmp_path / "c", level="projected", projection="16", resume=True)
    captured(case, tmp_path / "c", resume=True, **options)
    for name in os.listdir(tmp_path / "whole"):
        assert (tmp_path / "c" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.parametrize("options,text", [
    ({"level": "projected"}, "level is 'projected', projection None"), ({"projection": "4"}, "level is 'rows', projection '4'"),
    ({"level": "projected", "projection": "4:fjlt"}, "projection is '4:fjlt'"), ({"level": "projected", "projection": "0"}, "projection is '0'"),
    ({"level": "projected", "projection": "12"}, "the size of srht is a power of two"), ({"level": "projected", "projection": {"kind": "srht"}}, "projection is {'kind'"),
])
def test_projections_that_are_none(options, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        infl.Capture(CASES["dense"].model, tmp_path / "c", **options)


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


def outer_sums(manifest, tensors):
    """The sums of the outer products of the rows of a capture, by tensor."""
    out = {}
    for m in manifest["modules"]:
        a, g = inputs(m, manifest, tensors), tensors["g/" + m["name"]].astype(float)
        a = np.concatenate([a, np.ones((len(a), 1))], 1)
        out["A/" + m["input_group"]], out["S/" + m["name"]] = a.T @ a, g.T @ g
    return out


@pytest.mark.filterwarnings("ignore::infl.CaptureWarning")
@pytest.mark.parametrize("dtype,tolerance", [("F64", 1e-13), ("F32", 1e-6), ("BF16", 1e-6)])
@pytest.mark.parametrize("name", [name for name in CASES if name != "table"])
def test_factors_are_sums_of_rows(name, dtype, tolerance, tmp_path):
    case = CASES[name]
    manifest, rows = captured(case, tmp_path / "rows", dtype=dtype)
    want = outer_sums(manifest, rows)
    for shard_bytes in (1 << 20, 1):
        got, tensors = captured(case, tmp_path / f"sums{shard_bytes}", dtype=dtype, level="factors", shard_bytes=shard_bytes)
        assert got["level"] == "factors" and "bias_column" not in got and got["modules"] == manifest["modules"]
        assert sorted(n for n in tensors if "/" in n) == sorted(want)
        assert tensors["ids"].tolist() == rows["ids"].tolist() and tensors["loss"].tolist() == rows["loss"].tolist()
        for tensor, sums in want.items():
            total = tensors[tensor].reshape(-1, *sums.shape).sum(0)
            np.testing.assert_allclose(total, sums, rtol=0, atol=tolerance * np.abs(sums).max(), err_msg=tensor)
            assert np.array_equal(total, total.T)


def test_examples_that_are_not_finite_are_not_summed(tmp_path):
    case = CASES["tokens"]
    endless = lambda model, b: loss(model, b) * torch.where(b["ids"] == 104, torch.inf, 1.0)
    with pytest.warns(infl.CaptureWarning):
        manifest, tensors = captured(Case(case.model, case.data, loss=endless), tmp_path / "all", level="factors", dtype="F64")
    others = {k: v[case.data["ids"] != 104] for k, v in case.data.items()}
    with pytest.warns(infl.CaptureWarning):
        _, want = captured(Case(case.model, others), tmp_path / "others", level="factors", dtype="F64")
    assert np.flatnonzero(tensors["flag"]).tolist() == [4]
    for name in want:
        if "/" in name:
            np.testing.assert_allclose(tensors[name], want[name], rtol=1e-12, err_msg=name)


def test_killed_sums_continue(tmp_path):
    case, options = CASES["dense"], {"level": "factors", "shard_bytes": 1}
    data = {k: v.repeat(60, *[1] * (v.dim() - 1)) for k, v in case.data.items()}
    data["ids"] = torch.arange(600)
    case = Case(case.model, data)
    captured(case, tmp_path / "whole", **options)
    assert len(os.listdir(tmp_path / "whole")) > 2
    with pytest.raises(KeyboardInterrupt), infl.Capture(case.model, tmp_path / "c", **options) as cap:
        for b in case.batches(4)[:100]:
            with cap.batch(ids=b["ids"]) as batch:
                batch.backward(loss(case.model, b))
        raise KeyboardInterrupt
    assert [n for n in os.listdir(tmp_path / "c") if n.endswith(".safetensors")]
    captured(case, tmp_path / "c", resume=True, **options)
    assert sorted(os.listdir(tmp_path / "c")) == sorted(os.listdir(tmp_path / "whole"))
    for name in os.listdir(tmp_path / "whole"):
        assert (tmp_path / "c" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_merged_sums_add_up(tmp_path):
    case = CASES["dense"]
    _, whole = captured(case, tmp_path / "whole", level="factors", dtype="F64")
    for k, half in enumerate(case.batches(5)):
        captured(Case(case.model, half), tmp_path / str(k), level="factors", dtype="F64")
    infl.merge([tmp_path / "0", tmp_path / "1"], tmp_path / "out")
    manifest, tensors = read_capture(tmp_path / "out")
    assert manifest["n"] == 10 and len(manifest["shards"]) == 2
    for name in whole:
        if "/" in name:
            total = tensors[name].reshape(2, *whole[name].shape).sum(0)
            np.testing.assert_allclose(total, whole[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_embeddings_have_no_factors(tmp_path):
    case = CASES["table"]
    with pytest.raises(ValueError, match="table: an embedding has no covariances"), pytest.warns(infl.CaptureWarning):
        captured(case, tmp_path / "c", level="factors")


def infl_fit(folder, *arguments):
    """Runs infl fit, which writes into the folder."""
    subprocess.run(["infl", "fit", *arguments, "--out", folder, "--quiet"], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(shutil.which("infl") is None, reason="infl is not in the path")
@pytest.mark.filterwarnings("ignore::infl.CaptureWarning")
@pytest.mark.parametrize("name", [name for name in CASES if name != "table"])
def test_squares_are_those_in_the_eigenbases(name, tmp_path):
    case = CASES[name]
    manifest, rows = captured(case, tmp_path / "rows", dtype="F64")
    captured(case, tmp_path / "sums", dtype="F64", level="factors")
    infl_fit(tmp_path / "kfac", "--method", "kfac", "--train", tmp_path / "sums")
    got, tensors = captured(case, tmp_path / "squares", dtype="F64", level="factors", basis=tmp_path / "kfac", shard_bytes=1)
    vectors = {file: read_shard(tmp_path / "kfac" / (file + ".safetensors"), aligned=False) for file in (INPUTS, OUTPUTS)}
    owners = {m["name"]: m["inputs"] for m in json.loads((tmp_path / "kfac" / "factors.json").read_text())["modules"]}
    for module, G in example_gradients(manifest, rows).items():
        want = (vectors[OUTPUTS][module].T @ G @ vectors[INPUTS][owners[module]]) ** 2
        total = tensors["L/" + module].reshape(-1, *G.shape[1:]).sum(0)
        np.testing.assert_allclose(total, want.sum(0), rtol=1e-9, atol=1e-13 * want.sum(0).max(), err_msg=module)
    infl_fit(tmp_path / "ekfac", "--method", "ekfac", "--factors", tmp_path / "kfac", "--train", tmp_path / "squares")
    infl_fit(tmp_path / "of-rows", "--method", "ekfac", "--factors", tmp_path / "kfac", "--train", tmp_path / "rows")
    a, b = (read_shard(tmp_path / f / "lambda_matrix.safetensors", aligned=False) for f in ("ekfac", "of-rows"))
    for module in a:
        np.testing.assert_allclose(a[module], b[module], rtol=1e-9, atol=1e-13 * a[module].max(), err_msg=module)
    with pytest.raises(ValueError, match="kfac was fitted to other weights"):
        captured(case, tmp_path / "other", level="factors", basis=tmp_path / "kfac", fingerprint="other")


def test_bases_that_are_none(tmp_path):
    model = CASES["dense"].model
    with pytest.raises(ValueError, match="level is 'rows'; a basis is for level 'factors'"):
        infl.Capture(model, tmp_path / "c", basis=tmp_path)
    with pytest.raises(ValueError, match="holds no factors of infl fit"):
        infl.Capture(model, tmp_path / "c", level="factors", basis=tmp_path)
    (tmp_path / "factors.json").write_text(json.dumps({"format": "infl-factors", "method": "ekfac"}))
    with pytest.raises(ValueError, match="factors.json is not of infl fit --method kfac"):
        infl.Capture(model, tmp_path / "c", level="factors", basis=tmp_path)
