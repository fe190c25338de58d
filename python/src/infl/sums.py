"""Sums over rows and examples, in place of the rows."""
import torch

AT_ONCE = 1 << 26  # numbers of gradients of examples that are formed at a time


class Covariances:
    """Σ [a, 1]·[a, 1]ᵀ of each input group and Σ g·gᵀ of each module, in float64 where the
    rows are, until they are taken for a shard. The products of a batch are in the
    precision of its rows, float32 at least."""

    def __init__(self):
        self.sums, self.rows_bytes = {}, 0

    def add(self, site, owns, a, g, keep):
        """Adds the rows of a site in a batch: inputs [n, rows, in], where it owns them, and
        gradients [n, rows, out], those that keep says; others are zero."""
        self._add("S/" + site.name, product(pack(g, keep)))
        if owns:
            a = pack(a, keep)
            self._add("A/" + site.name, product(torch.cat([a, a.new_ones(len(a), 1)], 1)))
        self._count(owns, a, g)

    def full(self, shard_bytes):
        """Have rows of so many bytes been added, and of 16 times those of the sums?"""
        return self.rows_bytes >= max(shard_bytes, 16 * sum(8 * s.numel() for s in self.sums.values()))

    def take(self):
        """name -> (dtype, numpy array) of the sums, which begin at zero again."""
        taken = {name: ("F64", s.cpu().numpy()) for name, s in self.sums.items()}
        self.sums, self.rows_bytes = {}, 0
        return taken

    def _add(self, name, sum):
        self.sums[name] = self.sums[name] + sum if name in self.sums else sum

    def _count(self, owns, a, g):
        self.rows_bytes += sum(x.numel() * x.element_size() for x in ((a, g) if owns else (g,)))


class Squares(Covariances):
    """Σ (Q_Sᵀ·G·Q_A)² of the gradients G of examples, entry by entry, in eigenbases."""

    def __init__(self, basis):
        super().__init__()
        self.basis, self.sides = basis, {}

    def add(self, site, owns, a, g, keep):
        self._count(owns, a, g)
        a, g = precise(a), precise(g)
        if site.name not in self.sides:
            self.sides[site.name] = [q.to(g) for q in self.basis.of(site)]
        inputs, outputs = self.sides[site.name]
        a = torch.cat([a, a.new_ones(*a.shape[:2], 1)], 2) if site.bias else a
        self._add("L/" + site.name, squares(a @ inputs, g @ outputs))


def squares(a, g):
    """Σ over n of (Σ over rows of g·aᵀ)², entry by entry."""
    if g.shape[1] == 1:
        return (g[:, 0].square().T @ a[:, 0].square()).double()
    total, some = 0, max(1, AT_ONCE // (g.shape[2] * a.shape[2]))
    for first in range(0, max(1, len(g)), some):
        total = total + torch.einsum("nto,nti->noi", g[first:first + some], a[first:first + some]).square().sum(0).double()
    return total


def product(rows):
    """Σ x·xᵀ, symmetric to the last bit."""
    rows = precise(rows)
    p = (rows.T @ rows).double()
    return (p + p.T) / 2


def precise(x):
    return x if x.dtype == torch.float64 else x.float()


def pack(rows, keep):
    """[n, rows, d] as one row after the other, without the masked ones."""
    return rows.flatten(0, 1) if keep is None else rows[keep]
