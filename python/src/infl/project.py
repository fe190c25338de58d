"""The projections of infl: the same random maps, in PyTorch."""
import hashlib
import math

import numpy as np
import torch

KINDS = ("srht", "rademacher", "gaussian", "bergson", "bergson-normal")
MOST, CACHED = 1 << 24, 1 << 26  # of numbers that a projection gives, and of entries that are kept


class Projection:
    """A random map of the gradients of modules: "D" or "D:KIND", or a dict of kind, size
    and seed. Module m goes through the one with seed + m."""

    def __init__(self, given):
        if isinstance(given, dict):
            kind, size, seed = given.get("kind", "srht"), given.get("size"), given.get("seed", 0)
        else:
            size, _, kind = str(given).partition(":")
            kind, size, seed = kind or "srht", int(size) if size.isdecimal() else None, 0
        if kind not in KINDS or not isinstance(size, int) or not 1 <= size <= MOST or not isinstance(seed, int) or not 0 <= seed < 1 << 64:
            raise ValueError(f"projection is {given!r}, not D or D:KIND or a dict of kind, size and seed; KIND is one of {', '.join(KINDS)}")
        if kind == "srht" and size & (size - 1):
            raise ValueError(f"projection is {given!r}; the size of srht is a power of two")
        self.kind, self.size, self.seed = kind, size, seed

    def manifest(self):
        return {"kind": self.kind, "size": self.size, "seed": self.seed}

    def two_sided(self):
        """Does it project the sides of a matrix, so that the matrix is never formed?"""
        return self.kind.startswith("bergson")

    def of_module(self, m, site):
        """The map of the m-th module: of G as [n, numbers], or the matrices of both sides."""
        seed, (size_in, size_out) = (self.seed + m) % (1 << 64), site.sizes
        if self.two_sided():
            if site.kind == "embedding":
                raise ValueError(f"{site.name}: an embedding is not projected by {self.kind}")
            draw = bergson_signs if self.kind == "bergson" else bergson_normals
            return Sides(*(draw(f"{site.name}/{side}", self.size, width) for side, width in (("left", size_out), ("right", size_in))))
        columns = size_out * (size_in + site.bias)
        if columns <= self.size:
            return torch.nn.Identity()
        return Hadamard(seed, self.size, columns) if self.kind == "srht" else Dense(self.kind, seed, self.size, columns)


def split_mix(x):
    """The numbers that follow states in SplitMix64."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return x ^ x >> np.uint64(31)


def stream(seed, purpose, counters):
    """64 random bits for each counter, a function of seed and purpose."""
    start = split_mix(split_mix(np.array([seed], np.uint64)) + np.uint64(purpose))
    return split_mix(start + counters.astype(np.uint64))


def bits(words):
    """The bits of words, the lowest first, as 0 and 1."""
    return np.unpackbits(words.astype("<u8").view(np.uint8), axis=-1, bitorder="little")


class Hadamard:
    """1/√size · Σ over chunks c of E_c·H·D_c·x_c, as 16 sums of flipped and moved chunks
    and one transform: in this order of additions the bits are those of infl."""

    def __init__(self, seed, size, columns):
        self.size = size
        minus = bits(stream(seed, 0, np.arange((columns + 63) // 64)))[:columns]
        self.signs = torch.from_numpy(1 - 2 * minus.astype(np.float32))
        shifts = stream(seed, 1, np.arange((columns + size - 1) // size)) & np.uint64(size - 1)
        self.places = torch.from_numpy(np.arange(size) ^ shifts.astype(np.int64)[:, None])

    def __call__(self, x):
        x = x * self.signs.to(x.device)
        x = torch.nn.functional.pad(x, (0, len(self.places) * self.size - x.shape[1])).unflatten(1, (-1, self.size))
        x = x.gather(2, self.places.to(x.device).expand_as(x))
        sums = x.new_zeros(len(x), 16, self.size)
        for first in range(0, x.shape[1], 16):
            part = x[:, first:first + 16]
            sums[:, :part.shape[1]] += part
        while sums.shape[1] > 1:
            low, high = sums.chunk(2, 1)
            sums = low + high
        out, stride = sums[:, 0], 1
        while stride < self.size:
            low, high = out.unflatten(1, (-1, 2, stride)).unbind(2)
            out, stride = torch.stack([low + high, low - high], 2).flatten(1), 2 * stride
        return out * np.float32(1 / math.sqrt(self.size)).item()


class Dense:
    """A matrix of size × columns independent entries of variance 1/size, made in pieces."""

    def __init__(self, kind, seed, size, columns):
        self.kind, self.seed, self.size, self.columns = kind, seed, size, columns
        self.step = max(64, (1 << 22) // size // 64 * 64)
        self.pieces = {}

    def __call__(self, x):
        out = x.new_zeros(len(x), self.size)
        for first in range(0, self.columns, self.step):
            piece = x[:, first:first + self.step]
            out += piece @ self._entries(first, piece.shape[1]).to(x.device).T
        return out

    def _entries(self, first, n):
        entries = self.pieces.get(first)
        if entries is None:
            entries = torch.from_numpy(self._draw(first, n))
            if self.size * self.columns <= CACHED:
                self.pieces[first] = entries
        return entries

    def _draw(self, first, n):
        rows = np.arange(self.size, dtype=np.uint64)[:, None] << np.uint64(40)
        if self.kind == "rademacher":
            words = stream(self.seed, 2, rows + np.arange(first // 64, (first + n + 63) // 64, dtype=np.uint64))
            return (1 - 2 * bits(words)[:, :n].astype(np.float32)) * np.float32(1 / math.sqrt(self.size))
        words = stream(self.seed, 3, rows + np.arange(first, first + n, dtype=np.uint64))
        p = (words >> np.uint64(11)) * 2.0 ** -53 + 2.0 ** -54
        return (torch.special.ndtri(torch.from_numpy(p)).numpy() / math.sqrt(self.size)).astype(np.float32)


class Sides:
    """Both sides of L·G·Rᵀ, for rows of inputs and gradients of outputs."""

    def __init__(self, left, right):
        self.left, self.right = left, right

    def rows(self, a, g):
        return a @ self.right.to(a).T, g @ self.left.to(g).T


def bergson_seed(identifier):
    return int.from_bytes(hashlib.md5(identifier.encode()).digest()) % ((1 << 63) - 1)


def bergson_signs(identifier, rows, columns):
    """The signs that bergson draws for an identifier, over √rows."""
    drawn = np.random.Generator(np.random.PCG64(bergson_seed(identifier))).bytes((rows * columns + 7) // 8)
    plus = np.unpackbits(np.frombuffer(drawn, np.uint8))[:rows * columns].reshape(rows, columns)
    return torch.from_numpy((2 * plus.astype(np.float32) - 1) * np.float32(1 / math.sqrt(rows)))


def bergson_normals(identifier, rows, columns):
    """The normal numbers that bergson draws for an identifier on a CPU, over √rows."""
    generator = torch.Generator().manual_seed(bergson_seed(identifier))
    return torch.randn(rows, columns, generator=generator) / math.sqrt(rows)
