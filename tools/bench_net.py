"""The rows of TCP: net_echo_server against libuv, a bare epoll loop, bare libev callbacks, Go and gevent.

Part of bench_table.py. The server is pinned to the first processor, net_load to the second; in the rows with one
connection both are on the first. All servers of a row run at once, idle but for the one that is measured; they take
turns, PAIRS times. Meanwhile keep_awake keeps the processors from going to sleep: what it takes a virtual one to
wake is the host's affair. A ratio is the median of those of the turns.
"""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from bench_peers import SOURCES, Failed, call

PAIRS = 7
SECONDS = 0.7
PYTHON = "/usr/bin/python3"  # Debian's, which has its packages
FLOOR = ("libuv", "epoll")


@dataclass
class Bar:
    """Our figure as a multiple of the peers' (their mean in each turn, or the worse of them)."""

    figure: str  # "cpu_ns", "p99_us", "per_second", "bytes_each"
    peers: tuple = ()
    of: str = "mean"
    at_most: float = 0
    at_least: float = 0
    at_most_value: float = 0


@dataclass
class Row:
    name: str
    load: tuple  # net_load's mode, and what follows PORT and PID
    bars: list = field(default_factory=list)
    one_processor: bool = False


def echo(name, connections, *bars, in_flight=1, one_processor=False):
    return Row(f"net/{name}", ("echo", connections, in_flight, SECONDS), list(bars), one_processor)


def busy(connections):
    return echo(f"echo_{connections}", connections, Bar("cpu_ns", FLOOR, at_most=1.05),
                Bar("p99_us", FLOOR, "worse", at_most=1.2), Bar("cpu_ns", ("Go",), at_most=1),
                Bar("cpu_ns", ("gevent",), at_most=1 / 2.5))


ROWS = [
    echo("echo_1_core", 1, Bar("cpu_ns", ("libev",), at_most=1.05), Bar("cpu_ns", ("epoll",)),
         Bar("cpu_ns", ("Go",), at_most=1), Bar("cpu_ns", ("gevent",), at_most=1 / 2.5), one_processor=True),
    busy(100), busy(1000), busy(10000),
    echo("pipelined", 100, Bar("per_second", ("libuv",), at_least=1), in_flight=16),
    Row("net/connect", ("connect", SECONDS), [Bar("per_second", ("epoll",), at_least=0.9)]),
    Row("net/idle_10000", ("idle", 10000), [Bar("bytes_each", at_most_value=6 * 1024)]),
]


class Servers:
    def __init__(self, folder, build):
        self.awake, self.load = folder / "keep_awake", folder / "net_load"
        self.commands = {"Grove": [folder / "net_echo_server"]}
        self.running = {}
        build.mkdir(parents=True, exist_ok=True)
        sources = SOURCES / "net"
        for peer, source, libraries in (("epoll", "epoll_echo.c", []), ("libev", "libev_echo.c", ["-lev"]),
                                        ("libuv", "uv_echo.c", ["-luv"])):
            to = build / Path(source).stem
            self._build(peer, ["gcc", "-O2", "-DNDEBUG", sources / source, "-o", to, *libraries], [to])
        to = build / "go_echo"
        self._build("Go", ["go", "build", "-o", to, sources / "echo.go"], ["env", "GOMAXPROCS=1", to])
        self._build("gevent", [PYTHON, "-c", "import gevent"], [PYTHON, sources / "gevent_echo.py"])

    def _build(self, peer, how, command):
        try:
            call(how)
            self.commands[peer] = command
        except (Failed, OSError) as failed:
            print(f"    without {peer}: {failed}", file=sys.stderr)

    def start(self, peer):
        server = subprocess.Popen(["taskset", "-c", "0", *map(str, self.commands[peer])],
                                  stdout=subprocess.PIPE, text=True)
        self.running[peer] = server
        words = server.stdout.readline().split()
        if len(words) != 2:
            raise Failed(f"the server of {peer} does not begin")
        return int(words[1])

    def stop(self):
        for server in self.running.values():
            server.kill()
            server.wait()
        self.running = {}

    def drive(self, peer, port, row):
        mode, *rest = row.load
        lines = call(["taskset", "-c", "0" if row.one_processor else "1", self.load, mode, port,
                      self.running[peer].pid, *rest]).splitlines()
        return {name: float(value) for name, value in map(str.split, lines)}


def turns(servers, row):
    """{peer: [figures of each turn]}."""
    wanted = ["Grove"] + [peer for peer in servers.commands if any(peer in bar.peers for bar in row.bars)]
    repeated = 1 if row.load[0] == "idle" else PAIRS
    found = {peer: [] for peer in wanted}
    try:
        ports = {peer: servers.start(peer) for peer in wanted}
        for turn in range(repeated):
            for peer in wanted if turn % 2 == 0 else reversed(wanted):
                found[peer].append(servers.drive(peer, ports[peer], row))
    finally:
        servers.stop()
    return found


def shown(figure, value):
    if figure == "cpu_ns":
        return f"{value / 1e3:.2f} us cpu"
    if figure == "p99_us":
        return f"{value:,.0f} us p99"
    return f"{value:,.0f} /s" if figure == "per_second" else f"{value:,.0f} bytes"


def line(bar, found):
    """(figure, against, ratio, bar, verdict)."""
    ours = [turn[bar.figure] for turn in found["Grove"]]
    mine = shown(bar.figure, median(ours))
    if bar.at_most_value:
        met = median(ours) <= bar.at_most_value
        return (mine, "", "", f"≤ {shown(bar.figure, bar.at_most_value)}", "met" if met else "MISSED")
    peers = [peer for peer in bar.peers if peer in found]
    if len(peers) < len(bar.peers):
        return (mine, " and ".join(bar.peers), "", "", "missing")
    each = list(zip(*([turn[bar.figure] for turn in found[peer]] for peer in peers)))
    theirs = [max(them) if bar.of == "worse" else sum(them) / len(them) for them in each]
    ratios = [a / b for a, b in zip(ours, theirs)]
    low, _, high = quantiles(ratios, n=4)
    value = median(ratios)
    name = " and ".join(peers) if bar.of == "mean" else "the worse of " + " and ".join(peers)
    words = f"≤ {bar.at_most:g} ×" if bar.at_most else f"≥ {bar.at_least:g} ×" if bar.at_least else ""
    met = value <= bar.at_most if bar.at_most else value >= bar.at_least
    return (mine, f"{name} {shown(bar.figure, median(theirs))}", f"{value:.2f} × ({low:.2f} to {high:.2f})", words,
            ("met" if met else "MISSED") if words else "")


def measure(folder, build, wanted):
    """{name: [line, ...]} of each of these rows."""
    found = {row.name: [("-", "", "", "", "missing")] for row in wanted}
    if not (folder / "net_echo_server").exists():
        print(f"{folder / 'net_echo_server'} is not built", file=sys.stderr)
        return found
    servers = Servers(folder, build)
    with subprocess.Popen([servers.awake]) as awake:
        try:
            for row in wanted:
                print(f"    {row.name}", file=sys.stderr)
                figures = turns(servers, row)
                found[row.name] = [line(bar, figures) for bar in row.bars]
        except Failed as failed:
            print(f"    {failed}", file=sys.stderr)
        finally:
            awake.kill()
    return found
