"""The drivers of bench/peers: how each is built and run. Each prints lines "ROW PEER VALUE UNIT"."""

import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "bench" / "peers"
CXX = ["g++", "-std=c++17", "-O2", "-DNDEBUG"]
CAF = ["-lcaf_core", "-lpthread"]
UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9, "bytes": 1.0}


class Failed(Exception):
    """What a peer said last."""


def call(command):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        wrong = next((line for line in words if "error" in line), words[-1])
        raise Failed(f"{Path(command[0]).name}: status {done.returncode}: {wrong}")
    return done.stdout


class Peers:
    """Builds under `folder` what there are tools for; says what is left out."""

    def __init__(self, folder):
        self.folder = folder
        self.built = {}  # driver: true if it can be run
        folder.mkdir(parents=True, exist_ok=True)

    def _build(self, driver):
        caf, savina = SOURCES / "caf" / "micro.cpp", SOURCES / "caf" / "savina"
        go, erlang = SOURCES / "go" / "micro.go", SOURCES / "erlang" / "micro.erl"
        # driver: the tool, its sources, what it makes, how
        tool, sources, product, command = {
            "CAF": ("g++", [caf], "caf_micro", lambda to: [*CXX, caf, "-o", to, *CAF]),
            "Go": ("go", [go], "go_micro", lambda to: ["go", "build", "-o", to, go]),
            "Erlang": ("erlc", [erlang], "micro.beam", lambda to: ["erlc", "-o", to.parent, erlang]),
            "savina": ("g++", sorted(savina.glob("*.[ch]pp")), "caf_savina",
                       lambda to: [*CXX, *sorted(savina.glob("*.cpp")), "-o", to, *CAF]),
        }[driver]
        to = self.folder / product
        if not sources:
            return False
        if to.exists() and to.stat().st_mtime > max(source.stat().st_mtime for source in sources):
            return True
        if not shutil.which(tool):
            print(f"    without {driver}: there is no {tool}", file=sys.stderr)
            return False
        print(f"    building the driver of {driver}", file=sys.stderr)
        try:
            call(command(to))
        except Failed as failed:
            print(f"    without {driver}: {failed}", file=sys.stderr)
            return False
        return True

    def has(self, driver):
        if driver not in self.built:
            self.built[driver] = self._build(driver)
        return self.built[driver]

    def command(self, peer, row, cpus):
        if peer == "Erlang":
            return ["erl", "+S", f"{cpus}:{cpus}", "+P", "4000000", "-noshell", "-pa", self.folder,
                    "-run", "micro", "main", row]
        if row.startswith("savina/"):
            return [self.folder / "caf_savina", row.removeprefix("savina/"), "3"]
        return [self.folder / {"CAF": "caf_micro", "Go": "go_micro"}[peer], row]

    def measure(self, peer, row, cpus, prefix):
        """The figures of a run, in ns or bytes; none if that peer cannot do it."""
        if not self.has("savina" if row.startswith("savina/") else peer):
            return []
        try:
            out = call([*prefix, *self.command(peer, row, cpus)])
        except Failed as failed:
            print(f"    {peer}, {row}: {failed}", file=sys.stderr)
            return []
        found = []
        for words in map(str.split, out.splitlines()):
            if words[:2] == [row, peer] and len(words) == 4:
                found.append(float(words[2]) * UNITS[words[3]])
            elif words[:1] == [row] and len(words) == 2:  # of Savina, in ms
                found.append(float(words[1]) * UNITS["ms"])
        return found
