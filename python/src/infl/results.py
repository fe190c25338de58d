"""Results of infl as tables."""
import json
import os

import pyarrow.parquet

TABLES = ("scores", "rows", "subset")


def read(run, table=None, format="pandas"):
    """Reads a table of a run folder as pandas, polars or arrow.

    table is "scores" (train rows of each query), "rows" (numbers of each train row) or
    "subset"; by default the first of them that the run has. What the scores measure
    and what is approximate comes along: the fields of run.json are the table's attrs in
    pandas, its schema metadata "infl" in Arrow. A run that is unfinished is refused.
    """
    if format not in ("pandas", "polars", "arrow"):
        raise ValueError(f"format is {format!r}, not 'pandas', 'polars' or 'arrow'")
    with open(os.path.join(run, "run.json")) as f:
        record = json.load(f)
    if record.get("state") != "done":
        raise ValueError(f"{run} is unfinished; run the same command again to continue it")
    there = [t for t in TABLES if os.path.exists(os.path.join(run, t + ".parquet"))]
    if table is None and there:
        table = there[0]
    if table not in there:
        raise ValueError(f"{run} has no table {table!r}; there are: {', '.join(there) or 'none'}")
    arrow = pyarrow.parquet.read_table(os.path.join(run, table + ".parquet"))
    if format == "arrow":
        return arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), "infl": json.dumps(record)})
    if format == "polars":
        import polars
        return polars.from_arrow(arrow)
    frame = arrow.to_pandas()
    frame.attrs = record
    return frame
