import hashlib
import json
import os
import re
import stat
import warnings

import numpy as np
import pytest
import torch

import infl
from infl.capture import weights_sha256
from models import Case, Dense, Tokens, autograd_gradients, cases, loss
from reader import example_gradients, read_capture, read_manifest

CASES = cases()


def capture(case, out, size=4, **options):
    """Captures a case in batches of a size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", infl.CaptureWarning)
        cap = infl.Capture(case.model, out, modules=case.modules, **options)
    with cap:
        for b in case.batches(size):
            if cap.missing(b["ids"]):
                with cap.batch(ids=b["ids"], mask=b.get("mask")) as batch:
                    batch.backward(case.loss(case.model, b), tokens=(b["y"] != -100).reshape(len(b["y"]), -1).sum(1))
    return cap


@pytest.mark.parametrize("level", ["rows", "grads"])
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_autograd(name, level, tmp_path):
    case = CASES[name]
    capture(case, tmp_path / "c", dtype="F64", level=level)
    manifest, tensors = read_capture(tmp_path / "c")
    got, want = example_gradients(manifest, tensors), autograd_gradients(case, manifest["modules"])
    assert got.keys() == want.keys()
    for module, g in want.items():
        np.testing.assert_allclose(got[module], g.numpy(), rtol=1e-12, atol=1e-13, err_msg=module)
    with torch.no_grad():
        np.testing.assert_allclose(tensors["loss"], case.loss(case.model.eval(), case.data).numpy(), rtol=1e-12)
    case.model.train()
    assert tensors["ids"].tolist() == case.data["ids"].tolist()
    assert tensors["ntok"].sum() == (case.data["y"] != -100).sum()
    assert not tensors["flag"].any()


def test_groups_and_rows(tmp_path):
    capture(CASES["tokens"], tmp_path / "c")
    manifest, tensors = read_capture(tmp_path / "c")
    groups = {m["name"]: m["input_group"] for m in manifest["modules"]}
    assert groups == {"q": "q", "k": "q", "v": "q", "fc": "fc", "head": "head"}
    assert [n for n in tensors if n[0] == "a"] == ["a/q", "a/fc", "a/head"]
    assert manifest["row_sets"] == {"tok": {"rows": "ragged"}, "tok2": {"rows": "ragged"}}
    rows = int(CASES["tokens"].data["mask"].sum())
    assert len(tensors["a/q"]) == rows and len(tensors["g/fc"]) == 2 * rows
    assert {m["name"]: m["weight_layout"] for m in manifest["modules"]}["v"] == "in_out"
    capture(CASES["lora"], tmp_path / "l")
    manifest = read_manifest(tmp_path / "l")
    assert [m["name"] for m in manifest["modules"]] == ["q.lora_A", "q.lora_B"]
    assert manifest["coverage"]["captured_params"] == 32
    capture(CASES["images"], tmp_path / "i")
    manifest = read_manifest(tmp_path / "i")
    assert {g["layout"] for g in manifest["input_groups"]} == {"nchw", "rows"}
    assert [m["conv"]["kernel"] for m in manifest["modules"][:3]] == [[3, 2], [3, 3], [1, 3]]


@pytest.mark.parametrize("dtype,tolerance", [("F32", 1e-6), ("F16", 2e-3), ("BF16", 2e-2)])
def test_dtypes_round(dtype, tolerance, tmp_path):
    case = CASES["tokens"]
    capture(case, tmp_path / "c", dtype=dtype)
    manifest, tensors = read_capture(tmp_path / "c")
    got, want = example_gradients(manifest, tensors), autograd_gradients(case, manifest["modules"])
    for module, g in want.items():
        assert np.abs(got[module] - g.numpy()).max() < tolerance * g.abs().max(), module
    assert manifest["dtype"] == dtype


def test_reentrant_checkpointing_runs_twice_and_counts_once(tmp_path):
    case = CASES["tokens"]
    again = Case(Tokens(checkpoint=True).double(), case.data, "table|q|k|v|fc|head")
    again.model.load_state_dict(case.model.state_dict())
    capture(Case(case.model, case.data, again.modules), tmp_path / "a", dtype="F64")
    capture(again, tmp_path / "b", dtype="F64")
    a, b = (example_gradients(*read_capture(tmp_path / x)) for x in "ab")
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_loss_scale_is_divided_out(tmp_path):
    case = CASES["dense"]
    capture(case, tmp_path / "a", dtype="F64")
    with infl.Capture(case.model, tmp_path / "b", dtype="F64") as cap:
        with cap.batch(ids=case.data["ids"]) as batch:
            batch.backward(loss(case.model, case.data), scale=1024.0)
    a, b = read_capture(tmp_path / "a")[1], read_capture(tmp_path / "b")[1]
    for name in a:
        if name != "ntok":
            np.testing.assert_allclose(a[name], b[name], rtol=1e-12, err_msg=name)


def test_autocast_gives_the_gradients_of_autocast(tmp_path):
    case = cases(torch.float32)["tokens"]
    halved = lambda model, b: loss(torch.autocast("cpu", torch.bfloat16)(model), b)
    case = Case(case.model, case.data, loss=halved)
    capture(case, tmp_path / "c")
    manifest, tensors = read_capture(tmp_path / "c")
    got, want = example_gradients(manifest, tensors), autograd_gradients(case, manifest["modules"])
    for module, g in want.items():
        # Autograd rounds each gradient to bfloat16, rows of a capture are rounded before their sum.
        assert np.abs(got[module] - g.numpy()).max() < 2e-2 * g.abs().max(), module


def test_model_is_left_as_it_was(tmp_path):
    model = CASES["lora"].model
    model.norm.eval()
    trained = [p.requires_grad for p in model.parameters()]
    before = weights_sha256(model)
    capture(CASES["lora"], tmp_path / "c")
    assert [name for name, m in model.named_modules() if not m.training] == ["norm"]
    assert [p.requires_grad for p in model.parameters()] == trained
    assert weights_sha256(model) == before == read_manifest(tmp_path / "c")["model"]["fingerprint"]
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


def test_no_gradient_of_a_parameter_is_formed(tmp_path):
    case = CASES["dense"]
    with infl.Capture(case.model, tmp_path / "c") as cap:
        with cap.batch(ids=case.data["ids"]) as batch:
            assert not any(p.requires_grad for p in case.model.parameters())
            assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark
            batch.backward(loss(case.model, case.data))
            assert all(p.grad is None for p in case.model.parameters())


class Killed(BaseException):
    pass


@pytest.mark.parametrize("done", [0, 1, 2, 3, 5])
def test_killed_capture_continues(done, tmp_path):
    case = CASES["tokens"]
    capture(case, tmp_path / "whole", size=2, shard_bytes=9000)
    with pytest.raises(Killed), pytest.warns(infl.CaptureWarning):
        with infl.Capture(case.model, tmp_path / "c", shard_bytes=9000) as cap:
            for b in case.batches(2)[:done]:
                with cap.batch(ids=b["ids"], mask=b["mask"]) as batch:
                    batch.backward(loss(case.model, b), tokens=(b["y"] != -100).sum(1))
            raise Killed
    assert not os.path.exists(tmp_path / "c" / "manifest.json")
    (tmp_path / "c" / "00009.safetensors.tmp").write_bytes(b"half")
    if any(name.endswith(".safetensors") for name in os.listdir(tmp_path / "c")):
        with pytest.raises(FileExistsError, match="resume=True"):
            capture(case, tmp_path / "c", size=2)
    capture(case, tmp_path / "c", size=2, shard_bytes=9000, resume=True)
    os.remove(tmp_path / "c" / "00009.safetensors.tmp")
    assert sorted(os.listdir(tmp_path / "c")) == sorted(os.listdir(tmp_path / "whole"))
    for name in os.listdir(tmp_path / "whole"):
        assert (tmp_path / "c" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_finished_shards_without_a_manifest_are_enough(tmp_path):
    case = CASES["dense"]
    capture(case, tmp_path / "c", shard_bytes=1)
    manifest = read_manifest(tmp_path / "c")
    part = {k: v for k, v in manifest.items() if k not in ("n", "shards")}
    (tmp_path / "c" / "manifest.part.json").write_text(json.dumps(part))
    os.remove(tmp_path / "c" / "manifest.json")
    capture(case, tmp_path / "c", shard_bytes=1, resume=True)
    assert read_manifest(tmp_path / "c") == manifest


def test_shards_change_nothing(tmp_path):
    case = CASES["tokens"]
    capture(case, tmp_path / "one", size=1)
    capture(case, tmp_path / "many", size=1, shard_bytes=1)
    (a, x), (b, y) = read_capture(tmp_path / "one"), read_capture(tmp_path / "many")
    assert len(a["shards"]) == 1 and len(b["shards"]) == 10
    for name in x:
        assert x[name].tobytes() == y[name].tobytes(), name


def test_not_finite_is_flagged(tmp_path):
    case = CASES["dense"]
    data = {k: v.clone() for k, v in case.data.items()}
    data["x"][3, 2] = float("nan")
    data["x"][5, 0] = 1e30
    capture(Case(case.model, data), tmp_path / "c", dtype="F16")
    assert np.flatnonzero(read_capture(tmp_path / "c")[1]["flag"]).tolist() == [3, 5]
    # A loss alone, whose gradients are finite, counts too.
    endless = lambda model, b: loss(model, b) + torch.where(b["ids"] == 107, torch.inf, 0.0)
    capture(Case(case.model, case.data, loss=endless), tmp_path / "d")
    assert np.flatnonzero(read_capture(tmp_path / "d")[1]["flag"]).tolist() == [7]


def test_nothing_of_masked_positions_stays(tmp_path):
    case = CASES["tokens"]
    for level in ("rows", "grads"):
        class Spoiled(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = torch.nn.Linear(4, 3).double()

            def forward(self, x):
                return self.fc(x)
        torch.manual_seed(1)
        model, mask = Spoiled(), case.data["mask"]
        x = torch.randn(10, 7, 4, dtype=torch.float64)
        x[mask == 0] = float("nan")
        with infl.Capture(model, tmp_path / level, level=level, dtype="F64") as cap:
            with cap.batch(ids=range(10), mask=mask) as batch:
                batch.backward(torch.where(mask == 1, model(x).sum(2), 0).sum(1))
        tensors = read_capture(tmp_path / level)[1]
        assert not tensors["flag"].any()
        assert all(np.isfinite(t).all() for t in tensors.values())


def test_sampled_labels_depend_on_seed_and_key_only(tmp_path):
    case = CASES["tokens"]
    drawn = {}
    for size, seed in ((1, 0), (10, 0), (10, 1)):
        with pytest.warns(infl.CaptureWarning), infl.Capture(case.model, tmp_path / f"{size}-{seed}", labels="sampled", seed=seed) as cap:
            out = []
            for b in case.batches(size):
                with cap.batch(ids=b["ids"], mask=b["mask"]) as batch:
                    y = batch.sample(case.model(b), b["y"])
                    batch.backward(loss(case.model, {**b, "y": y}))
                    out.append(y)
        drawn[size, seed] = torch.cat(out)
        assert read_manifest(tmp_path / f"{size}-{seed}")["loss"] == {
            "name": "cross_entropy", "reduction": "sum", "labels": "sampled", "measurement": "loss", "loss_scale": 1.0, "seed": seed}
    ignored = case.data["y"] == -100
    assert torch.equal(drawn[1, 0], drawn[10, 0]) and not torch.equal(drawn[1, 0], drawn[10, 1])
    assert torch.equal(drawn[1, 0] == -100, ignored)
    p = torch.softmax(torch.tensor([[2.0, 0.0, -1.0]]), 1)
    many = infl.capture.Batch(3, range(4000)).sample(torch.log(p).expand(4000, 3))
    counts = torch.bincount(many, minlength=3) / 4000
    assert (counts - p[0]).abs().max() < 4 * (0.25 / 4000) ** 0.5


class Experts(torch.nn.Module):
    """Matrices of several experts in one parameter."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(3, 4, 4))


