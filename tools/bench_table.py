#!/usr/bin/env python3
"""Run the benchmarks and print one table: figures, ratios within the run, bars, best peers.

usage: bench_table.py FOLDER [NAME...]

FOLDER holds hub_bench and actor_bench; a NAME (or the beginning of one, "switch") selects rows.
Times are medians of five repetitions, each binary pinned. What is measured in memory starts a fresh
process for each repetition. Exit status 1 when a figure misses its bar, 2 when nothing could be measured.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPETITIONS = 5
NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}

# What others reach on a two-core cloud machine (Debian 12), best first: what a bar means to them.
YIELD = [("Photon", 30), ("Go", 52), ("Boost.Fiber", 66), ("gevent", 2278)]
SPAWN = [("Photon", 233), ("Boost.Fiber", 333), ("Go", 378), ("CAF", 1050)]
MESSAGE = [("SObjectizer", 87), ("Photon", 126), ("Go", 130), ("Boost.Fiber", 132), ("CAF", 238),
           ("Erlang", 269), ("gevent", 4127)]
SKYNET = [("Photon, depth first", 99), ("Go", 1355), ("CAF", 1738), ("Erlang", 4954)]  # ms
FAN_IN = [("CAF", 170), ("SObjectizer", 182), ("Erlang", 266), ("gevent", 417)]  # mailboxes
IDLE = [("CAF", 1225), ("goroutine", 2725), ("Erlang", 2822)]  # bytes


@dataclass
class Row:
    binary: str
    name: str
    peers: tuple | list = ()  # (name, figure in this row's unit)
    ratio_to: str = ""  # of the same run
    at_most: float = 0  # the bar of that ratio
    max_ms: float = 0  # bars of one-off runs, in a process of their own
    max_bytes: float = 0
    max_mb: float = 0
    alone: int = 0  # repetitions, each of which starts a process of its own
    cpus: int = 1


ROWS = [
    Row("hub_bench", "switch/raw"),
    Row("hub_bench", "switch/grove_yield", YIELD, "switch/raw", 1.6),
    Row("hub_bench", "switch/grove_deep", (), "switch/raw", 2.0),
    Row("hub_bench", "switch/grove_mixed", (), "switch/raw", 2.6),
    Row("hub_bench", "spawn/raw"),
    Row("hub_bench", "spawn/grove", SPAWN, "spawn/raw", 2.0),
    Row("hub_bench", "queue/ping_pong"),
    Row("hub_bench", "queue/put_get", (), "switch/raw", 2.5),
    Row("hub_bench", "event/pingpong", (), "switch/raw", 3.0),
    Row("hub_bench", "semaphore/uncontended", (), "switch/raw", 1.0),
    Row("hub_bench", "timer/start_cancel", (), "switch/raw", 4.0),
    Row("hub_bench", "timer/million", alone=1),
    Row("hub_bench", "pool/map", (), "switch/raw", 12.0),
    Row("hub_bench", "post/cross_thread", (), "switch/raw", 10.0, cpus=2),
    Row("hub_bench", "process/raw"),
    Row("hub_bench", "process/spawn", (), "process/raw", 1.1),
    Row("hub_bench", "idle_greenlets/grove", max_bytes=4600, alone=1),
    Row("actor_bench", "switch/raw"),
    Row("actor_bench", "message/grove", MESSAGE, "switch/raw", 2.2),
    Row("actor_bench", "ask/grove", (), "switch/raw", 6.0),
    Row("actor_bench", "fan_in/grove", FAN_IN),
    Row("actor_bench", "message/grove_two_hubs", cpus=2),
    Row("actor_bench", "stream/grove_two_hubs", cpus=2),
    Row("actor_bench", "skynet/grove", SKYNET, max_ms=80, max_mb=30, alone=5),
    Row("actor_bench", "idle_actors/grove", IDLE, max_bytes=160, alone=1),
]


def pinned(count):
    """The command prefix that pins to the last `count` processors of those this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    chosen = usable[1:2] if count == 1 and len(usable) > 1 else usable[:count]
    if not shutil.which("taskset"):
        return []
    return ["taskset", "-c", ",".join(map(str, chosen))]


