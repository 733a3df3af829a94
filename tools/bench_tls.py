#!/usr/bin/env python3
"""Echo over TLS: grove against a bare loop of epoll and OpenSSL, in turns.

usage: bench_tls.py FOLDER [--pairs N] [--seconds S]

FOLDER holds tls_echo, tls_raw_echo, tls_load and keep_awake. The server runs on the first processor, the
load on the second. Of each pair of runs the ratios are taken, and the medians of those shown: requests
per second, and the server's processor time for one. Exit status 1 when the bar (0.9 times as many
requests) is missed.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

BAR = 0.9


class Server:
    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, folder / "chain.pem", folder / "key.pem"],
                                        stdout=subprocess.PIPE, text=True)
        self.port = self.process.stdout.readline().strip()

    def cpu_ns(self):
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0])

    def anonymous_kib(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def figures(text):
    return {name: float(value) for name, value in map(str.split, text.splitlines())}


def once(bench, program, folder, connections, size, seconds):
    with Server(bench / program, folder) as server:
        load = [bench / "tls_load", server.port, str(connections), str(size)]
        call(load + ["0.3"])  # warm
        before = server.cpu_ns()
        found = figures(call(load + [str(seconds)]))
        # With the handshakes, which are few beside the requests.
        found["cpu_us"] = (server.cpu_ns() - before) / found["requests"] / 1e3
        return found


def call(command):
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def idle(bench, program, folder, connections):
    """KiB of memory that one connection takes which says nothing."""
    with Server(bench / program, folder) as server:
        call([bench / "tls_load", server.port, "10", "64", "0.1"])
        before = server.anonymous_kib()
        with subprocess.Popen([bench / "tls_load", server.port, str(connections), "64", "0"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
            while load.stdout.readline().strip() != "idle":
                pass
            taken = (server.anonymous_kib() - before) / connections
            load.stdin.close()
        return taken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    bench = options.folder
    missed = False
    with tempfile.TemporaryDirectory() as name, subprocess.Popen([bench / "keep_awake"]) as awake:
        folder = Path(name)
        call(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
              "-subj", "/CN=localhost", "-days", "1", "-keyout", folder / "key.pem", "-out", folder / "chain.pem"])
        try:
            for connections, size in ((1, 64), (100, 64), (100, 4000)):
                pairs = [(once(bench, "tls_echo", folder, connections, size, options.seconds),
                          once(bench, "tls_raw_echo", folder, connections, size, options.seconds))
                         for _ in range(options.pairs)]
                rate = median(a["per_s"] / b["per_s"] for a, b in pairs)
                cpu = median(a["cpu_us"] / b["cpu_us"] for a, b in pairs)
                missed |= rate < BAR
                print(f"net-tls/echo_{size}/{connections}: {median(a['per_s'] for a, _ in pairs):,.0f} /s, "
                      f"{rate:.2f} x raw ({'met' if rate >= BAR else 'MISSED'}); server "
                      f"{median(a['cpu_us'] for a, _ in pairs):.1f} us each, {cpu:.2f} x raw; p99 "
                      f"{median(a['p99_us'] for a, _ in pairs):.0f} us, raw "
                      f"{median(b['p99_us'] for _, b in pairs):.0f} us", flush=True)
            for program in ("tls_echo", "tls_raw_echo"):
                print(f"net-tls/idle {program}: {idle(bench, program, folder, 1000):.1f} KiB each")
        finally:
            awake.kill()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
