#!/usr/bin/env python3
"""Run the Savina programs, and nine of them with CAF as well, in turn; print times and ratios.

usage: savina.py [-n TURNS] [-b FOLDER] [NAME...]

FOLDER (build/release/bench) holds savina_bench: ninja -C build/release savina_bench. CAF's programs
are built there too, if they are not; that needs g++ and Debian's libcaf-dev. In each turn each side
runs a program five times, in a fresh process on one processor. The ratio is that of the medians or of
the least, whichever is smaller. Exit status 1 when Grove is less than three times as fast as CAF at
one of them, 2 when something could not be run.
"""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

RUNS = 5  # of a program in a process
BAR = 3.0
PROGRAMS = ["pingpong", "count", "fjthrput", "fjcreate", "threadring", "chameneos", "big", "concdict",
            "concsll", "bndbuffer", "philosopher", "barber", "cigsmok", "logmap", "banking", "quicksort",
            "nqueenk", "fib"]
WITH_CAF = ["pingpong", "count", "fjthrput", "fjcreate", "threadring", "chameneos", "big", "banking", "fib"]
SLOW = ["concsll", "bndbuffer"]  # seconds each: once in a turn
HERE = Path(__file__).resolve().parent
PINNED = ["taskset", "-c", "0"]
MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise SystemExit(error(f"{' '.join(map(str, command))}: status {done.returncode}: {words}"))
    return done.stdout


def error(words):
    print(words, file=sys.stderr)
    return 2


def build_caf(binary):
    sources = sorted((HERE / "caf" / "savina").glob("*.cpp"))
    headers = [HERE / "caf" / "savina" / "savina.hpp", HERE.parent / "savina" / "work.hpp"]
    newest = max(path.stat().st_mtime for path in sources + headers)
    if binary.exists() and binary.stat().st_mtime > newest:
        return
    print("    building CAF's programs", file=sys.stderr)
    objects = binary.with_suffix(".o.d")
    objects.mkdir(parents=True, exist_ok=True)

    def compile_one(source):
        target = objects / (source.stem + ".o")
        run(["g++", "-std=c++17", "-O2", "-DNDEBUG", "-c", source, "-o", target])
        return target

    with ThreadPoolExecutor(2) as pool:
        compiled = list(pool.map(compile_one, sources))
    run(["g++", *compiled, "-o", binary, "-lcaf_core", "-lpthread"])


def grove(folder, name):
    """Milliseconds of each run."""
    runs = 1 if name in SLOW else RUNS
    out = run(PINNED + [folder / "savina_bench", f"--benchmark_filter=^savina/{name}/",
                        f"--benchmark_repetitions={runs}", "--benchmark_min_time=0",
                        "--benchmark_format=json"])
    times = []
    for entry in json.loads(out[out.index("{"):])["benchmarks"]:
        if entry.get("error_occurred"):
            raise SystemExit(error(f"savina/{name}: {entry.get('error_message')}"))
        if entry.get("run_type") == "iteration":
            times.append(entry["real_time"] * MS[entry["time_unit"]])
    return times


def caf(folder, name):
    out = run(PINNED + [folder / "savina_caf", name, str(RUNS)])
    return [float(line.split()[1]) for line in out.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=5, metavar="TURNS")
    parser.add_argument("-b", type=Path, default=HERE.parents[1] / "build/release/bench", metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    for name in options.names:
        if name not in PROGRAMS:
            return error(f"there is no program '{name}'; there are: {', '.join(PROGRAMS)}")
    names = options.names or PROGRAMS
    if not (options.b / "savina_bench").exists():
        return error(f"{options.b / 'savina_bench'} is not built")
    if set(names) & set(WITH_CAF):
        build_caf(options.b / "savina_caf")

    ours = {name: [] for name in names}
    theirs = {name: [] for name in names}
    for turn in range(options.n):
        print(f"    turn {turn + 1} of {options.n}", file=sys.stderr)
        for name in names:
            ours[name] += grove(options.b, name)
            if name in WITH_CAF:
                theirs[name] += caf(options.b, name)

    print(f"\n{'program':<20}  {'Grove, ms':>19}  {'CAF, ms':>19}  {'ratio':>7}  {'bar':>5}")
    print(f"{'':<20}  {'median':>9} {'least':>9}  {'median':>9} {'least':>9}")
    missed = []
    for name in names:
        line = f"{'savina/' + name:<20}  {median(ours[name]):9.2f} {min(ours[name]):9.2f}"
        if theirs[name]:
            # Who takes longer is interrupted more often: the median flatters the quicker one.
            ratio = min(each(theirs[name]) / each(ours[name]) for each in (median, min))
            line += f"  {median(theirs[name]):9.2f} {min(theirs[name]):9.2f}  {ratio:6.1f}x  {BAR:4.0f}x"
            if ratio < BAR:
                missed.append(name)
                line += "  MISS"
        print(line)
    if missed:
        print(f"\nnot {BAR:g} times as fast as CAF: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
