"""Compares the kernels that scan train rows with numpy and faiss, interleaved.

    go build -o scan ./bench/scan
    python bench/scan/compare.py make MATRIX.npy 200000 4096
    python bench/scan/compare.py few MATRIX.npy ./scan 4      # 4 queries, all stored types
    python bench/scan/compare.py top MATRIX.npy ./scan 1000   # GEMM and top 100
    python bench/scan/compare.py int8 MATRIX.npy ./scan 1000  # GEMM of int8

Both sides read one mapping of the same file, warm. The clock holds: ours, scores
of all rows with q queries ("top" also packs the queries and keeps and sorts the
100 best of each); numpy, x @ q.T into fresh memory; faiss, knn by inner product
without an index, so without a copy of the rows (k = 100). Competitors run with one and
with two threads, and the better counts. INFL_ROUNDS is the number of rounds, 7
where unset; "top" rounds take tens of seconds. Needs numpy, faiss-cpu and
threadpoolctl.

Memory that other machines share may give half of its best for seconds at a time: so the
roofline is told twice, by the least of all reads and by the read before each scan.
"""

import os
import statistics
import subprocess
import sys
import time

import numpy as np

ROUNDS = int(os.environ.get("INFL_ROUNDS", "7"))


def make(path, n, d):
    """Writes n rows of d normal numbers."""
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, d))
    rng = np.random.default_rng(1)
    for i in range(0, n, 4096):
        out[i : i + 4096] = rng.standard_normal((min(4096, n - i), d), dtype=np.float32)
    out.flush()


class Ours:
    """The Go program, one job at a time."""

    def __init__(self, program, path):
        self.process = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, job, q=0):
        self.process.stdin.write(f"{job} {q}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def timed(run):
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def competitors(x, q, names):
    """Name → function that returns its seconds, for each number of threads."""
    import faiss
    from threadpoolctl import threadpool_limits

    queries = np.ascontiguousarray(x[:q])
    out = {}
    for threads in (1, 2):

        def with_numpy(threads=threads):
            with threadpool_limits(threads):
                return timed(lambda: x @ queries.T)

        def with_faiss(threads=threads):
            faiss.omp_set_num_threads(threads)
            with threadpool_limits(threads):
                return timed(lambda: faiss.knn(queries, x, 100, metric=faiss.METRIC_INNER_PRODUCT))

        for name, run in {"numpy": with_numpy, "faiss": with_faiss}.items():
            if name in names:
                out[f"{name}, {threads} threads"] = run
    return out


def compare(path, program, q, jobs, names):
    x, ours = np.load(path, mmap_mode="r"), Ours(program, path)
    x = np.asarray(x)
    theirs = competitors(x, q, names)
    seconds = {name: [] for name in [*jobs, *theirs, "read"]}
    peak, beside = 0.0, []
    for job in [*jobs, "read"]:
        ours(job, q)  # makes what is made once, warms the mapping
    for _ in range(ROUNDS):
        for name in seconds:
            peak = max(peak, ours("peak"))
            if name == jobs[0]:
                beside.append(ours("read"))
            seconds[name].append(theirs[name]() if name in theirs else ours(name, q))
    best = {name: min(s) for name, s in seconds.items()}
    shares = [max(read, 2 * q * x.size / peak) / s for read, s in zip(beside, seconds[jobs[0]])]
    roofline = max(best["read"], 2 * q * x.size / peak)
    print(f"{x.shape[0]} x {x.shape[1]}, {q} queries, {ROUNDS} rounds, peak {peak / 1e9:.0f} Gflop/s")
    print(f"  {jobs[0]}: roofline of the read just before / time, median {statistics.median(shares):.2f}, best {max(shares):.2f}")
    for name, s in seconds.items():
        print(
            f"  {name:18} min {min(s):8.4f} s  median {statistics.median(s):8.4f} s"
            f"  roofline/min {roofline / min(s):5.2f}  {jobs[0]} is {min(s) / best[jobs[0]]:5.2f} x as fast"
        )


def main():
    command, path, *rest = sys.argv[1:]
    if command == "make":
        make(path, int(rest[0]), int(rest[1]))
    elif command == "few":
        compare(path, rest[0], int(rest[1]), ["dots", "float16", "bfloat16", "int8"], ["numpy", "faiss"])
    elif command == "top":
        compare(path, rest[0], int(rest[1]), ["top", "gemm"], ["faiss"])
    elif command == "int8":
        compare(path, rest[0], int(rest[1]), ["int8gemm", "gemm"], [])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
