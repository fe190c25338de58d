"""Reads a run folder with the tools that people use, and checks that all see the same.

    python readback.py RUN [matrix]

With "matrix" the run has all scores too, as matrix.npy or matrix.arrow.
"""
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

run = Path(sys.argv[1])


def same(file):
    """The table as pandas sees it; duckdb and polars must see the same."""
    path = str(run / file)
    table = pd.read_parquet(path)
    lazy = pl.read_parquet(path)
    sql = duckdb.sql(f"select * from read_parquet('{path}')")
    assert len(table) > 0 and list(table.columns) == lazy.columns == sql.columns, file
    rows = sql.fetchall()
    assert len(rows) == len(table) == lazy.height, file
    assert rows == lazy.rows(), file
    for column in table:
        seen = [None if pd.isna(v) else v for v in table[column]]
        assert seen == lazy[column].to_list(), f"{file}: {column}"
    return table


rows = same("rows.parquet")
assert (rows.train_row == np.arange(len(rows))).all()
scores = same("scores.parquet")
helpful, harmful = scores[scores.side == "helpful"], scores[scores.side == "harmful"]
assert (helpful.score > 0).all() and (harmful.score < 0).all() and len(helpful) + len(harmful) == len(scores)
assert (helpful.groupby("query_row", sort=False)["score"].diff().dropna() <= 0).all(), "ranks follow the scores"

if sys.argv[2:] == ["matrix"]:
    if (run / "matrix.npy").exists():
        matrix = np.load(run / "matrix.npy")
    else:
        with pa.memory_map(str(run / "matrix.arrow")) as source:
            table = pa.ipc.open_file(source).read_all()
        assert pl.read_ipc(run / "matrix.arrow").height == table.num_rows
        matrix = np.stack(table["scores"].to_numpy(zero_copy_only=False))
    found = matrix[scores.query_row, scores.train_row]
    assert (found == scores.score).all(), "the matrix holds the scores of the top"
    assert np.allclose(matrix.mean(axis=0, dtype=float), rows["mean"], rtol=1e-5, atol=1e-7)
print(f"{run.name}: {len(scores)} scores, {len(rows)} rows")
