"""The rows of TCP: net_echo_bench against libuv, a bare epoll loop, bare libev callbacks, Go and gevent.

Part of bench_table.py. How they take turns: bench_servers.py. In the row with one connection server and load are
both on the first processor.
"""

from dataclasses import dataclass, field

from bench_servers import FEW, PAIRS, Bar, Builds, Contestant, measure as measure_rows, own_load, take_turns

SECONDS = 0.7
FLOOR = ("libuv", "epoll")


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


def commands(folder, builds, wanted):
    make = {
        "epoll": lambda: builds.c("epoll", "net/epoll_echo.c"),
        "libev": lambda: builds.c("libev", "net/libev_echo.c", "-lev"),
        "libuv": lambda: builds.c("libuv", "net/uv_echo.c", "-luv"),
        "Go": lambda: builds.go("Go", "net/echo.go"),
        "gevent": lambda: builds.gevent("net/gevent_echo.py"),
    }
    found = {"Grove": [folder / "net_echo_bench"]}
    return found | {peer: command for peer in make if peer in wanted and (command := make[peer]())}


def measure(folder, build, wanted):
    """{name: [line, ...]} of each of these rows."""
    builds = Builds(build)

    def turns_of(row):
        mode, *rest = row.load
        drive = own_load(folder, "net_load", mode, *rest, cpus="0" if row.one_processor else "1")

        def turns(peer):
            return 1 if mode == "idle" else FEW if peer in ("Go", "gevent") else PAIRS

        needed = {peer for bar in row.bars for peer in bar.peers}
        return take_turns({peer: Contestant(command, drive, turns(peer))
                           for peer, command in commands(folder, builds, needed).items()})

    return measure_rows(folder, "net_echo_bench", wanted, turns_of)
