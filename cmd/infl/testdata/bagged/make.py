"""Makes bagged.txt and masks.npy: python make.py (needs lightgbm and pandas).

The train table is the first 600 rows of the demo's, which the scripts cut off themselves.
"""
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

here = Path(__file__).parent
root = here.parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(root / "docs"))
from row_masks import bags_of

train = pd.read_csv(root / "internal/app/demodata/train.csv.gz").head(600)
x = train[["age", "education-num", "capital-gain", "capital-loss", "hours-per-week"]]
y = (train["label"] == ">50K").astype(int)
model = lgb.train(dict(objective="binary", num_leaves=6, bagging_fraction=.6, bagging_freq=1, bagging_seed=11, seed=7, num_threads=1,
                       deterministic=True, force_row_wise=True, verbose=-1), lgb.Dataset(x, y), 12)
model.save_model(here / "bagged.txt")
np.save(here / "masks.npy", bags_of(model.model_to_string(), y.values))
