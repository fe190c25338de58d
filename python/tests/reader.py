"""Reads a capture folder with numpy alone, for tests."""
import json
import os

import numpy as np

from infl.shards import read_header

TYPES = {"I64": "<i8", "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I32": "<i4", "U8": "u1"}


def read_manifest(folder):
    with open(os.path.join(folder, "manifest.json")) as f:
        return json.load(f)


def read_shard(path, aligned=True):
    entries, start = read_header(path)
    raw = np.fromfile(path, np.uint8)
    assert start % 4096 == 0 or not aligned
    out = {}
    for name, e in entries.items():
        if name != "__metadata__":
            begin, end = (start + o for o in e["data_offsets"])
            out[name] = raw[begin:end].view(TYPES[e["dtype"]]).reshape(e["shape"])
            if e["dtype"] == "BF16":
                out[name] = (out[name].astype(np.uint32) << 16).view(np.float32)
    return out


def read_capture(folder):
    """Manifest and tensors, those of all shards together; offsets run through."""
    manifest = read_manifest(folder)
    shards = [read_shard(os.path.join(folder, s["file"])) for s in manifest["shards"]]
    out = {}
    for name in shards[0]:
        if name.startswith("offsets/"):
            lengths = np.concatenate([np.diff(s[name]) for s in shards])
            out[name] = np.concatenate([[0], np.cumsum(lengths)])
        else:
            out[name] = np.concatenate([s[name] for s in shards])
    return manifest, out


def example_gradients(manifest, tensors):
    """[n, out, in(+1)] of each module, from rows or as they are stored."""
    n, out = manifest["n"], {}
    for m in manifest["modules"]:
        name = m["name"]
        if manifest["level"] == "grads":
            out[name] = tensors["G/" + name].astype(float)
            continue
        g = tensors["g/" + name].astype(float)
        a = one_hot(tensors["i/" + name], m["in"]) if m["kind"] == "embedding" else inputs(m, manifest, tensors)
        if m["bias"]:
            a = np.concatenate([a, np.ones((len(a), 1))], 1)
        rows = manifest["row_sets"][m["row_set"]]["rows"]
        starts = tensors["offsets/" + m["row_set"]] if rows == "ragged" else np.arange(n + 1) * rows
        out[name] = np.stack([g[lo:hi].T @ a[lo:hi] for lo, hi in zip(starts, starts[1:])])
    return out


def one_hot(indices, width):
    return np.eye(width)[indices]


def inputs(m, manifest, tensors):
    a = tensors["a/" + m["input_group"]].astype(float)
    (group,) = [g for g in manifest["input_groups"] if g["name"] == m["input_group"]]
    if group["layout"] != "nchw":
        return a
    c = m["conv"]
    rows = []
    for image in a:
        image = np.pad(image, [(0, 0)] + [(p, p) for p in c["padding"]])
        for y in range(c["out_shape"][0]):
            for x in range(c["out_shape"][1]):
                ys = y * c["stride"][0] + c["dilation"][0] * np.arange(c["kernel"][0])
                xs = x * c["stride"][1] + c["dilation"][1] * np.arange(c["kernel"][1])
                rows.append(image[:, ys][:, :, xs].ravel())
    return np.stack(rows)
