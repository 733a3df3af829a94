"""The rows of TLS: tls_echo against the same on a bare loop of epoll and OpenSSL.

Part of bench_table.py. How they take turns: bench_servers.py.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench_peers import call
from bench_servers import PAIRS, Bar, Contestant, measure as measure_rows, own_load, take_turns

SECONDS = 1
RAW = ("epoll and OpenSSL",)


@dataclass
class Row:
    name: str
    load: tuple  # tls_load's mode, and what follows PORT and PID
    bars: list


def echo(connections, size):
    return Row(f"tls/echo_{size}_{connections}", ("echo", connections, size, SECONDS),
               [Bar("per_second", RAW, at_least=0.9), Bar("cpu_ns", RAW), Bar("p99_us", RAW)])


ROWS = [echo(1, 64), echo(100, 64), echo(100, 4000), Row("tls/idle_1000", ("idle", 1000), [Bar("bytes_each", RAW)])]


def measure(folder, _, wanted):
    """{name: [line, ...]} of each of these rows."""
    with tempfile.TemporaryDirectory(prefix="grove_bench_") as name:
        key, chain = Path(name) / "key.pem", Path(name) / "chain.pem"
        call(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
              "-subj", "/CN=localhost", "-days", "1", "-keyout", key, "-out", chain])

        def turns_of(row):
            mode, *rest = row.load
            drive = own_load(folder, "tls_load", mode, *rest)
            turns = 1 if mode == "idle" else PAIRS
            return take_turns({peer: Contestant([folder / program, chain, key], drive, turns)
                               for peer, program in (("Grove", "tls_echo"), (RAW[0], "tls_raw_echo"))})

        return measure_rows(folder, "tls_echo", wanted, turns_of)
