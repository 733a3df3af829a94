#!/usr/bin/env python3
"""Write docs/pitfalls.md from tools/pitfalls.toml and the tags of the tests.

usage: pitfalls.py [--check]

A test is tagged by a comment above, beside or inside it: "// pitfall 54" or "// pitfall 54, 56".
A tag before the first test of a file is about all of them. With --check nothing is written, and the
exit status is 1 when the page is stale or a number has neither a test nor an answer.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tools/pitfalls.toml"
PAGE = ROOT / "docs/pitfalls.md"
COUNT = 82

TAG = re.compile(r"(?://|#).*?\bpitfalls?\s+((?:P?\d+(?:\s*(?:,|and)\s*(?://\s*)?)?)+)")
TEST = re.compile(r"^[ \t]*\w*TEST\w*\(\s*(\w+)\s*,\s*(\w+)\s*[,)]", re.MULTILINE)
BETWEEN = re.compile(r"(\s*//[^\n]*\n|\s+)*")  # what may stand between a tag and its test


def tests_of(path):
    """(offset, name) of every test of a source."""
    library = path.relative_to(ROOT / "tests").parts[0]
    text = path.read_text(encoding="utf-8")
    return text, [(m.start(), f"{library}.{m[1]}.{m[2]}") for m in TEST.finditer(text)]


def tagged(path):
    """(number, test name) of every tag of a file."""
    text, tests = tests_of(path)
    where = path.relative_to(ROOT).as_posix()
    for tag in TAG.finditer(text):
        end = text.find("\n", tag.end())
        end = len(text) if end < 0 else end + 1
        before = [name for at, name in tests if at < end]
        after = [(at, name) for at, name in tests if at >= end]
        line_is_comment = text[text.rfind("\n", 0, tag.start()) + 1 : tag.start()].strip() == ""
        if line_is_comment and after and BETWEEN.fullmatch(text[end : after[0][0]]):
            name = after[0][1]
        elif before:
            name = before[-1]
        elif tests:
            name = f"all of {where}"
        else:  # a script or a compile-fail case is one test
            name = where
        for number in re.findall(r"\d+", tag[1]):
            yield int(number), name, where


def collect():
    found = {}
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in (".cpp", ".hpp", ".sh") or not path.is_file():
            continue
        for number, name, where in tagged(path):
            found.setdefault(number, {})[name] = where
    return found


def answer(number, row, tests):
    """The page's words for a number, or None when nobody answers it."""
    if tests:
        return "; ".join(
            f"[`{name}`](../{where})" if name != where and not name.startswith("all of ")
            else f"[{name}](../{where})"
            for name, where in sorted(tests.items())
        )
    if "suite" in row:
        return f"the whole suite, run by `./dev {row['suite']}`"
    if "later" in row:
        return f"later, {row['later']}"
    if "none" in row:
        return f"does not concern us: {row['none']}"
    return None


def page(rows, found):
    lines = [
        "<!-- Written by tools/pitfalls.py from tools/pitfalls.toml and the tags of the tests. -->",
        "",
        "# Pitfalls of green threads in C++, and what watches each",
        "",
        "Each of these has cost somebody a week. A number is the one that tests carry as",
        "`// pitfall N`; beside it stands the test that would notice, or with which part of grove the",
        "answer comes, or why it does not concern grove.",
        "",
        "| | pitfall | answer |",
        "|---|---|---|",
    ]
    for number in range(1, COUNT + 1):
        row = rows[f"P{number}"]
        words = answer(number, row, found.get(number)) or "**no test yet**"
        cell = words.replace("|", "\\|")
        lines.append(f"| P{number} | {row['title']} | {cell} |")
    return "\n".join(lines) + "\n"


def main(arguments):
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    with TABLE.open("rb") as file:
        rows = tomllib.load(file)
    expected = {f"P{number}" for number in range(1, COUNT + 1)}
    if set(rows) != expected:
        print(f"{TABLE.name}: not P1 to P{COUNT}: {sorted(set(rows) ^ expected)}")
        return 1
    found = collect()
    faults = [
        f"{where}: there is no pitfall {number}"
        for number, names in found.items()
        if not 1 <= number <= COUNT
        for where in names.values()
    ]
    open_ = [n for n in range(1, COUNT + 1) if answer(n, rows[f"P{n}"], found.get(n)) is None]
    if open_:
        numbers = ", ".join(f"P{n}" for n in open_)
        faults.append(f"neither a test nor an answer in tools/pitfalls.toml: {numbers}")
    text = page(rows, found)
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            faults.append("docs/pitfalls.md is stale; ./dev docs writes it")
    else:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
