"""The rows of ZeroMQ: zmq_bench against libzmq's own blocking calls, and against pyzmq's zmq.green.

Part of bench_table.py. Each run is a process of its own, on the first two processors; ours and the peer's
take turns, and a ratio is the median of those of the pairs. Meanwhile keep_awake keeps the processors from
going to sleep: what it takes a virtual one to wake is the host's affair.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from bench_peers import SOURCES, Failed, call

PAIRS = 7
PAIRS_WITH_GREEN = 3  # whose ratios are not close
PYTHON = "/usr/bin/python3"  # Debian's, which has its packages


@dataclass
class Row:
    ours: str
    theirs: str
    transport: str
    size: int
    count: int
    at_least: float = 0  # how many times as fast as libzmq
    at_most: float = 0  # or our time as a multiple of libzmq's
    green: int = 0  # how many for zmq.green; 0: not measured
    green_bar: float = 0  # how many times as fast as it

    @property
    def name(self):
        return f"zmq/{self.ours}_{self.transport}" + (f"_{self.size}" if self.ours == "push_pull" else "")


def rows():
    for transport, counts in (("inproc", (4_000_000, 1_000_000, 40_000)), ("tcp", (2_000_000, 300_000, 15_000))):
        for size, count in zip((8, 1024, 65536), counts):
            yield Row("push_pull", "push_pull", transport, size, count, at_least=0.95,
                      green=20_000 if size == 8 else 0)
    for transport, count in (("inproc", 40_000), ("tcp", 15_000)):
        yield Row("req_rep", "req_rep", transport, 8, count, at_most=1.1)
    yield Row("one_hub", "req_rep", "inproc", 8, 40_000, at_most=0.2, green=4_000)
    yield Row("pipeline", "", "inproc", 64, 200_000, green=20_000, green_bar=5)
    yield Row("pipeline", "", "tcp", 64, 200_000, green=20_000, green_bar=5)


ROWS = list(rows())


class Drivers:
    def __init__(self, folder, build):
        self.grove = folder / "zmq_bench"
        self.awake = folder / "keep_awake"
        self.raw = build / "libzmq_raw"
        self.green = SOURCES / "pyzmq_green" / "green.py"
        self.prefix = ["taskset", "-c", "0,1"] if shutil.which("taskset") else []
        build.mkdir(parents=True, exist_ok=True)
        call(["g++", "-std=c++17", "-O2", "-DNDEBUG", f"-I{SOURCES.parent}", SOURCES / "libzmq" / "raw.cpp",
              "-o", self.raw, "-lzmq", "-lpthread"])

    def has_green(self):
        try:
            call([PYTHON, "-c", "import msgpack, zmq.green"])
            return True
        except (Failed, OSError):
            print("    without zmq.green: python3-zmq, python3-gevent or python3-msgpack is missing",
                  file=sys.stderr)
            return False

    def run(self, *command):
        """{"ns": time, "cpu_ns": processor time}, for each message or round trip."""
        lines = call([*self.prefix, *command]).splitlines()
        return {name: float(value) for name, value in map(str.split, lines)}


def pairs(drivers, row, count, times, theirs):
    ours = []
    others = []
    for _ in range(times):
        ours.append(drivers.run(drivers.grove, row.ours, row.transport, row.size, count))
        others.append(drivers.run(*theirs))
    return ours, others


def shown(ns):
    return f"{ns / 1e3:,.1f} us" if ns >= 10_000 else f"{ns:,.0f} ns"


def line(ours, theirs, peer, at_most, at_least):
    """(figure, against, ratio, bar, verdict): times as a multiple of the peer's, or how often as fast."""
    slower = [mine["ns"] / other["ns"] for mine, other in zip(ours, theirs)]
    ratios = [1 / ratio for ratio in slower] if not at_most else slower
    value = median(ratios)
    low, _, high = quantiles(ratios, n=4)

    def figure(runs):
        return f"{shown(median(r['ns'] for r in runs))} (cpu {shown(median(r['cpu_ns'] for r in runs))})"

    bar = f"≤ {at_most:g} ×" if at_most else f"≥ {at_least:g} ×" if at_least else ""
    met = value <= at_most if at_most else value >= at_least
    return (figure(ours), f"{peer} {figure(theirs)}", f"{value:.2f} × ({low:.2f} to {high:.2f})", bar,
            ("met" if met else "MISSED") if bar else "")


def lines(drivers, row, green):
    if row.theirs:
        theirs = (drivers.raw, row.theirs, row.transport, row.size, row.count)
        runs = pairs(drivers, row, row.count, PAIRS, theirs)
        yield line(*runs, "libzmq", row.at_most, row.at_least)
    if row.green and green:
        name = "req_rep" if row.ours == "one_hub" else row.ours
        theirs = (PYTHON, drivers.green, name, row.transport, row.size, row.green)
        runs = pairs(drivers, row, row.count, PAIRS_WITH_GREEN, theirs)
        yield line(*runs, "zmq.green", 0, row.green_bar)


def measure(folder, build, wanted):
    """{name: [line, ...]} of each of these rows."""
    found = {row.name: [("-", "", "", "", "missing")] for row in wanted}
    if not (folder / "zmq_bench").exists():
        print(f"{folder / 'zmq_bench'} is not built", file=sys.stderr)
        return found
    try:
        drivers = Drivers(folder, build)
    except Failed as failed:
        print(f"    without libzmq: {failed}", file=sys.stderr)
        return found
    green = drivers.has_green()
    with subprocess.Popen([*drivers.prefix, drivers.awake]) as awake:
        try:
            for row in wanted:
                print(f"    {row.name}", file=sys.stderr)
                found[row.name] = list(lines(drivers, row, green)) or found[row.name]
        except Failed as failed:
            print(f"    {failed}", file=sys.stderr)
        finally:
            awake.kill()
    return found
