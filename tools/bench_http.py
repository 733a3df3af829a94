"""The rows of HTTP: http_bench_server against nginx, Boost.Beast, Go's net/http and gevent's pywsgi.

Part of bench_table.py. How they take turns: bench_servers.py. The load is wrk on one thread, or http_load for what
wrk cannot do. Processor time is that of the server's whole process, from wrk's start to its end.
"""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench_peers import Failed, call
from bench_servers import FEW, PAIRS, Bar, Builds, Contestant, free_port, measure as measure_rows, own_load, pinned, \
    take_turns

SECONDS = 2  # wrk takes whole ones
FEW_SECONDS = 1
FILE_SIZE = 64 * 1024
MICROSECONDS = {"us": 1.0, "ms": 1e3, "s": 1e6}
PARSED = 300_000  # requests a run
COUNTED = 1000  # more of them in the second of two runs under callgrind

PIPELINE = """
init = function()
  local requests = {}
  for i = 1, 16 do requests[i] = wrk.format() end
  together = table.concat(requests)
end
request = function() return together end
"""

NGINX = """
worker_processes 1; daemon off; master_process off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; default_type text/plain;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 "Hello, world\\n"; }}
    location /files/ {{ alias {folder}/files/; }}
  }}
}}
"""


@dataclass
class Row:
    name: str
    serve: tuple  # http_bench_server's arguments; FOLDER stands for a temporary one
    bars: list
    connections: int = 64
    path: str = "/"
    script: str = ""  # wrk's
    cpus: str = "0"


def hello(connections):
    return Row(f"http/hello_{connections}", ("hello",),
               [Bar("cpu_ns", ("nginx",), at_most=1), Bar("cpu_ns", ("Beast",), at_most=0.9),
                Bar("p99_us", ("nginx",), at_most=1.2), Bar("per_second", ("nginx",)),
                Bar("per_second", ("Beast",)), Bar("per_second", ("Go",), at_least=1.3),
                Bar("per_second", ("gevent",), at_least=8)], connections)


ROWS = [
    hello(64), hello(1000),
    Row("http/pipelined_16", ("hello",), [Bar("per_second", ("Go",), at_least=1.5), Bar("cpu_ns", ("Go",))],
        script="pipeline.lua"),
    Row("http/file_64k", ("files", "FOLDER/files"),
        [Bar("per_second", ("nginx",), at_least=0.9), Bar("cpu_ns", ("nginx",))], path="/file"),
    Row("http/rest", ("rest", "FOLDER/access.log"),
        [Bar("per_second", ("bare",), at_least=0.7), Bar("cpu_ns", ("bare",))], path="/hello/world"),
    # Load and servers share the processors: what one hub leaves idle the load takes.
    Row("http/two_hubs", ("hello", "2"), [Bar("per_second", ("one hub",)), Bar("cpu_ns", ("one hub",))], cpus="0,1"),
    Row("http/websocket_1000", ("websocket",),
        [Bar("per_second", ("TCP echo",), at_least=0.9), Bar("cpu_ns", ("TCP echo",))], 1000),
    Row("http/websocket_idle_10000", ("websocket",), [Bar("bytes_each")], 10000),
    Row("http/parse", (), [Bar("ns", ("basic_parser",), at_most=1.6), Bar("instructions", ("basic_parser",))]),
    Row("http/idle_10000", ("hello",), [Bar("bytes_each", at_most_value=8 * 1024)], 10000),
]


def wrk(path, connections, script=None, seconds=SECONDS, cpus="1"):
    if not shutil.which("wrk"):
        raise Failed("there is no wrk")
    options = ["-s", script] if script else []

    def drive(server):
        before = server.cpu_ns()
        out = call(pinned(cpus, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *options,
                                 f"http://127.0.0.1:{server.port}{path}"]))
        cpu = server.cpu_ns() - before
        wrong = re.search(r"(Socket errors|Non-2xx).*", out)
        if wrong:
            raise Failed(f"wrk: {wrong[0]}")
        count = int(re.search(r"(\d+) requests in", out)[1])
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
        return {"per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), "cpu_ns": cpu / count,
                "p99_us": float(value) * MICROSECONDS[unit]}

    return drive