class Mixture(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.router, self.experts = torch.nn.Linear(4, 4), Experts()


def test_coverage_is_told(tmp_path):
    with pytest.warns(infl.CaptureWarning, match=r"captures 379 of 555 parameters \(68.3 %\); not table.weight, place.weight, norm.weight, norm.bias"):
        infl.Capture(CASES["tokens"].model, tmp_path / "c").collector.close()
    grouped = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Conv1d(4, 4, 3, groups=2))
    with pytest.warns(infl.CaptureWarning, match="1.weight"):
        cap = infl.Capture(grouped, tmp_path / "d")
    assert cap.collector.reasons == {"1": "a grouped convolution"}
    cap.collector.close()
    with pytest.warns(infl.CaptureWarning, match=r"captures 20 of 68 parameters \(29.4 %\); not experts.w"):
        cap = infl.Capture(Mixture(), tmp_path / "m")
    assert cap.coverage["skipped"] == ["experts.w"]
    assert cap.collector.reasons == {"experts": "Experts is no linear map, convolution or embedding"}
    cap.collector.close()
    with pytest.raises(ValueError, match="no module to capture; 0: a convolution with circular padding"):
        infl.Capture(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, padding_mode="circular")), tmp_path / "e")


def mistakes():
    """name -> (what is wrong, error)."""
    case = CASES["tokens"]
    data, n = case.data, 10

    def run(cap, ids=None, mask=data["mask"], spoil=lambda x: x, **more):
        with cap.batch(ids=data["ids"] if ids is None else ids, mask=mask) as batch:
            batch.backward(spoil(loss(case.model, data)), **more)

    def other_length(cap):
        run(cap, mask=None)
        short = {k: v[:, :5] if v.dim() == 2 else v for k, v in data.items()}
        with cap.batch(ids=range(10)) as batch:
            batch.backward(loss(case.model, short))

    def twice(cap):
        with cap.batch(ids=data["ids"], mask=data["mask"]) as batch:
            batch.backward(loss(case.model, data))
            batch.backward(loss(case.model, data))

    def no_backward(cap):
        with cap.batch(ids=data["ids"]):
            case.model(data)

    return {
        "float mask": (lambda c: run(c, mask=data["mask"].float()), TypeError, r"the mask is torch.float32; give bool, or integers 0 and 1"),
        "other mask": (lambda c: run(c, mask=data["mask"] * 2), ValueError, "other integers than 0 and 1"),
        "short mask": (lambda c: run(c, mask=data["mask"][:3]), ValueError, r"the mask has the shape \(3, 7\), not \(10, positions\)"),
        "one loss": (lambda c: run(c, spoil=torch.sum), ValueError, "one loss for each of the 10 examples is needed"),
        "tokens": (lambda c: run(c, tokens=[1, 2]), ValueError, r"tokens has the shape \(2,\)"),
        "duplicate keys": (lambda c: run(c, ids=[1, 1] + list(range(2, n))), ValueError, "the key 1 stands twice"),
        "keys again": (lambda c: (run(c), run(c)), ValueError, "the key 100 stands twice"),
        "fewer keys": (lambda c: run(c, ids=[1, 2], mask=None, spoil=lambda x: x[:2]), ValueError, "the first dimension must be the batch's 2 examples"),
        "other length": (other_length, ValueError, "q: rows is 5 in this batch, 7 in the first; give a mask"),
        "twice": (twice, RuntimeError, "called twice"),
        "no backward": (no_backward, ValueError, "was not called"),
        "nothing": (lambda c: None, ValueError, "nothing was captured"),
    }


