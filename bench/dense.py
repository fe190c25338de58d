"""Times the dense factorisations beside LAPACK as numpy has it.

    python bench/dense.py [rounds] [Eigh:512 Cholesky:2048 ...] > bench/results/<date>-eigen.txt

Both sides get the same kind of matrix, a covariance of features whose scale
decays, in memory and warm; the clock is around the factorisation alone. A round
is a process of ours and one of numpy with one and with two threads, in turns;
the best of its calls stands for a process. Minimum and median over the rounds
are printed in milliseconds, and our minimum over the better of numpy's.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile

SIZES = [512, 1000, 1024, 2048, 3000, 4096]
KINDS = {"Eigh": "np.linalg.eigh(a)", "Cholesky": "np.linalg.cholesky(a)"}

NUMPY = """
import sys, time
import numpy as np
n, calls = int(sys.argv[1]), int(sys.argv[2])
x = np.random.default_rng(1).standard_normal((n + n // 2, n)) / (1 + np.arange(n))
a = x.T @ x + np.eye(n) / n
times = []
for _ in range(calls):
    start = time.perf_counter()
    CALL
    times.append(time.perf_counter() - start)
print(1e3 * min(times))
"""


def calls(n):
    """How often each process calls: less where a call takes seconds."""
    return 5 if n <= 1024 else 3 if n <= 2048 else 2


def ours(binary, kind, n):
    command = [binary, "-test.run=^$", f"-test.bench=^Benchmark{kind}$/^{n}$", f"-test.benchtime={calls(n)}x"]
    out = subprocess.run(command, env={**os.environ, "INFL_BENCH": "full"}, check=True, capture_output=True, text=True)
    return float(re.search(r"([\d.]+) min-ms", out.stdout).group(1))


def theirs(kind, n, threads):
    program = NUMPY.replace("CALL", KINDS[kind])
    command = [sys.executable, "-c", program, str(n), str(calls(n))]
    out = subprocess.run(command, env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}, check=True, capture_output=True, text=True)
    return float(out.stdout)


def summary(times):
    return f"{min(times):9.2f} {statistics.median(times):9.2f}"


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    tasks = sys.argv[2:] or [f"{kind}:{n}" for kind in KINDS for n in SIZES]
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "bench.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./bench"], check=True)
        print(f"{'':14} {'ours':>19} {'numpy, 1 thread':>19} {'numpy, 2 threads':>19}  ours/numpy")
        for task in tasks:
            kind, n = task.split(":")
            n, columns = int(n), [[], [], []]
            for _ in range(rounds):
                columns[0].append(ours(binary, kind, n))
                columns[1].append(theirs(kind, n, 1))
                columns[2].append(theirs(kind, n, 2))
            ratio = min(columns[0]) / min(columns[1] + columns[2])
            print(f"{kind:9}{n:5} " + " ".join(map(summary, columns)) + f" {ratio:11.2f}", flush=True)


if __name__ == "__main__":
    main()
