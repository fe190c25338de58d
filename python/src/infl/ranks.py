"""Captures of several ranks as one."""
import hashlib
import json
import os
import shutil

from .shards import file_xxh3, read_ids, shard_name, write_json


def merge(parts, out):
    """Puts captures of the same model, split and modules into the folder out.

    Each rank of a distributed job captures its own examples into a folder of its own;
    keys must differ. Shards are linked where the file system can, else copied. The
    manifest comes last.
    """
    manifests = [read_manifest(part) for part in parts]
    if not manifests:
        raise ValueError("there is nothing to merge")
    for part, manifest in zip(parts[1:], manifests[1:]):
        for key in sorted(manifests[0].keys() | manifest.keys()):
            if key not in ("n", "shards") and manifest.get(key) != manifests[0].get(key):
                raise ValueError(f"{part}: {key} differs from that of {parts[0]}")
    os.makedirs(out, exist_ok=True)
    if os.path.exists(os.path.join(out, "manifest.json")):
        raise FileExistsError(f"{out} holds a finished capture")
    shards, seen, first = [], set(), 0
    for part, manifest in zip(parts, manifests):
        for s in manifest["shards"]:
            path = os.path.join(part, s["file"])
            if not is_whole(path, s):
                raise ValueError(f"{path} is not as its manifest says")
            for key in read_ids(path):
                if key in seen:
                    raise ValueError(f"{path}: the key {key} stands twice")
                seen.add(key)
            file = shard_name(len(shards))
            link(path, os.path.join(out, file))
            shards.append({**s, "file": file, "first": first})
            first += s["n"]
    write_json(os.path.join(out, "manifest.json"), {**manifests[0], "n": first, "shards": shards})


def read_manifest(folder):
    path = os.path.join(folder, "manifest.json")
    with open(path) as f:
        manifest = json.load(f)
    if manifest.get("format") != "infl-capture":
        raise ValueError(f"{path} is no manifest of a capture")
    return manifest


def is_whole(path, shard):
    """Has the shard the checksum of its manifest, XXH3 or, of other writers, SHA-256?"""
    if "xxh3" in shard:
        return file_xxh3(path) == shard["xxh3"]
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest() == shard.get("sha256")


def link(path, to):
    if os.path.exists(to):
        os.remove(to)
    try:
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)