def run(binary, names, cpus, repetitions):
    """Every repetition of these benchmarks, by name, from one process."""
    wanted = "|".join(re.escape(name) for name in names)
    command = pinned(cpus) + [
        str(binary),
        f"--benchmark_filter=^({wanted})(/|$)",
        "--benchmark_format=json",
        f"--benchmark_repetitions={repetitions}",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    start = done.stdout.find("{")
    if done.returncode != 0 or start < 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        # Nothing matched: the rows are reported as missing. Anything else ends here.
        if "Failed to match any benchmarks" not in done.stderr + done.stdout:
            raise SystemExit(error(f"{' '.join(command)}: status {done.returncode}: {words}"))
        return {}
    samples = {}
    for entry in json.loads(done.stdout[start:])["benchmarks"]:
        if entry.get("run_type") != "iteration":
            continue
        name = entry.get("run_name", entry["name"])
        name = re.sub(r"/(real_time|process_time|manual_time|iterations:\d+|repeats:\d+)", "", name)
        if entry.get("error_occurred"):
            raise SystemExit(error(f"{name}: {entry.get('error_message')}"))
        sample = {k: v for k, v in entry.items() if isinstance(v, (int, float))}
        sample["ns"] = entry["real_time"] * NS[entry["time_unit"]]
        samples.setdefault(name, []).append(sample)
    return samples


def median_of(samples):
    def median(values):
        values = sorted(values)
        middle = len(values) // 2
        return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2

    keys = set.intersection(*(set(sample) for sample in samples))
    return {key: median([sample[key] for sample in samples]) for key in keys}


def measure(folder, rows):
    """{(binary, name): medians}; what is compared with each other comes from one process."""
    results = {}
    for binary in dict.fromkeys(row.binary for row in rows):
        path = folder / binary
        if not path.exists():
            print(f"{path} is not built", file=sys.stderr)
            continue
        of_binary = [row for row in rows if row.binary == binary]
        together = [row for row in of_binary if not row.alone and row.cpus == 1]
        names = {row.name for row in together} | {row.ratio_to for row in together if row.ratio_to}
        runs = [(sorted(names), 1, REPETITIONS)] if names else []
        runs += [([row.name], row.cpus, REPETITIONS) for row in of_binary if row.cpus > 1]
        runs += [([row.name], 1, row.alone) for row in of_binary if row.alone]
        for names, cpus, repetitions in runs:
            print(f"    {binary}: {', '.join(names)}", file=sys.stderr)
            for name, found in run(path, names, cpus, repetitions).items():
                results[binary, name] = median_of(found)
    return results


def figure(row, found):
    """The cells figure, ratio, bar, verdict and best peer of a row."""
    figures, bars, good = [], [], True

    def hold(value, bar, form):
        nonlocal good
        figures.append(form.format(value))
        if bar:
            bars.append("≤ " + form.format(bar).replace(".0 ", " "))
            good &= value <= bar

    mine = found.get((row.binary, row.name))
    if mine is None:
        return "-", "", "", "missing", ""
    ratio = ""
    if row.alone:
        if "bytes_each" in mine:
            hold(mine["bytes_each"], row.max_bytes, "{:,.0f} bytes")
        elif row.max_bytes:
            return "-", "", "", "no bytes_each", ""
        if row.max_ms:
            hold(mine["ns"] / 1e6, row.max_ms, "{:,.1f} ms")
        if "peak_rss_mb" in mine and row.max_mb:
            hold(mine["peak_rss_mb"], row.max_mb, "{:,.1f} MB")
        elif row.max_mb:
            return "-", "", "", "no peak_rss_mb", ""
    else:
        figures.append(f"{mine['ns']:,.1f} ns")
    if row.ratio_to:
        limit = found.get((row.binary, row.ratio_to))
        if limit is None:
            return figures[0], "", "", f"no {row.ratio_to}", ""
        value = mine["ns"] / limit["ns"]
        ratio = f"{value:.2f} × {row.ratio_to}"
        bars.append(f"≤ {row.at_most:g} ×")
        good &= value <= row.at_most
    verdict = ("ok" if good else "MISS") if bars else ""
    best = ""
    if row.peers:
        value = mine["ns"]
        if row.alone:
            value = mine["ns"] / 1e6 if row.max_ms else mine["bytes_each"]
        name, theirs = row.peers[0]
        best = f"{theirs / value:.1f} × better than {name}"
    return ", ".join(figures), ratio, ", ".join(bars), verdict, best


def error(words):
    print(words, file=sys.stderr)
    return 2


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        print(__doc__)
        return 2
    folder, wanted = Path(arguments[0]), arguments[1:]
    for name in wanted:
        if not any(row.name.startswith(name) for row in ROWS):
            known = ", ".join(dict.fromkeys(row.name for row in ROWS))
            return error(f"there is no benchmark '{name}'; there are: {known}")
    rows = [row for row in ROWS if not wanted or any(row.name.startswith(n) for n in wanted)]
    found = measure(folder, rows)

    table = [("benchmark", "figure", "ratio", "bar", "", "against the best peer", "peers")]
    for row in rows:
        peers = ", ".join(f"{name} {value:,}" for name, value in row.peers)
        table.append((row.name, *figure(row, found), peers))
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]) - 1)]
    print()
    for number, line in enumerate(table):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths)) + "  " + line[-1])
        if number == 0:
            print("  ".join("-" * width for width in widths) + "  " + "-" * len("peers"))
    bad = [line[0] for line in table[1:] if line[4] not in ("", "ok")]
    if bad:
        print(f"\nmissing, or not within its bar: {', '.join(bad)}")
    elif not wanted:
        print("\nall within their bars")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
