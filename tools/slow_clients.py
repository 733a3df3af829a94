#!/usr/bin/env python3
"""How a good client fares while slowhttptest's slow ones hold connections to the same server.

usage: slow_clients.py DIRECTORY-OF-http_server [CONNECTIONS [SECONDS]]

For each kind of slowness: the latencies of a client that asks for /hello again and again, each time
over a new connection, before and during; and how many connections the slow ones held at once.
"""

import http.client
import re
import subprocess
import sys
import tempfile
import threading
import time

KINDS = {
    "heads, a field every 5 s": ["-H", "-i", "5"],
    "bodies, some bytes every 5 s": ["-B", "-i", "5", "-s", "8192", "-t", "POST"],
    "answers, 5 bytes every second": ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "5", "-k", "3"],
    "ranges that overlap": ["-R", "-a", "1", "-b", "3000", "-t", "GET"],
}
PATHS = {"-B": "/echo", "-X": "/files/large", "-R": "/files/large"}


def latencies(port, until):
    """In milliseconds, of as many requests as there is time for."""
    found = []
    while not until():
        begin = time.perf_counter()
        connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=20, source_address=("127.0.0.2", 0))
        connection.request("GET", "/hello")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read() == b"hello\n"
        connection.close()
        found.append(1000 * (time.perf_counter() - begin))
        time.sleep(0.005)
    return sorted(found)


def shown(found):
    def at(part):
        return found[min(len(found) - 1, int(part * len(found)))]
    return f"p50 {at(0.5):.2f} p99 {at(0.99):.2f} max {found[-1]:.1f} ms of {len(found)}"


def established(port):
    """Of the server's end."""
    lines = open("/proc/net/tcp", encoding="ascii").read().splitlines()[1:]
    wanted = f":{port:04X}"
    return sum(1 for line in lines
               if line.split()[1].endswith(wanted) and line.split()[3] == "01"
               and not line.split()[2].startswith("0200007F"))


def main():
    directory = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    files = tempfile.TemporaryDirectory()
    with open(files.name + "/large", "wb") as large:
        large.write(b"x" * 16 * 1024 * 1024)
    server = subprocess.Popen([directory + "/http_server", "127.0.0.1:0", "--per-ip", "5000",
                               "--files", files.name], stdout=subprocess.PIPE, text=True)
    port = int(re.search(r"at 127\.0\.0\.1:(\d+)", server.stdout.readline())[1])
    threading.Thread(target=lambda: [None for _ in server.stdout], daemon=True).start()
    try:
        end = time.monotonic() + 5
        print("alone:", shown(latencies(port, lambda: time.monotonic() > end)), flush=True)
        for what, options in KINDS.items():
            path = PATHS.get(options[0], "/hello")
            slow = subprocess.Popen(
                ["slowhttptest", *options, "-c", str(count), "-r", "500", "-l", str(seconds),
                 "-p", "20", "-u", f"http://127.0.0.1:{port}{path}"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            most = [0]

            def over(slow=slow, most=most):
                most[0] = max(most[0], established(port))
                return slow.poll() is not None

            found = latencies(port, over)
            print(f"{what}: {shown(found)}; {most[0]} connections held", flush=True)
    finally:
        server.terminate()
        server.wait()
        files.cleanup()


if __name__ == "__main__":
    main()
