#!/usr/bin/env python3
"""How a good client fares while slowhttptest's slow ones hold connections to the same server.

usage: slow_clients.py DIRECTORY-OF-http_server [CONNECTIONS [SECONDS]]

Two servers run on one processor, the clients on another. For each kind of slowness the slow ones hold connections to
one of them; the good client asks both for /hello in turn, each time over a new connection. What else the machine does
meanwhile it does to both: a difference is the slow ones'.
"""

import http.client
import os
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
GATHER = 3  # seconds until all slow ones are there
PAUSE = 0.002
PROCESSORS = sorted(os.sched_getaffinity(0))


class Server:
    """Logs to a file: a thread that read the log here would take turns with the client, 5 ms each."""

    def __init__(self, directory, folder, name):
        log = f"{folder}/{name}.log"
        with open(log, "w", encoding="utf-8") as to:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(PROCESSORS[0]), directory + "/http_server", "127.0.0.1:0", "--per-ip", "5000",
                 "--files", folder], stdout=to)
        self.port = None
        while not self.port:
            with open(log, encoding="utf-8") as lines:
                self.port = re.search(r"at 127\.0\.0\.1:(\d+)\n", lines.read())
        self.port = int(self.port[1])

    def ask(self):
        """How many milliseconds it takes."""
        begin = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20,
                                                source_address=("127.0.0.2", 0))
        connection.request("GET", "/hello")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read() == b"hello\n"
        connection.close()
        return 1000 * (time.perf_counter() - begin)

    def established(self):
        """Of the slow ones' connections."""
        with open("/proc/net/tcp", encoding="ascii") as lines:
            fields = [line.split() for line in lines][1:]
        return sum(1 for line in fields if line[1].endswith(f":{self.port:04X}") and line[3] == "01"
                   and not line[2].startswith("0200007F"))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def shown(found):
    found.sort()

    def at(part):
        return found[min(len(found) - 1, int(part * len(found)))]
    return f"p50 {at(0.5):.2f} p99 {at(0.99):.2f} max {found[-1]:.1f} ms"


def measure(alone, beside, slow):
    """Latencies of both, and how many connections were held at most."""
    most, over = [0], threading.Event()

    def count():  # now and then: it takes the kernel a while
        while not over.wait(2):
            most[0] = max(most[0], beside.established())

    counting = threading.Thread(target=count)
    counting.start()
    time.sleep(GATHER)
    found = ([], [])
    while slow.poll() is None:
        for server, times in zip((alone, beside), found):
            times.append(server.ask())
            time.sleep(PAUSE)
    over.set()
    counting.join()
    return (*found, most[0])


def main():
    directory = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/large", "wb") as large:
            large.write(b"x" * 16 * 1024 * 1024)
        servers = [Server(directory, folder, name) for name in ("alone", "beside")]
        os.sched_setaffinity(0, {PROCESSORS[-1]})
        try:
            for what, options in KINDS.items():
                url = f"http://127.0.0.1:{servers[1].port}{PATHS.get(options[0], '/hello')}"
                slow = subprocess.Popen(["slowhttptest", *options, "-c", str(count), "-r", "500", "-l", str(seconds),
                                         "-p", "20", "-u", url], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
                alone, beside, held = measure(*servers, slow)
                if beside:
                    print(f"{what}: {shown(beside)}; alone {shown(alone)}; {len(alone)} each, {held} connections held",
                          flush=True)
                else:
                    print(f"{what}: over at once", flush=True)
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
