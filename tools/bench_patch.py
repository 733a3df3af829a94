"""The row of patched C clients: patch_bench's blocking hiredis against hiredis' own async API on libev.

Part of bench_table.py. A redis-server on the first processor, the client on the second; ours and the peer's
take turns, and a ratio is the median of those of the pairs.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from statistics import median, quantiles

from bench_peers import CXX, SOURCES, Failed, call

PAIRS = 7


@dataclass
class Row:
    clients: int
    count: int
    at_least: float

    @property
    def name(self):
        return f"patch/hiredis_get_{self.clients}"


ROWS = [Row(100, 100_000, 0.8)]


class Redis:
    """A server with a port and a folder of its own."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="grove_bench_")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        pinned = ["taskset", "-c", "0"] if shutil.which("taskset") else []
        self.process = subprocess.Popen(
            [*pinned, "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir",
             self.folder.name], stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "Ready to accept" in line:
                return self
        raise Failed("redis-server does not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


def run(program, *arguments):
    """{"ns": time, "cpu_ns": processor time}, for each GET."""
    return {name: float(value) for name, value in map(str.split, call([program, *arguments]).splitlines())}


def line(ours, theirs, at_least):
    """(figure, against, ratio, bar, verdict)"""
    ratios = [other["ns"] / mine["ns"] for mine, other in zip(ours, theirs)]
    low, _, high = quantiles(ratios, n=4)

    def figure(runs):
        return f"{median(r['ns'] for r in runs):,.0f} ns (cpu {median(r['cpu_ns'] for r in runs):,.0f} ns)"

    return (figure(ours), f"libev {figure(theirs)}", f"{median(ratios):.2f} × ({low:.2f} to {high:.2f})",
            f"≥ {at_least:g} ×", "met" if median(ratios) >= at_least else "MISSED")


def measure(folder, build, wanted):
    """{name: [line, ...]} of each of these rows."""
    found = {row.name: [("-", "", "", "", "missing")] for row in wanted}
    ours, theirs = folder / "patch_bench", build / "hiredis_async"
    if not ours.exists():
        print(f"{ours} is not built", file=sys.stderr)
        return found
    try:
        build.mkdir(parents=True, exist_ok=True)
        call([*CXX, f"-I{SOURCES.parent}", SOURCES / "hiredis" / "async.cpp", "-o", theirs, "-lhiredis", "-lev"])
        with Redis() as redis, subprocess.Popen([folder / "keep_awake"]) as awake:
            try:
                for row in wanted:
                    print(f"    {row.name}", file=sys.stderr)
                    runs = [[run(program, redis.port, row.clients, row.count) for program in (ours, theirs)]
                            for _ in range(PAIRS)]
                    found[row.name] = [line(*zip(*runs), row.at_least)]
            finally:
                awake.kill()
    except (Failed, OSError) as failed:
        print(f"    {failed}", file=sys.stderr)
    return found
