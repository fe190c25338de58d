"""Matrix products beside numpy with OpenBLAS, in turn.

    go build -o rates ./bench/rates
    python bench/gemm.py ./rates [--repeat 7] [--line 'gemm float32 NT 4100 4090 4110' ...]

Three processes answer the same lines one after the other: ours, numpy with one
thread, numpy with two. A probe of the peak of fused multiply-adds stands before
each of ours. Printed are the minimum and the median of the seconds and of the CPU
seconds of each, shares of the best probe (of all cores; of one for CPU seconds),
and how many times as long the better of numpy's takes. On a machine that others
use, CPU seconds are the steadier measure; those of two threads count spinning.

Each side holds its matrices, warm, before the clock starts; ours adds to C, numpy
overwrites it, neither allocates it. numpy's syrk is what x.T @ x runs, with sums
in the precision of x; ours sums blocks in float64.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

LINES = [
    "gemm float32 NT 4100 4090 4110",
    "gemm float32 NN 4100 4090 4110",
    "gemm float32 NT 8200 1030 8190",
    "gemm float64 NT 2100 2090 2110",
    "syrk float32 16384 4096",
]


# Threads of OpenBLAS spin for a while after their work: seconds until they sleep.
PAUSE = 0.3


def serve():
    """Answer lines with the seconds that numpy takes."""
    import numpy as np

    def prepare(line):
        what, kind, *rest = line.split()
        rng = np.random.default_rng(1)

        def numbers(rows, cols):
            return rng.random((rows, cols), dtype=kind) - np.dtype(kind).type(0.5)

        if what == "syrk":
            n, d = map(int, rest)
            x, c = numbers(n, d), np.empty((d, d), kind)
            return lambda: np.matmul(x.T, x, out=c)
        form, m, n, k = rest[0], *map(int, rest[1:])
        a = numbers(k, m).T if form[0] == "T" else numbers(m, k)
        b = numbers(n, k).T if form[1] == "T" else numbers(k, n)
        c = np.empty((m, n), kind)
        return lambda: np.matmul(a, b, out=c)

    last = run = None
    for line in sys.stdin:
        if line != last:
            last, run = line, prepare(line)
            run()
        begin = time.perf_counter()
        run()
        print(time.perf_counter() - begin, flush=True)


class Peer:
    """A process that answers lines."""

    def __init__(self, command, **env):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | env
        )

    def ask(self, line):
        """Return the answer to a line, and the CPU seconds that it took."""
        begin = self.cpu()
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.process.args} gave no answer to {line!r}")
        return float(answer), self.cpu() - begin

    def cpu(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks.iterdir()) / 1e9

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def operations(line):
    what, _, *rest = line.split()
    if what == "syrk":
        n, d = map(int, rest)
        return n * d * d
    m, n, k = map(int, rest[1:])
    return 2 * m * n * k


def compare(line, rates, repeat):
    numpy = [sys.executable, __file__, "--serve"]
    peers = {
        "infl": Peer([rates]),
        "numpy, one thread": Peer(numpy, OPENBLAS_NUM_THREADS="1"),
        "numpy, two threads": Peer(numpy, OPENBLAS_NUM_THREADS="2"),
    }
    probes = [Peer([rates]), Peer([rates], GOMAXPROCS="1")]
    probe = "peak " + line.split()[1]
    for peer in peers.values():
        peer.ask(line)
    took = {name: [] for name in peers}
    peak = [0.0, 0.0]
    for _ in range(repeat):
        time.sleep(PAUSE)
        peak = [max(p, peer.ask(probe)[0]) for p, peer in zip(peak, probes)]
        for name, peer in peers.items():
            time.sleep(PAUSE)
            took[name].append(peer.ask(line))
    for peer in [*peers.values(), *probes]:
        peer.close()

    work = operations(line)
    print(f"{line}; peak {peak[0] / 1e9:.1f} GF/s, of one core {peak[1] / 1e9:.1f}")
    low, middle = {}, {}
    for name, times in took.items():
        wall, cpu = zip(*times)
        low[name], middle[name] = min(wall), statistics.median(wall)
        print(
            f"  {name:18}  min {min(wall):.4f} s  median {middle[name]:.4f} s  {work / min(wall) / 1e9:6.1f} GF/s {work / min(wall) / peak[0]:.3f} of peak"
            f"  cpu min {min(cpu):.4f} s  median {statistics.median(cpu):.4f} s  {work / min(cpu) / peak[1]:.3f} of a core's peak"
        )
    ratio = [min(t[n] for n in took if n != "infl") / t["infl"] for t in (low, middle)]
    one = [min(c for _, c in took[name]) for name in ("numpy, one thread", "infl")]
    print(f"  numpy / infl: min {ratio[0]:.3f}, median {ratio[1]:.3f}; cpu of one thread / infl {one[0] / one[1]:.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rates", nargs="?")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--line", action="append")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    for line in options.line or LINES:
        compare(line, options.rates, options.repeat)


if __name__ == "__main__":
    main()
