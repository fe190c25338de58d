"""The eigenbases of infl fit, in which squares of gradients are summed."""
import json
import os

import numpy as np
import torch
import xxhash

from .shards import read_header

INPUTS, OUTPUTS = "activation_eigenvectors", "gradient_eigenvectors"


class Basis:
    """The eigenbases of a folder that infl fit --method kfac has written."""

    def __init__(self, folder):
        self.folder = folder
        path = os.path.join(folder, "factors.json")
        try:
            with open(path) as f:
                self.head = json.load(f)
        except FileNotFoundError:
            raise ValueError(f"{folder} holds no factors of infl fit") from None
        if self.head.get("format") != "infl-factors" or self.head.get("method") != "kfac":
            raise ValueError(f"{path} is not of infl fit --method kfac")
        self.modules = {m["name"]: m for m in self.head["modules"]}

    def digest(self):
        """What the manifest of a capture says of the basis."""
        lines = (f"{file} {key} {self.head['xxh3'][file][key]}\n" for file in (INPUTS, OUTPUTS) for key in sorted(self.head["xxh3"][file]))
        return xxhash.xxh3_64_hexdigest("".join(lines).encode())

    def check(self, sites, fingerprint):
        """Raises where the basis is that of other weights or modules."""
        if self.head.get("model", {}).get("fingerprint") != fingerprint:
            raise ValueError(f"{self.folder} was fitted to other weights")
        names = [s.name for s in sites]
        if names != list(self.modules):
            raise ValueError(f"{self.folder} has eigenbases of {', '.join(self.modules)}, captured are {', '.join(names)}")

    def of(self, site):
        """Q_A, for inputs with a further 1 where there is a bias, and Q_S, as float64."""
        m = self.modules[site.name]
        size_in, size_out = site.sizes
        columns = size_in + site.bias
        sides = self._matrix(INPUTS, m["inputs"]), self._matrix(OUTPUTS, site.name)
        if sides[0].shape != (columns, columns) or sides[1].shape != (size_out, size_out):
            raise ValueError(f"{self.folder}: the eigenbases of {site.name} are not of its {columns} inputs and {size_out} outputs")
        return sides

    def _matrix(self, file, key):
        path = os.path.join(self.folder, file + ".safetensors")
        entries, start = read_header(path)
        e = entries[key]
        numbers = np.fromfile(path, "<f8", count=(e["data_offsets"][1] - e["data_offsets"][0]) // 8, offset=start + e["data_offsets"][0])
        return torch.from_numpy(numbers.reshape(e["shape"]))