@pytest.mark.parametrize("name", mistakes())
def test_mistakes_are_named(name, tmp_path):
    wrong, error, text = mistakes()[name]
    with pytest.raises(error, match=text), pytest.warns(infl.CaptureWarning):
        with infl.Capture(CASES["tokens"].model, tmp_path / "c") as cap:
            wrong(cap)
    assert not os.path.exists(tmp_path / "c" / "manifest.json")
    assert CASES["tokens"].model.training


class Unused(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)

    def forward(self, x, how):
        if how == "run":
            self.b(x)
        y = self.a(x)
        if how == "in place":
            x += 1
        return y


@pytest.mark.parametrize("how,text", [("leave", "b did not run"), ("run", "the output of b does not reach the loss"), ("in place", "the input of a was changed in place")])
def test_modules_that_cannot_be_captured_are_named(how, text, tmp_path):
    model = Unused()
    modules = "a" if how == "in place" else "a|b"
    with warnings.catch_warnings(), pytest.raises(ValueError, match=re.escape(text)):
        warnings.simplefilter("ignore", infl.CaptureWarning)
        with infl.Capture(model, tmp_path / "c", modules=modules) as cap, cap.batch(ids=[1, 2]) as batch:
            batch.backward(model(torch.ones(2, 3), how).sum(1))


