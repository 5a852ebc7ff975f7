#!/usr/bin/env python3
"""What an outside project can include: cmake/public_headers.txt is exactly what <weir/weir.h> and <weir/testing.h>
reach, and beyond the standard library that needs absl's Status alone. To mend: public_headers_test.py --fix"""

import os
import re
import sys

import tree

LIST = "cmake/public_headers.txt"
ENTRIES = ("engine/include/weir/weir.h", "engine/include/weir/testing.h")
SEARCH = ("", "engine/include")
LIBRARIES = {"absl/status/status.h", "absl/status/statusor.h"}
HEAD = """# The headers that `cmake --install` gives to outside projects: what <weir/weir.h> and <weir/testing.h> include,
# directly or not. Checked by tests/tidy/public_headers_test.py (--fix writes it anew): a line that appears here is a
# header that users compile against.
"""


def includes(text):
    return [(m[2], m[1] == '"') for m in re.finditer(r'^\s*#\s*include\s*(["<])([^">]+)[">]', text, flags=re.M)]


def closure(entries, read, exists):
    """(our headers, [(header, what it includes from elsewhere)])"""
    seen, outside, queue = set(), [], list(entries)
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        for name, quoted in includes(tree.strip(read(path), keep_strings=True)):
            ours = next((p for p in (os.path.join(top, name) for top in SEARCH) if exists(p)), None)
            if ours:
                queue.append(ours)
            elif quoted or "/" in name or name.endswith(".h"):
                outside.append((path, name))
    return sorted(seen), outside


def self_test():
    files = {"a.h": '#include "b.h"\n// #include "c.h"\n#include <vector>', "b.h": '#include "x/y.pb.h"\n#include "a.h"'}
    ours, outside = closure(["a.h"], files.get, files.__contains__)
    assert ours == ["a.h", "b.h"] and outside == [("b.h", "x/y.pb.h")], (ours, outside)


def main():
    self_test()
    exists = lambda path: os.path.isfile(os.path.join(tree.ROOT, path))
    ours, outside = closure(ENTRIES, tree.read, exists)
    if sys.argv[1:] == ["--fix"]:
        with open(os.path.join(tree.ROOT, LIST), "w", encoding="utf-8") as f:
            f.write(HEAD + "".join(f"{path}\n" for path in ours))
    findings = tree.Findings(("public",))
    listed = [line for line in tree.read(LIST).splitlines() if line and not line.startswith("#")]
    for path in sorted(set(ours) - set(listed)):
        findings.add("public", path, 0, f"is reached from the public headers, but not in {LIST} (--fix)")
    for path in sorted(set(listed) - set(ours)):
        findings.add("public", path, 0, f"is in {LIST}, but nothing public includes it (--fix)")
    for path, name in outside:
        if name not in LIBRARIES:
            findings.add("public", path, 0, f"{name}: a public header includes no library but absl's Status")
    findings.finish()


main()
