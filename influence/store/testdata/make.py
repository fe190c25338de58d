"""Makes the stores of this folder: python make.py

Number j of row i is i + j/16, which every type holds exactly. Scores are the same, with
rows for what the tool has as rows.
"""
import io
import json
import os
import pickle
import shutil
import sys
import types
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def grid(rows, cols, first=0):
    return (np.arange(first, first + rows)[:, None] + np.arange(cols) / 16).astype("<f4")


def bf16(x):
    return (x.view("<u4") >> 16).astype("<u2")


def put(path, content):
    path = os.path.join(HERE, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content if isinstance(content, bytes) else json.dumps(content).encode())


def npy(path, x):
    b = io.BytesIO()
    np.save(b, x)
    put(path, b.getvalue())


def bergson():
    sizes = {"z.first": 2, "a.second": 3}
    put("bergson/info.json", {"attribute_tokens": False, "num_items": 4, "num_grads": 4, "grad_sizes": sizes, "base_dtype": "float16"})
    put("bergson/gradients.bin", grid(4, 5).astype("<f2").tobytes())
    put("bergson_bf16/info.json", {"num_items": 4, "num_grads": 4, "grad_sizes": sizes, "base_dtype": "bfloat16"})
    put("bergson_bf16/gradients.bin", bf16(grid(4, 5)).tobytes())
    put("bergson_old/info.json", {"num_grads": 4, "dtype": {"names": list(sizes), "formats": ["(2,)<f4", "(3,)<f4"], "itemsize": 20}})
    put("bergson_old/gradients.bin", grid(4, 5).tobytes())
    for shard, first, rows in (("shard-0", 0, 3), ("shard-1", 3, 1)):
        put(f"bergson_shards/{shard}/info.json", {"num_items": rows, "num_grads": rows, "grad_sizes": sizes, "base_dtype": "float32"})
        put(f"bergson_shards/{shard}/gradients.bin", grid(rows, 5, first).tobytes())
    put("bergson_tokens/info.json", {"attribute_tokens": True, "num_items": 3, "num_grads": 4, "grad_sizes": sizes, "base_dtype": "float32"})
    put("bergson_tokens/gradients.bin", grid(4, 5).tobytes())
    npy("bergson_tokens/offsets.npy", np.array([0, 3, 3, 4], "<i8"))
    for name, t, pair in (("bergson_scores", "<f4", 8), ("bergson_scores_f16", "<f2", 4), ("bergson_scores_unwritten", "<f4", 8)):
        fields = {"names": [], "formats": [], "offsets": [], "itemsize": (3 * pair + 7) // 8 * 8}
        for j in range(3):
            fields["names"] += [f"score_{j}", f"written_{j}"]
            fields["formats"] += [np.dtype(t).name, "bool"]
            fields["offsets"] += [pair * j, pair * j + pair // 2]
        rows = np.zeros(4, np.dtype(fields))
        for j in range(3):
            rows[f"score_{j}"], rows[f"written_{j}"] = grid(4, 3)[:, j], True
        if name.endswith("unwritten"):
            rows["written_2"][1] = False
        put(name + "/info.json", {"num_items": 4, "num_rows": 4, "num_scores": 3, "attribute_tokens": False, "dtype": fields})
        put(name + "/scores.bin", rows.tobytes())


def trak():
    put("trak/metadata.json", {"JL dimension": 5, "JL matrix type": "rademacher", "train set size": 4})
    put("trak/experiments.json", {"q": {"num_targets": 3, "scores_path": "scores/q.mmap", "scores_finalized": 1}})
    for model in "0", "1":
        npy(f"trak/{model}/grads.mmap", grid(4, 5).astype("<f2"))
        npy(f"trak/{model}/features.mmap", grid(4, 5).astype("<f2"))
        npy(f"trak/{model}/q_grads.mmap", grid(3, 5).astype("<f2"))
        npy(f"trak/{model}/out_to_loss.mmap", np.full((4, 1), 0.5, "<f2"))
        npy(f"trak/{model}/_is_featurized.mmap", np.ones((4, 1), "<i4"))
    npy("trak/scores/q.mmap", grid(4, 3))


class Storage:
    """What torch's pickles say of the numbers of a tensor."""

    def __init__(self, kind, key, numbers):
        self.kind, self.key, self.numbers = kind, key, numbers


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.args = (storage, offset, tuple(shape), tuple(strides), False, {})

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.args


def stand_in():
    """Modules with the names that torch's pickles name."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in ("Double", "Float", "Half", "BFloat16", "Long"):
        setattr(torch, kind + "Storage", type(kind + "Storage", (), {"__module__": "torch"}))
    utils._rebuild_tensor_v2 = lambda *_: None
    utils._rebuild_tensor_v2.__module__, utils._rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2.__name__ = "_rebuild_tensor_v2"
    torch._utils = utils
    sys.modules.update({"torch": torch, "torch._utils": utils})


class Pickler(pickle.Pickler):
    def persistent_id(self, x):
        if isinstance(x, Storage):
            return ("storage", getattr(sys.modules["torch"], x.kind + "Storage"), x.key, "cpu", x.numbers.size)


def pt(path, value, *storages):
    b = io.BytesIO()
    Pickler(b, 2).dump(value)
    z = io.BytesIO()
    name = os.path.splitext(os.path.basename(path))[0]
    with zipfile.ZipFile(z, "w", zipfile.ZIP_STORED) as f:
        for member, content in [("data.pkl", b.getvalue()), ("byteorder", b"little")] + [("data/" + s.key, s.numbers.tobytes()) for s in storages] + [("version", b"3\n")]:
            f.writestr(zipfile.ZipInfo(f"{name}/{member}", (1980, 1, 1, 0, 0, 0)), content)
    put(path, z.getvalue())


def matrix(x, kind="Float"):
    s = Storage(kind, "0", x)
    return Tensor(s, 0, x.shape, (x.shape[1], 1)), s


def torch():
    stand_in()
    pt("torch/half.pt", *matrix(grid(4, 5).astype("<f2"), "Half"))
    pt("torch/double.pt", *matrix(grid(4, 5).astype("<f8"), "Double"))
    pt("torch/bfloat.pt", *matrix(bf16(grid(4, 5)), "BFloat16"))
    pt("torch/long.pt", *matrix(np.arange(20, dtype="<i8").reshape(4, 5), "Long"))
    s = Storage("Float", "0", np.ascontiguousarray(grid(4, 5).T))
    pt("torch/columns.pt", Tensor(s, 0, (4, 5), (1, 4)), s)
    wide = np.full((6, 8), -1, "<f4")
    wide[1:5, 2:7] = grid(4, 5)
    s = Storage("Float", "0", wide)
    pt("torch/slice.pt", Tensor(s, 10, (4, 5), (8, 1)), s)
    s = Storage("Float", "0", grid(4, 5))
    pt("torch/outside.pt", Tensor(s, 1, (4, 5), (5, 1)), s)
    a, b = Storage("Float", "0", np.ascontiguousarray(grid(4, 5)[:, :2])), Storage("Half", "1", np.ascontiguousarray(grid(4, 5)[:, 2:].astype("<f2")))
    pt("torch/dict.pt", {"z": Tensor(a, 0, (4, 2), (2, 1)), "step": 7, "more": [Tensor(b, 0, (4, 3), (3, 1))]}, a, b)
    scores = Storage("Float", "0", grid(4, 1))
    pt("torch/bbh_influence_score.pt", Tensor(scores, 0, (4,), (1,)), scores)


def less():
    for folder in ("less", "less_chunks"):
        pt(f"{folder}/dim5/grads-3.pt", *matrix(grid(3, 5).astype("<f2"), "Half"))
        pt(f"{folder}/dim5/grads-10.pt", *matrix(grid(1, 5, 3).astype("<f2"), "Half"))
    pt("less/dim5/all_unormalized.pt", *matrix(grid(4, 5)))


def logix():
    def record(key, offset):
        return {"data_id": key, "path": [["fc", "grad"], ["head", "grad"]], "offset": offset, "shape": [[1, 2], [3]], "block_size": 5, "dtype": "float32"}

    x = grid(4, 5)
    put("logix/log_rank_0_chunk_2.mmap", x[:2].tobytes())
    put("logix/log_rank_0_chunk_2_metadata.json", [record("ham", 0), record("17", 20)])
    put("logix/log_rank_0_chunk_10.mmap", x[[3, 2, 0]].tobytes())
    put("logix/log_rank_0_chunk_10_metadata.json", [record(5, 20), record("spam", 0), record("ham", 40)])


def dattri():
    x = bf16(grid(4, 5))

    def chunk(name, rows, batches):
        put(f"dattri/grad/chunk_gradients_{name}.mmap", rows.tobytes())
        put(f"dattri/grad/chunk_gradients_{name}_metadata.json", {
            "chunk_filename": f"chunk_gradients_{name}", "data_type": "gradients", "batch_start": 0, "batch_end": 0, "storage_dtype": "uint16",
            "shape": list(rows.shape), "layer_dims": [2, 3], "batches": [{"batch_idx": b, "start_row": lo, "end_row": hi} for b, lo, hi in batches]})

    chunk("0_1", x[[2, 0, 1]], [(1, 0, 1), (0, 1, 3)])
    chunk("2_2", x[3:], [(2, 0, 1)])


def tensors(path, arrays):
    head, at = {"__metadata__": {"damping_factor": "None"}}, 0
    for name, x in arrays.items():
        head[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + x.nbytes]}
        at += x.nbytes
    text = json.dumps(head).encode()
    put(path, len(text).to_bytes(8, "little") + text + b"".join(np.ascontiguousarray(x).tobytes() for x in arrays.values()))


def kronfluence():
    tensors("kronfluence/pairwise_scores.safetensors", {"all_modules": grid(3, 4)})
    tensors("kronfluence_modules/pairwise_scores.safetensors", {"a": grid(3, 4), "b": -grid(3, 4)})
    tensors("kronfluence_tokens/pairwise_scores.safetensors", {"all_modules": grid(3, 8).reshape(3, 4, 2)})
    tensors("kronfluence_self/self_scores.safetensors", {"all_modules": grid(4, 1)[:, 0]})
    tensors("kronfluence_partitions/pairwise_scores_data_partition0_module_partition0.safetensors", {"all_modules": grid(3, 4)})


if __name__ == "__main__":
    for name in os.listdir(HERE):
        if os.path.isdir(os.path.join(HERE, name)) and name != "fuzz":
            shutil.rmtree(os.path.join(HERE, name))
    for make in (bergson, trak, torch, less, logix, dattri, kronfluence):
        make()