@pytest.mark.parametrize("options,text", [({"level": "all"}, "level is 'all'"), ({"dtype": "F8"}, "dtype is 'F8'"), ({"labels": "all"}, "labels is 'all'")])
def test_options_are_checked(options, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        infl.Capture(Dense(), tmp_path / "c", **options)


def test_finished_captures_are_kept(tmp_path):
    capture(CASES["dense"], tmp_path / "c")
    with pytest.raises(FileExistsError, match="holds a finished capture"):
        capture(CASES["dense"], tmp_path / "c", resume=True)


def test_another_manifest_is_refused(tmp_path):
    case = CASES["dense"]
    capture(case, tmp_path / "c", shard_bytes=1)
    os.remove(tmp_path / "c" / "manifest.json")
    data = {k: v[:] for k, v in case.data.items()}
    data["ids"] = data["ids"] + 1000
    with pytest.raises(ValueError, match="was begun with another manifest"):
        capture(Case(case.model, data), tmp_path / "c", resume=True, dtype="F64")


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(fd, fsync=os.fsync):
        if stat.S_ISREG(os.fstat(fd).st_mode) and os.fstat(fd).st_size > 4096:  # a shard
            raise OSError(28, "No space left on device")
        fsync(fd)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        capture(CASES["dense"], tmp_path / "c", shard_bytes=1)
    assert not [n for n in os.listdir(tmp_path / "c") if n.endswith(".safetensors")]


def test_merge(tmp_path):
    case = CASES["tokens"]
    capture(case, tmp_path / "whole", size=5, shard_bytes=1)
    for k, half in enumerate(case.batches(5)):
        capture(Case(case.model, half), tmp_path / str(k), size=5)
    infl.merge([tmp_path / "0", tmp_path / "1"], tmp_path / "out")
    assert read_manifest(tmp_path / "out") == read_manifest(tmp_path / "whole")
    with pytest.raises(ValueError, match="the key 100 stands twice"):
        infl.merge([tmp_path / "0", tmp_path / "0"], tmp_path / "out2")
    capture(Case(case.model, case.batches(5)[1]), tmp_path / "half", dtype="F16")
    with pytest.raises(ValueError, match="dtype differs"):
        infl.merge([tmp_path / "0", tmp_path / "half"], tmp_path / "out3")
    # Captures of other writers have a SHA-256.
    manifest = read_manifest(tmp_path / "1")
    (shard,) = manifest["shards"]
    del shard["xxh3"]
    shard["sha256"] = hashlib.sha256((tmp_path / "1" / shard["file"]).read_bytes()).hexdigest()
    (tmp_path / "1" / "manifest.json").write_text(json.dumps(manifest))
    infl.merge([tmp_path / "0", tmp_path / "1"], tmp_path / "out4")
    assert [sorted(s) for s in read_manifest(tmp_path / "out4")["shards"]] == [["file", "first", "n", "xxh3"], ["file", "first", "n", "sha256"]]
    for part in "10":
        with open(tmp_path / part / "00000.safetensors", "ab") as f:
            f.write(b"x")
        with pytest.raises(ValueError, match=f"{part}/00000.safetensors is not as its manifest says"):
            infl.merge([tmp_path / "0", tmp_path / "1"], tmp_path / "out5")


def test_batch_invariance():
    case = CASES["tokens"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", infl.CaptureWarning)
        worst = infl.batch_invariance(case.model, loss, case.data)
        assert worst.keys() == {"q", "k", "v", "fc", "head"} and max(worst.values()) < 1e-12
        leak = lambda model, b: loss(model, b) * b["x"].sum()
        assert min(infl.batch_invariance(case.model, leak, case.data).values()) > 1


def test_batches_of_similar_length():
    lengths = [5, 1, 9, 2, 2, 30, 4]
    got = list(infl.batches(lengths, 10))
    assert got == [[1, 3, 4], [6, 0], [2], [5]]
    assert list(infl.batches([], 10)) == []
