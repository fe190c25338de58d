"""Makes the demo's model and tables: python make.py ADULT_FOLDER OUT (needs lightgbm and pandas).

ADULT_FOLDER holds train.csv.gz and test.csv.gz of the Adult data set, a header row, target in the last column.
"""
import gzip
import sys

import lightgbm as lgb
import pandas as pd

source, out = sys.argv[1:]
train = pd.read_csv(f"{source}/train.csv.gz").sample(6000, random_state=7).sort_index()
test = pd.read_csv(f"{source}/test.csv.gz").sample(200, random_state=7).sort_index()
target = train.columns[-1]
tables = []
for prefix, d in (("t", train), ("q", test)):
    d = d.drop(columns=["fnlwgt"]).reset_index(drop=True)
    d.insert(0, "id", [f"{prefix}{i:04d}" for i in range(len(d))])
    tables.append(d)
train, test = tables
text = [c for c in train.columns[1:-1] if train[c].dtype == object or str(train[c].dtype).startswith("str")]
x = train.drop(columns=["id", target])
for c in text:
    x[c] = x[c].astype("category")
y = (train[target] == sorted(train[target].unique())[1]).astype(int)
model = lgb.LGBMClassifier(n_estimators=80, num_leaves=15, learning_rate=0.1, min_child_samples=20, random_state=7, n_jobs=1,
                           deterministic=True, force_row_wise=True, verbose=-1).fit(x, y)
model.booster_.save_model(f"{out}/model.txt")
train.to_csv(f"{out}/train.csv", index=False)
test.to_csv(f"{out}/query.csv", index=False)
for name in ("model.txt", "train.csv", "query.csv"):
    raw = open(f"{out}/{name}", "rb").read()
    with open(f"{out}/{name}.gz", "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, mtime=0, compresslevel=9) as z:
        z.write(raw)
