import json
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import infl

RECORD = {"schema": 1, "state": "done", "method": "boostin", "unit": "loss", "positive_means": "helps"}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(RECORD))
    pq.write_table(pa.table({"query_key": ["q"], "score": pa.array([0.5], pa.float32())}), tmp_path / "scores.parquet")
    pq.write_table(pa.table({"train_key": [7]}), tmp_path / "rows.parquet")
    return tmp_path


def test_read(run):
    frame = infl.read(run)
    assert isinstance(frame, pd.DataFrame) and frame["score"].tolist() == [0.5] and frame.attrs == RECORD
    assert infl.read(run, "rows", format="polars")["train_key"].to_list() == [7]
    arrow = infl.read(run, format="arrow")
    assert json.loads(arrow.schema.metadata[b"infl"]) == RECORD and arrow.column_names == ["query_key", "score"]


def test_what_cannot_be_read_is_named(run):
    with pytest.raises(ValueError, match="has no table 'subset'; there are: scores, rows"):
        infl.read(run, "subset")
    with pytest.raises(ValueError, match="format is 'csv'"):
        infl.read(run, format="csv")
    (run / "run.json").write_text(json.dumps({**RECORD, "state": "running"}))
    with pytest.raises(ValueError, match="is unfinished"):
        infl.read(run)
    with pytest.raises(FileNotFoundError):
        infl.read(run / "nothing")
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        infl.nothing


def test_torch_is_needed_by_captures_only(run):
    program = f"""
import sys
sys.modules["torch"] = sys.modules["sklearn"] = sys.modules["polars"] = None
import infl
assert infl.read({str(run)!r}, format="arrow").num_rows == 1
infl.merge, infl.batches, infl.export_sklearn
try:
    infl.Capture
except ImportError:
    print("needs torch")
"""
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout == "needs torch\n"
