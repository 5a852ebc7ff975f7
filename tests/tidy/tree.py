"""What the checks of tests/tidy share: the layers, the source files, the exceptions, and how findings are reported."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CODE = ("engine", "state", "connectors", "operators", "agent")
OUTSIDE_LAYERS = ("tests", "bench")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def files(tops, suffixes):
    """Paths relative to the root of the repository, of files with one of these suffixes."""
    for top in tops:
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def layers():
    """(tier by folder, set of allowed (from, to) pairs of equal tier) from cmake/tiers.txt."""
    tiers, allow = {}, set()
    for line in read("cmake/tiers.txt").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "allow":
            allow.add((words[1], words[2]))
        else:
            tiers[words[0]] = int(words[1])
    return tiers, allow


def folder_of(path, tiers):
    """The library folder that holds `path`, or None."""
    parts = path.split("/")
    for n in range(len(parts) - 1, 0, -1):
        if "/".join(parts[:n]) in tiers:
            return "/".join(parts[:n])
    return None


def strip(text, keep_strings=False):
    """Comments (and contents of literals) blanked out; line numbers and columns stay."""

    def blank(match):
        found = match.group(0)
        if found[0] != "/" and keep_strings:
            return found
        inner = re.sub(r"[^\n]", " ", found)
        return inner if found[0] == "/" else found[0] + inner[1:-1] + found[-1]

    comment = r"//(?:\\\n|[^\n])*|/\*.*?\*/"
    string = r'\bR"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    character = r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # not the separator in 1'000'000
    return re.sub(f"{comment}|{string}|{character}", blank, text, flags=re.S)


class Findings:
    """Collects findings, drops the excused ones, and ends the program."""

    def __init__(self, rules):
        self.found, self.used = [], set()
        self.excuses = []
        for line in read("tests/tidy/allowed.txt").splitlines():
            words = line.split(None, 2)
            if words and not words[0].startswith("#") and words[0] in rules:
                self.excuses.append((words[0], words[1]))
                if len(words) < 3:
                    self.found.append(f"tests/tidy/allowed.txt: '{line}' gives no reason")

    def add(self, rule, path, line, message):
        for excuse in self.excuses:
            if excuse[0] == rule and path.startswith(excuse[1]):
                self.used.add(excuse)
                return
        where = f"{path}:{line}" if line else path
        self.found.append(f"{where}: [{rule}] {message}")

    def finish(self):
        for rule, prefix in self.excuses:
            if (rule, prefix) not in self.used:
                self.found.append(f"tests/tidy/allowed.txt: '{rule} {prefix}' excuses nothing any more")
        for finding in self.found:
            print(finding)
        print(f"{os.path.basename(sys.argv[0])}: {len(self.found)} findings")
        sys.exit(1 if self.found else 0)