class Rows:
    """How each row is run, with a temporary folder and the peers."""

    def __init__(self, programs, build, folder):
        self.programs, self.builds, self.folder = programs, Builds(build), folder
        (folder / "files").mkdir()
        (folder / "files" / "file").write_bytes(b"x" * FILE_SIZE)
        (folder / "pipeline.lua").write_text(PIPELINE)

    def grove(self, serve, drive, turns=PAIRS, cpus="0"):
        arguments = [argument.replace("FOLDER", str(self.folder)) for argument in serve]
        return Contestant([self.programs / "http_bench_server", *arguments], drive, turns, cpus)

    def nginx(self, drive):
        port = free_port()
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=self.folder, port=port))
        command = self.builds.installed("nginx", "nginx", ["-p", self.folder, "-c", config])
        return command and Contestant(command, drive, port=port)

    def peer(self, name, row):
        """The Contestant, or None where it cannot be had."""
        script = self.folder / row.script if row.script else None
        drive = wrk(row.path, row.connections, script)
        if name == "nginx":
            return self.nginx(wrk("/files/file", row.connections) if row.serve[0] == "files" else drive)
        if name == "Beast":
            command = self.builds.cxx("Beast", "http/beast.cpp", "-pthread")
            return command and Contestant(command, drive)
        if name == "Go":
            command = self.builds.go("Go", "http/server.go")
        else:
            command = self.builds.gevent("http/pywsgi.py")
        return command and Contestant(command, wrk(row.path, row.connections, script, FEW_SECONDS), FEW)

    def contestants(self, row):
        if row.name == "http/idle_10000":
            return {"Grove": self.grove(row.serve, own_load(self.programs, "http_load", "idle", row.connections), 1)}
        if row.name == "http/websocket_idle_10000":
            drive = own_load(self.programs, "http_load", "websocket_idle", row.connections)
            return {"Grove": self.grove(row.serve, drive, 1)}
        if row.name == "http/websocket_1000":
            ours = own_load(self.programs, "http_load", "websocket", row.connections, SECONDS)
            theirs = own_load(self.programs, "net_load", "echo", row.connections, 1, SECONDS)
            return {"Grove": self.grove(row.serve, ours),
                    "TCP echo": Contestant([self.programs / "net_echo_bench"], theirs)}
        drive = wrk(row.path, row.connections, self.folder / row.script if row.script else None,
                    cpus="0,1" if row.cpus != "0" else "1")
        found = {"Grove": self.grove(row.serve, drive, cpus=row.cpus)}
        if row.name == "http/rest":
            return found | {"bare": self.grove(("hello",), drive)}
        if row.name == "http/two_hubs":
            return found | {"one hub": self.grove(("hello",), drive, cpus=row.cpus)}
        for name in dict.fromkeys(peer for bar in row.bars for peer in bar.peers):
            peer = self.peer(name, row)
            if peer:
                found[name] = peer
        return found

    def turns_of(self, row):
        return parse_turns(self.programs) if row.name == "http/parse" else take_turns(self.contestants(row))


# --- Parsing: no server ---------------------------------------------------------------------------


def parse_turns(programs):
    program = programs / "http_parse_bench"
    instructions = {which: counted(program, which) for which in ("grove", "raw")}
    found = {"Grove": [], "basic_parser": []}
    for _ in range(PAIRS):
        for peer, which in (("Grove", "grove"), ("basic_parser", "raw")):
            out = call(pinned("1", [program, which, PARSED]))
            found[peer].append({"ns": float(re.search(r"^ns (\S+)", out)[1]), "instructions": instructions[which]})
    return found


def counted(program, which):
    """Instructions for one request: the difference of two runs. 0 without valgrind."""
    if not shutil.which("valgrind"):
        return 0.0

    def of(count):
        with tempfile.NamedTemporaryFile() as out:
            call(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", program, which, count])
            return int(re.search(r"^(?:summary|totals): (\d+)", Path(out.name).read_text(), re.MULTILINE)[1])

    return (of(2 * COUNTED) - of(COUNTED)) / COUNTED


def measure(folder, build, wanted):
    """{name: [line, ...]} of each of these rows."""
    with tempfile.TemporaryDirectory(prefix="grove_bench_") as name:
        return measure_rows(folder, "http_bench_server", wanted, Rows(folder, build, Path(name)).turns_of)
