"""What scripts that compare whole jobs have in common: turns, clocks and memory."""
import os
import statistics
import subprocess
import threading
import time


class Infl:
    """Runs the program and keeps what its largest run had in anonymous memory."""

    def __init__(self, program, memory="2GB"):
        self.program, self.memory, self.peak = program, memory, 0

    def __call__(self, *arguments):
        command = [self.program, *map(str, arguments), "--memory", self.memory, "--fresh", "--quiet"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(process.pid, ended))
        watch.start()
        code = process.wait()
        ended.set()
        watch.join()
        if code:
            raise SystemExit(f"{' '.join(command)}: exit code {code}")

    def _watch(self, pid, ended):
        while not ended.is_set():
            try:
                with open(f"/proc/{pid}/status") as f:
                    lines = dict(line.split(":", 1) for line in f)
            except (FileNotFoundError, ProcessLookupError):
                return
            # A process that has ended, and waits for its parent, has no memory.
            self.peak = max(self.peak, int(lines.get("RssAnon", "0 kB").split()[0]) * 1024)
            ended.wait(0.05)

    def memory_used(self):
        return f"peak anonymous memory {self.peak / 1e6:.0f} MB of --memory {self.memory}"


class Peak:
    """Probes of fused multiply-adds by bench/rates, on all cores: operations per second."""

    def __init__(self, rates, numbers="float32"):
        self.numbers, self.best = numbers, 0.0
        self.process = subprocess.Popen([rates], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def probe(self):
        self.process.stdin.write(f"peak {self.numbers}\n")
        self.process.stdin.flush()
        self.best = max(self.best, float(self.process.stdout.readline()))


def cpu_seconds():
    """Of this process and of those that it has waited for."""
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def in_turns(sides, rounds, between=lambda: None):
    """Runs each side once in each round; returns name -> list of (wall, CPU) seconds."""
    out = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            between()
            wall, cpu = time.perf_counter(), cpu_seconds()
            side()
            out[name].append((time.perf_counter() - wall, cpu_seconds() - cpu))
    return out


def table(seconds, ours):
    """One line a side: least and median wall time, least CPU time, and how many times as
    long as ours it takes by either."""
    least = {name: min(wall for wall, _ in s) for name, s in seconds.items()}
    middle = {name: statistics.median(wall for wall, _ in s) for name, s in seconds.items()}
    for name, s in seconds.items():
        yield (f"  {name:38} min {least[name]:8.3f} s  median {middle[name]:8.3f} s  CPU {min(cpu for _, cpu in s):8.3f} s"
               f"  {least[name] / least[ours]:7.2f} x (min) {middle[name] / middle[ours]:7.2f} x (median)")
