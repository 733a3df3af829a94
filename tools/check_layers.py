#!/usr/bin/env python3
"""Hold the includes of the libraries against the layers: they point down, never up or sideways.

hub includes no other library; net, patch, zmq and actors include hub's public headers and not each other.
tls, a folder of net's, includes net's.
A public header includes no private one and none of the wrapped C and C++ libraries, so that a
program needs none of their headers. Programs (samples, benches) use public headers only.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BELOW = {"hub": set(), "net": {"hub"}, "tls": {"net", "hub"}, "http": {"tls", "net", "hub"},
         "patch": {"hub"}, "zmq": {"hub"}, "actors": {"hub"}}
FOLDERS = {library: library for library in BELOW} | {
    "tls": "net/tls", "http": "net/http", "patch": "net/patch"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# What stays behind our own interfaces.
WRAPPED = re.compile(
    r"^(ev\.h|ev\+\+\.h|ares(_[a-z]+)?\.h|zmq\.h|zmq\.hpp|zmq_addon\.hpp|msgpack(\.hpp|\.h|/.*)"
    r"|openssl/.*|zlib\.h|boost/(beast|asio|context)(/.*|\.hpp)|fmt/.*|spdlog/.*)$"
)


def included(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found[1], found[2]


def library_of(include):
    """The library that a <grove/...> include belongs to, or None."""
    found = re.match(r"grove/([a-z_]+)(?:\.hpp$|/)", include)
    return found[1] if found else None


def faults():
    for library, name_of_folder in sorted(FOLDERS.items()):
        allowed = BELOW[library] | {library}
        folder = ROOT / name_of_folder
        within = [ROOT / other for other in FOLDERS.values() if other.startswith(name_of_folder + "/")]
        for path in sorted(folder.rglob("*.[ch]pp")):
            if any(path.is_relative_to(other) for other in within):
                continue  # a library of its own
            public = path.is_relative_to(folder / "include")
            where = path.relative_to(ROOT)
            for number, mark, name in included(path):
                at = f"{where}:{number}"
                target = library_of(name)
                if target and target not in FOLDERS:
                    yield f"{at}: <{name}>: there is no library '{target}'"
                elif target and target not in allowed:
                    yield f"{at}: {library} may not include {target} (<{name}>)"
                if re.search(r"(^|/)src/", name):
                    yield f"{at}: \"{name}\" reaches into a src folder"
                if mark == '"' and name.startswith("../"):
                    yield f"{at}: \"{name}\" climbs out of its folder"
                if not public:
                    continue
                if WRAPPED.match(name):
                    yield f"{at}: <{name}> in a public header; keep it in {name_of_folder}/src"
                if mark == '"':
                    yield f"{at}: \"{name}\" in a public header; write <grove/...>"
    for folder in ("samples", "bench"):
        for path in sorted((ROOT / folder).rglob("*.[ch]pp")):
            for number, _, name in included(path):
                if re.search(r"(^|/)src/", name):
                    yield f"{path.relative_to(ROOT)}:{number}: \"{name}\" is private"


def main():
    found = list(faults())
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
