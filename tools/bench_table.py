#!/usr/bin/env python3
"""Run the benchmarks, and the same with other systems; print one table: figures, ratios, bars.

usage: bench_table.py [--no-peers] FOLDER [NAME...]

FOLDER holds hub_bench, actor_bench, savina_bench, and the programs of bench_zmq.py, bench_patch.py,
bench_net.py, bench_tls.py and bench_http.py. A NAME selects the row of that name, else all that begin
so ("switch"). The drivers of the peers (bench/peers) are built in build/peers. Each row is pinned; ours
and the peers take turns: a ratio is the median of those of the turns, and a bar in nanoseconds or bytes
is for the best turn, as whatever else runs can only make it worse. What is measured in memory starts a
fresh process for each repetition. Exit status 1 when a bar is missed, 2 when nothing could be measured.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import bench_http
import bench_net
import bench_patch
import bench_tls
import bench_zmq
from bench_peers import Peers

PAIRED = [bench_zmq, bench_patch, bench_net, bench_tls, bench_http]  # programs that take turns with the peers'
REPETITIONS = 5  # of what has no peers, in one process
TURNS = 3  # of what has
TURN_REPETITIONS = 3  # in each: of two the median would be the mean, and a cold first one half of it
NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


@dataclass
class Row:
    binary: str
    name: str
    ratio_to: str = ""  # of the same run
    at_most: float = 0  # the bar of that ratio
    max_ns: float = 0
    max_ms: float = 0
    max_bytes: float = 0  # each
    max_mb: float = 0
    alone: int = 0  # repetitions of what starts a process of its own for each, or takes long
    cpus: int = 1
    unit: str = "ns"  # in which it is shown: ns, us, ms, bytes
    driver: str = ""  # the peers' name of this row
    peers: dict = field(default_factory=dict)  # peer: how many times better than it; 0: no bar
    options: tuple = ()


def raw(binary, name, at_most, **others):
    return Row(binary, name, "switch/raw", at_most, **others)


def in_memory(name, **others):
    return Row("actor_bench", name, unit="bytes", alone=1, **others)


ROWS = [
    Row("hub_bench", "switch/raw"),
    raw("hub_bench", "switch/grove_yield", 1.6, driver="yield", peers={"Go": 0, "Erlang": 0}),
    raw("hub_bench", "switch/grove_deep", 2.0),
    raw("hub_bench", "switch/grove_mixed", 2.6),
    Row("hub_bench", "spawn/raw"),
    Row("hub_bench", "spawn/grove", "spawn/raw", 2.0, driver="spawn", peers={"Go": 0, "Erlang": 0}),
    Row("hub_bench", "queue/ping_pong"),
    raw("hub_bench", "queue/put_get", 2.5),
    raw("hub_bench", "event/pingpong", 3.0),
    raw("hub_bench", "semaphore/uncontended", 1.0),
    raw("hub_bench", "timer/start_cancel", 4.0),
    Row("hub_bench", "timer/million", alone=1, unit="ms"),
    raw("hub_bench", "pool/map", 12.0),
    raw("hub_bench", "post/cross_thread", 10.0, cpus=2),
    Row("hub_bench", "process/raw", unit="us"),
    Row("hub_bench", "process/spawn", "process/raw", 1.1, unit="us"),
    Row("hub_bench", "idle_greenlets/grove", max_bytes=4600, alone=1, unit="bytes"),
    Row("actor_bench", "switch/raw"),
    raw("actor_bench", "message/grove", 2.2, driver="message", peers={"CAF": 8, "Erlang": 8, "Go": 8}),
    Row("actor_bench", "message/grove_two_hubs", cpus=2, unit="us"),
    Row("actor_bench", "stream/grove_two_hubs", max_ns=40, cpus=2, driver="stream",
        peers={"CAF": 8, "Go": 0}),
    raw("actor_bench", "ask/grove", 6.0),
    Row("actor_bench", "fan_in/grove", driver="fan_in", peers={"CAF": 0, "Erlang": 0}),
    Row("actor_bench", "many_to_one/grove", alone=1, driver="many_to_one", peers={"CAF": 3, "Erlang": 3}),
    Row("actor_bench", "many_to_one/grove_two_hubs", alone=1, cpus=2, driver="many_to_one_two_cores",
        peers={"CAF": 3, "Erlang": 3}),
    Row("actor_bench", "many_to_one/grove_bursts", driver="many_to_one_bursts",
        peers={"CAF": 8, "Erlang": 8}),
    # 12.6 ns: Photon's RingQueue(1024), which has no lock.
    Row("actor_bench", "many_to_one/grove_bounded", max_ns=12.6, driver="many_to_one_bounded",
        peers={"Go": 2}),
    raw("actor_bench", "bounded/grove", 3.0, driver="bounded", peers={"Go": 0}),
    raw("actor_bench", "spawn_actor/grove", 8.0, driver="spawn_actor",
        peers={"CAF": 0, "Erlang": 0, "Go": 0}),
    Row("actor_bench", "skynet/grove", max_ms=80, max_mb=30, alone=1, unit="ms", driver="skynet",
        peers={"CAF": 15, "Erlang": 0, "Go": 15}),
    in_memory("idle_actors/grove", max_bytes=160, driver="idle_actors",
              peers={"CAF": 0, "Erlang": 0, "Go": 0}),
    in_memory("idle_actors/grove_ten_million", max_mb=1.8 * 1024**3 / 1e6),
]

# The Savina programs that bench/peers/caf has as well, and those that take seconds.
SAVINA_WITH_CAF = ["pingpong", "count", "fjthrput", "fjcreate", "threadring", "chameneos", "big", "banking",
                   "fib"]
SAVINA_SLOW = ["concsll", "bndbuffer"]


def savina_rows(folder):
    """What savina_bench has, if it was built."""
    path = folder / "savina_bench"
    if not path.exists():
        return
    listed = subprocess.run([path, "--benchmark_list_tests=true"], stdout=subprocess.PIPE, text=True,
                            check=False)
    for name in re.findall(r"^savina/(\w+)", listed.stdout, re.MULTILINE):
        with_caf = name in SAVINA_WITH_CAF
        yield Row("savina_bench", f"savina/{name}", alone=1 if name in SAVINA_SLOW else 3, unit="ms",
                  driver=f"savina/{name}" if with_caf else "", peers={"CAF": 3} if with_caf else {},
                  options=("--benchmark_min_time=0",))


# --- Measuring ------------------------------------------------------------------------------------


def pinned(count):
    """The command prefix that pins to the last `count` processors of those this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    chosen = usable[1:2] if count == 1 and len(usable) > 1 else usable[:count]
    if not shutil.which("taskset"):
        return []
    return ["taskset", "-c", ",".join(map(str, chosen))]


