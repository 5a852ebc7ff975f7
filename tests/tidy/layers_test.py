#!/usr/bin/env python3
"""DESIGN section 4: the top level is fixed, a folder includes lower tiers only, every folder has a short README."""

import os
import re

import tree

TOP_LEVEL = {
    "CMakeLists.txt", "cmake", "engine", "operators", "state", "connectors", "agent", "proto", "tests", "bench",
    "deploy", "docs", "README.md", "CMakePresets.json", "LICENSE",
}  # fmt: skip
NOT_IN_GIT = {"build", "data"}
README_LINES = 60
RULES = ("top-level", "readme", "tier", "include")


def check_top_level(findings):
    present = {name for name in os.listdir(tree.ROOT) if not name.startswith(".")} - NOT_IN_GIT
    for name in sorted(present - TOP_LEVEL):
        findings.add("top-level", name, 0, "is not in the fixed top level")
    for name in sorted(TOP_LEVEL - present):
        findings.add("top-level", name, 0, "is missing from the top level")


def check_readmes(findings, tiers):
    for folder in tiers:
        path = f"{folder}/README.md"
        if not os.path.exists(os.path.join(tree.ROOT, path)):
            findings.add("readme", path, 0, "every library folder has a README.md")
        elif len(tree.read(path).splitlines()) > README_LINES:
            findings.add("readme", path, 0, f"is longer than {README_LINES} lines")


def include_error(path, included, quoted, tiers, allow):
    """(rule, message) if the file `path` must not include `included`, else None."""
    if included.endswith(".pb.h"):
        return None if path.endswith(".cc") else ("include", f"{included}: .pb.h only from .cc files")
    if not quoted or ("/" in included and not included.startswith(tuple(f"{top}/" for top in tree.CODE))):
        return None  # a library, or our public headers
    source = tree.folder_of(path, tiers)
    target = tree.folder_of(included, tiers)
    if target is None:
        return ("include", f'"{included}": not in a library folder (write "folder/file.h")')
    if source is None or source == target or (source, target) in allow:
        return None
    if tiers[target] < tiers[source]:
        return None
    return ("tier", f"{source} (tier {tiers[source]}) must not include {included} (tier {tiers[target]})")


def check_includes(findings, tiers, allow):
    for path in tree.files(tree.CODE, (".h", ".cc", ".inc")):
        if not path.startswith("engine/include/") and tree.folder_of(path, tiers) is None:
            findings.add("tier", path, 0, "its folder is not in cmake/tiers.txt")
        for number, line in enumerate(tree.strip(tree.read(path), keep_strings=True).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            error = match and include_error(path, match[2], match[1] == '"', tiers, allow)
            if error:
                findings.add(error[0], path, number, error[1])


def self_test(tiers, allow):
    """A check that cannot find anything proves nothing: these must be found, and these must not."""
    wrong = [
        ("engine/base/a.h", "engine/model/b.h"), ("operators/basic/a.cc", "operators/aggregate/b.h"),
        ("operators/basic/a.cc", "engine/runtime/b.h"), ("engine/model/a.h", "engine/expr/b.h"),
        ("engine/core/a.h", "weir/x.pb.h"), ("engine/core/a.cc", "b.h"),
        ("connectors/dirlog/a.cc", "connectors/format/b.h"),
    ]  # fmt: skip
    right = [
        ("engine/expr/a.h", "engine/model/b.h"), ("engine/core/a.cc", "weir/x.pb.h"),
        ("agent/a.cc", "engine/core/b.h"), ("agent/a.cc", "agent/b.h"), ("engine/cli/a.cc", "engine/server/b.h"),
    ]  # fmt: skip
    for path, included in wrong:
        assert include_error(path, included, True, tiers, allow), f"missed: {path} includes {included}"
    for path, included in right:
        assert not include_error(path, included, True, tiers, allow), f"false: {path} includes {included}"


def main():
    tiers, allow = tree.layers()
    self_test(tiers, allow)
    findings = tree.Findings(RULES)
    check_top_level(findings)
    check_readmes(findings, tiers)
    check_includes(findings, tiers, allow)
    findings.finish()


main()
