"""Servers under load, ours and others', in turns: what bench_net.py, bench_http.py and bench_tls.py share.

A server is pinned to the first processor, its load to the second. All servers of a row run at once, idle but for the
one that is measured; they take turns, PAIRS times, those that are far behind less often. Meanwhile keep_awake keeps
the processors from going to sleep: what it takes a virtual one to wake is the host's affair. A ratio is the median of
those of the turns.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from bench_peers import CXX, SOURCES, Failed, call

PAIRS = 7
FEW = 3  # turns of a peer that is far behind
PYTHON = "/usr/bin/python3"  # Debian's, which has its packages


@dataclass
class Bar:
    """Our figure as a multiple of the peers' (their mean in each turn, or the worse of them); without a limit it is
    only told."""

    figure: str  # see shown()
    peers: tuple = ()
    of: str = "mean"
    at_most: float = 0
    at_least: float = 0
    at_most_value: float = 0


@dataclass
class Contestant:
    """One server of a row, "Grove" or a peer."""

    command: list  # prints "port N" first
    drive: object  # given the running Server: {figure: value}
    turns: int = PAIRS
    cpus: str = "0"
    port: int = 0  # of one that cannot tell


class Server:
    def __init__(self, peer, contestant):
        self.process = subprocess.Popen(pinned(contestant.cpus, contestant.command), stdout=subprocess.PIPE, text=True)
        self.port = contestant.port or self._told()
        if not self.port or (contestant.port and not self._answers()):
            self.stop()
            raise Failed(f"the server of {peer} does not begin")

    def _told(self):
        words = self.process.stdout.readline().split()
        return int(words[1]) if len(words) == 2 else 0

    def _answers(self):
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return True
            time.sleep(0.05)
        return False

    @property
    def pid(self):
        return self.process.pid

    def cpu_ns(self):
        """Of all its threads."""
        return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{self.pid}/task").glob("*/schedstat"))

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def pinned(cpus, command):
    return [*(["taskset", "-c", cpus] if shutil.which("taskset") else []), *map(str, command)]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def figures(text):
    return {name: float(value) for name, value in map(str.split, text.splitlines())}


def own_load(folder, program, mode, *rest, cpus="1"):
    """Drives with one of our programs, which are given MODE PORT PID and what follows."""
    def drive(server):
        return figures(call(pinned(cpus, [folder / program, mode, server.port, server.pid, *rest])))
    return drive


def take_turns(contestants):
    """{peer: [figures of each turn, or None]}."""
    found = {peer: [] for peer in contestants}
    servers = {}
    try:
        for peer, contestant in contestants.items():
            servers[peer] = Server(peer, contestant)
        turns = max(contestant.turns for contestant in contestants.values())
        for turn in range(turns):
            for peer in contestants if turn % 2 == 0 else reversed(contestants):
                # Those with fewer turns have them spread over the others'.
                wanted = contestants[peer].turns
                due = turn * wanted // turns != (turn - 1) * wanted // turns
                found[peer].append(contestants[peer].drive(servers[peer]) if due else None)
    finally:
        for server in servers.values():
            server.stop()
    return found


class Builds:
    """Makes the peers' programs when they are asked for; says once what is left out."""

    def __init__(self, folder):
        self.folder = folder
        self.made = {}
        folder.mkdir(parents=True, exist_ok=True)

    def _make(self, peer, how, command, source=None, to=None):
        if peer not in self.made:
            try:
                if not to or not to.exists() or to.stat().st_mtime < (SOURCES / source).stat().st_mtime:
                    call(how)
                self.made[peer] = command
            except (Failed, OSError) as failed:
                print(f"    without {peer}: {failed}", file=sys.stderr)
                self.made[peer] = None
        return self.made[peer]

    def c(self, peer, source, *libraries):
        to = self.folder / Path(source).stem
        return self._make(peer, ["gcc", "-O2", "-DNDEBUG", SOURCES / source, "-o", to, *libraries], [to], source, to)

    def cxx(self, peer, source, *libraries):
        to = self.folder / f"{Path(source).parent.name}_{Path(source).stem}"
        return self._make(peer, [*CXX, "-O3", SOURCES / source, "-o", to, *libraries], [to], source, to)

    def go(self, peer, source):
        to = self.folder / f"go_{Path(source).stem}"
        return self._make(peer, ["go", "build", "-o", to, SOURCES / source], ["env", "GOMAXPROCS=1", to],
                          source, to)

    def gevent(self, source):
        return self._make("gevent", [PYTHON, "-c", "import gevent"], [PYTHON, SOURCES / source])

    def installed(self, peer, program, command):
        found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
        if not found:
            print(f"    without {peer}: there is no {program}", file=sys.stderr)
        return [found, *command] if found else None


# --- Bars -----------------------------------------------------------------------------------------


def shown(figure, value):
    if figure == "cpu_ns":
        return f"{value / 1e3:.2f} us cpu"
    if figure == "p99_us":
        return f"{value:,.0f} us p99"
    return {"per_second": f"{value:,.0f} /s", "ns": f"{value:,.0f} ns", "bytes_each": f"{value:,.0f} bytes",
            "instructions": f"{value:,.0f} instructions"}[figure]


def line(bar, found):
    """(figure, against, ratio, bar, verdict)."""
    ours = [turn and turn[bar.figure] for turn in found["Grove"]]
    mine = shown(bar.figure, median(filter(None, ours)))
    if bar.at_most_value:
        met = median(filter(None, ours)) <= bar.at_most_value
        return (mine, "", "", f"≤ {shown(bar.figure, bar.at_most_value)}", "met" if met else "MISSED")
    peers = [peer for peer in bar.peers if peer in found]
    if len(peers) < len(bar.peers) or not peers:
        return (mine, " and ".join(bar.peers), "", "", "missing" if bar.peers else "")
    each = [(mine, [turn[bar.figure] for turn in theirs])
            for mine, theirs in zip(ours, zip(*(found[peer] for peer in peers))) if mine and all(theirs)]
    theirs = [max(them) if bar.of == "worse" else sum(them) / len(them) for _, them in each]
    ratios = [mine / them for (mine, _), them in zip(each, theirs)]
    low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
    value = median(ratios)
    name = " and ".join(peers) if bar.of == "mean" else "the worse of " + " and ".join(peers)
    words = f"≤ {bar.at_most:g} ×" if bar.at_most else f"≥ {bar.at_least:g} ×" if bar.at_least else ""
    met = value <= bar.at_most if bar.at_most else value >= bar.at_least
    return (mine, f"{name} {shown(bar.figure, median(theirs))}", f"{value:.2f} × ({low:.2f} to {high:.2f})", words,
            ("met" if met else "MISSED") if words else "")


def measure(folder, program, wanted, turns_of):
    """{name: [line, ...]} of each of these rows; turns_of(row) is what take_turns() gave."""
    found = {row.name: [("-", "", "", "", "missing")] for row in wanted}
    if not (folder / program).exists():
        print(f"{folder / program} is not built", file=sys.stderr)
        return found
    with subprocess.Popen([folder / "keep_awake"]) as awake:
        try:
            for row in wanted:
                begun = time.monotonic()
                try:
                    turns = turns_of(row)
                    found[row.name] = [line(bar, turns) for bar in row.bars]
                except (Failed, OSError) as failed:
                    print(f"    {row.name}: {failed}", file=sys.stderr)
                print(f"    {row.name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
        finally:
            awake.kill()
    return found