def run(binary, names, cpus, repetitions, options=()):
    """Medians of these benchmarks, by name, from one process."""
    wanted = "|".join(re.escape(name) for name in names)
    command = pinned(cpus) + [
        str(binary),
        f"--benchmark_filter=^({wanted})(/[a-z_]+(:[0-9]+)?)*$",
        "--benchmark_format=json",
        f"--benchmark_repetitions={repetitions}",
        *options,
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
    return {name: median_of(found) for name, found in samples.items()}


def median_of(samples):
    keys = set.intersection(*(set(sample) for sample in samples))
    return {key: median([sample[key] for sample in samples]) for key in keys}


class Results:
    """By row: our medians and those of its base, and the peers' figures, one for each turn."""

    def __init__(self):
        self.ours = {}  # (binary, row): [(sample, base or None)]
        self.theirs = {}  # (binary, row): {peer: [figure or None]}

    def keep(self, row, found):
        if row.name in found:
            turns = self.ours.setdefault((row.binary, row.name), [])
            turns.append((found[row.name], found.get(row.ratio_to)))


def take_turns(folder, row, peers, results):
    key = (row.binary, row.name)
    names = [row.name] + ([row.ratio_to] if row.ratio_to else [])
    theirs = results.theirs.setdefault(key, {peer: [] for peer in row.peers if peers.has(
        "savina" if row.binary == "savina_bench" else peer)})
    for _ in range(TURNS if theirs else 1):
        repetitions = row.alone or (TURN_REPETITIONS if theirs else REPETITIONS)
        results.keep(row, run(folder / row.binary, names, row.cpus, repetitions, row.options))
        for peer, figures in theirs.items():
            measured = peers.measure(peer, row.driver, row.cpus, pinned(row.cpus))
            figures.append(median(measured) if measured else None)


def measure(folder, rows, peers):
    """What is compared with each other comes from one process, or from turns."""
    results = Results()
    for binary in dict.fromkeys(row.binary for row in rows):
        path = folder / binary
        if not path.exists():
            print(f"{path} is not built", file=sys.stderr)
            continue
        of_binary = [row for row in rows if row.binary == binary]

        def by_itself(row):
            return row.alone or row.cpus > 1 or (peers and row.peers)

        together = [row for row in of_binary if not by_itself(row)]
        if together:
            names = {row.name for row in together} | {row.ratio_to for row in together if row.ratio_to}
            print(f"    {binary}: {', '.join(sorted(names))}", file=sys.stderr)
            found = run(path, sorted(names), 1, REPETITIONS)
            for row in together:
                results.keep(row, found)
        for row in of_binary:
            if not by_itself(row):
                continue
            print(f"    {binary}: {row.name}", file=sys.stderr)
            if peers and row.peers:
                take_turns(folder, row, peers, results)
            else:
                names = [row.name] + ([row.ratio_to] if row.ratio_to else [])
                results.keep(row, run(path, names, row.cpus, row.alone or REPETITIONS, row.options))
    return results


# --- The table ------------------------------------------------------------------------------------


def shown(value, unit):
    """`value` is in ns or bytes."""
    if unit == "bytes":
        return f"{value:,.0f} bytes"
    if unit == "MB":
        return f"{value:,.1f} MB"
    return f"{value / NS[unit]:,.1f} {unit}"


def figure(row, sample):
    return sample["bytes_each"] if row.unit == "bytes" else sample["ns"]


def lines(row, results):
    """(figure, held against, ratio, bar, verdict) of a row: first its own, then one for each peer."""
    turns = results.ours.get((row.binary, row.name))
    if not turns:
        return [("-", "", "", "", "missing")]

    def verdict(bar, good):
        return ("met" if good else "MISSED") if bar else ""

    def own(key):
        return median([sample[key] for sample, _ in turns])

    mine = median([figure(row, sample) for sample, _ in turns])
    found = []
    against, ratio, bar, met = "", "", "", ""
    if row.ratio_to:
        pairs = [(sample, base) for sample, base in turns if base is not None]
        if not pairs:
            return [(shown(mine, row.unit), row.ratio_to, "", "", "missing")]
        value = median([sample["ns"] / base["ns"] for sample, base in pairs])
        against = f"{row.ratio_to} {shown(median([base['ns'] for _, base in pairs]), row.unit)}"
        ratio, bar = f"{value:.2f} ×", f"≤ {row.at_most:g} ×"
        met = verdict(bar, value <= row.at_most)
    for limit, unit in ((row.max_ns, "ns"), (row.max_ms * 1e6, "ms"), (row.max_bytes, "bytes")):
        if limit:
            bar = f"≤ {shown(limit, unit)}".replace(".0 ", " ")
            met = verdict(bar, min(figure(row, sample) for sample, _ in turns) <= limit)
    found.append((shown(mine, row.unit), against, ratio, bar, met))
    if row.max_mb:
        peak = own("peak_rss_mb")
        bar = f"≤ {shown(row.max_mb, 'MB')}".replace(".0 ", " ")
        found.append((shown(peak, "MB"), "", "", bar, verdict(bar, peak <= row.max_mb)))
    for peer, figures in results.theirs.get((row.binary, row.name), {}).items():
        pairs = [(theirs, figure(row, sample)) for theirs, (sample, _) in zip(figures, turns)
                 if theirs is not None]
        wanted = row.peers[peer]
        bar = f"≥ {wanted:g} ×" if wanted else ""
        if not pairs:
            found.append(("", f"{peer} -", "", bar, "missing"))
            continue
        value = median([theirs / ours for theirs, ours in pairs])
        theirs = shown(median([theirs for theirs, _ in pairs]), row.unit)
        found.append(("", f"{peer} {theirs}", f"{value:.1f} ×", bar, verdict(bar, value >= wanted)))
    return found


def print_table(table):
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    print()
    for number, line in enumerate(table):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def error(words):
    print(words, file=sys.stderr)
    return 2


def main(arguments):
    with_peers = "--no-peers" not in arguments
    arguments = [argument for argument in arguments if argument != "--no-peers"]
    if not arguments or arguments[0].startswith("-"):
        print(__doc__)
        return 2
    folder, wanted = Path(arguments[0]), arguments[1:]
    known = ROWS + list(savina_rows(folder)) + [row for group in PAIRED for row in group.ROWS]
    for name in wanted:
        if not any(row.name.startswith(name) for row in known):
            names = ", ".join(dict.fromkeys(row.name for row in known))
            return error(f"there is no benchmark '{name}'; there are: {names}")
    names = {row.name for row in known}
    chosen = [row for row in known if not wanted
              or any(row.name == name if name in names else row.name.startswith(name) for name in wanted)]
    rows = [row for row in chosen if isinstance(row, Row)]
    build = Path("build/peers")
    results = measure(folder, rows, Peers(build) if with_peers and rows else None)
    paired = {}
    for group in PAIRED if with_peers else []:
        of_group = [row for row in chosen if isinstance(row, group.Row)]
        if of_group:
            paired |= group.measure(folder, build, of_group)
    if not results.ours and not paired:
        return error("nothing was measured")

    table = [("benchmark", "figure", "against", "ratio", "bar", "")]
    bad = []
    for row in rows + [row for row in chosen if row.name in paired]:
        found = paired[row.name] if row.name in paired else lines(row, results)
        for number, line in enumerate(found):
            table.append((row.name if number == 0 else "", *line))
            if line[-1] in ("missing", "MISSED") and row.name not in bad:
                bad.append(row.name)
    print_table(table)
    if bad:
        print(f"\nmissing, or not within its bar: {', '.join(bad)}")
    elif not wanted:
        print("\nall within their bars")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
