"""Compares scores of stored vectors with faiss, torch and traker, interleaved.

    go build -o infl ./cmd/infl; go build -o rates ./bench/rates; go build -o scan ./bench/scan
    python bench/products.py dense FOLDER INFL RATES SCAN [ROUNDS]  # into the top 100
    python bench/products.py trak FOLDER INFL RATES SCAN [ROUNDS]   # of finished features

200,000 train rows and 256 queries of 4,096 float32 numbers; all sides map the same file,
which is warm. The clock of "infl" holds the whole process, hashes of its inputs and a
durable run folder included; that of "kernel" (bench/scan) the product alone or into the
top 100; those of faiss (knn by inner product, without the copy that an index makes),
torch and traker's product one call in a process that runs; that of "traker, whole call"
finalize_scores, from and to its own files. Each competitor runs with the better of one
and two threads. Needs faiss-cpu and traker.
"""
import os
import shutil
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded

import faiss
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from trak import TRAKer
from trak.projectors import NoOpProjector
from trak.score_computers import BasicScoreComputer

from scan.compare import Ours, make
from sides import Infl, Peak, in_turns, table

N, Q, D, K = 200_000, 256, 4096, 100


def better(run):
    """A call with the number of threads that takes less, and its name."""
    def with_threads(threads):
        faiss.omp_set_num_threads(threads)
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            run()
    tries = []
    for threads in (1, 2, 2):  # a try that a neighbour disturbed does not decide alone
        begin = time.perf_counter()
        with_threads(threads)
        tries.append((time.perf_counter() - begin, threads))
    best = min(tries)[1]
    return f"{best} thread{'s' if best > 1 else ''}", lambda: with_threads(best)


def stored_traker(folder, features, queries):
    """A TRAKer whose features are finished and whose targets are there."""
    model = torch.nn.Linear(D, 1, bias=False)
    traker = TRAKer(model=model, task="image_classification", train_set_size=N, projector=NoOpProjector(), device="cpu",
                    save_dir=folder, use_half_precision=False, logging_level=100)
    traker.load_checkpoint(model.state_dict(), model_id=0)
    traker.saver.current_store["out_to_loss"][:] = 1
    path = os.path.join(folder, "0", "features.mmap")
    os.remove(path)
    os.symlink(features, path)
    traker.saver.model_ids[0].update(is_featurized=1, is_finalized=1)
    traker.start_scoring_checkpoint("bench", model.state_dict(), 0, Q)
    traker.saver.current_store["bench_grads"][:] = queries
    return traker


def main(kind, folder, program, rates, scan, rounds):
    folder = os.path.join(os.path.abspath(folder), "infl-bench-products")
    os.makedirs(folder, exist_ok=True)
    train, query, run = (os.path.join(folder, name) for name in ("train.npy", "query.npy", "run"))
    if not os.path.exists(train):
        make(train, N, D)
    x = np.load(train, mmap_mode="r+")
    queries = np.ascontiguousarray(x[:Q])
    np.save(query, queries)
    rows, asked = torch.from_numpy(x), torch.from_numpy(queries)
    program, peak, kernel = Infl(program), Peak(rates), Ours(scan, train)
    ours = lambda *more: program("score", "--method", "dot", "--train", train, "--query", query, "--out", run, *more)
    job = "top" if kind == "dense" else "gemm"
    sides = {"infl, top 100": ours, "kernel": lambda: kernel(job, Q)}
    if kind == "dense":
        competitors = {"faiss": lambda: faiss.knn(queries, x, K, metric=faiss.METRIC_INNER_PRODUCT),
                       "torch, matmul + topk": lambda: torch.topk(asked @ rows.T, K)}
    else:
        sides["infl, whole matrix"] = lambda: ours("--matrix", "npy")
        traker = stored_traker(os.path.join(folder, "traker"), train, queries)
        computer, scores = BasicScoreComputer(torch.float32, "cpu"), torch.zeros(N, Q)
        competitors = {"traker, product": lambda: computer.get_scores(rows, asked, scores),
                       "traker, whole call": lambda: traker.finalize_scores("bench")}
        ours("--matrix", "npy")
        got, want = np.load(os.path.join(run, "matrix.npy")), np.asarray(traker.finalize_scores("bench")).T
        print(f"scores differ by {np.abs(got - want).max() / np.abs(want).max():.1e} of the largest")
    for name, call in competitors.items():
        threads, best = better(call)
        sides[f"{name}, {threads}"] = best
    for side in ("infl, top 100", "kernel"):
        sides[side]()  # warm
    seconds = in_turns(sides, rounds, peak.probe)
    print(f"{kind}: n = {N}, d = {D}, q = {Q}, {rounds} rounds; peak {peak.best / 1e9:.0f} Gflop/s; {program.memory_used()}")
    print("\n".join(table(seconds, "infl, top 100")))
    for name, s in seconds.items():
        print(f"  {name:38} {2 * N * D * Q / peak.best / min(wall for wall, _ in s):.2f} of peak")
    for name in ("run", "traker"):
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) < 6 or sys.argv[1] not in ("dense", "trak"):
        sys.exit(__doc__)
    main(*sys.argv[1:6], int(sys.argv[6]) if len(sys.argv) > 6 else 7)
