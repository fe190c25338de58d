"""Sums of outer products of rows, in place of the rows."""
import torch


class Sums:
    """Σ [a, 1]·[a, 1]ᵀ of each input group and Σ g·gᵀ of each module, in float64 where the
    rows are, until they are taken for a shard. The products of a batch are in the
    precision of its rows, float32 at least."""

    def __init__(self):
        self.sums, self.rows_bytes = {}, 0

    def add(self, name, rows):
        """Adds rows [n, d] to a sum; inputs ("A/…") get a further 1 each."""
        self.rows_bytes += rows.numel() * rows.element_size()
        rows = rows if rows.dtype == torch.float64 else rows.float()
        if name[0] == "A":
            rows = torch.cat([rows, rows.new_ones(len(rows), 1)], 1)
        square = (rows.T @ rows).double()
        square = (square + square.T) / 2
        self.sums[name] = self.sums[name] + square if name in self.sums else square

    def full(self, shard_bytes):
        """Have rows of so many bytes been added, and of 16 times those of the sums?"""
        return self.rows_bytes >= max(shard_bytes, 16 * sum(8 * s.numel() for s in self.sums.values()))

    def take(self):
        """name -> (dtype, numpy array) of the sums, which begin at zero again."""
        taken = {name: ("F64", s.cpu().numpy()) for name, s in self.sums.items()}
        self.sums, self.rows_bytes = {}, 0
        return taken
