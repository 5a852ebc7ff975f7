"""check_developers_md.py PAGE PROGRAM: a block of code behind <!-- from FILE [region] --> is that part of the example's
file, a block behind <!-- PROGRAM's command line --> is what the program says."""

import os
import re
import subprocess
import sys

page, program = sys.argv[1:]
example = os.path.join(os.path.dirname(page), "examples/custom_operator")
text = open(page, encoding="utf-8").read()


def region(file, name):
    lines = open(os.path.join(example, file), encoding="utf-8").read().splitlines()
    if not name:
        return lines
    marks = [i for i, line in enumerate(lines) if re.fullmatch(rf"\s*(//|#) \[{name}\]", line)]
    assert len(marks) == 2, f"{file}: the region [{name}] is not marked twice"
    return lines[marks[0] + 1 : marks[1]]


def strip(lines):
    return "\n".join(line for line in lines if not re.fullmatch(r"\s*(//|#) \[\w+\]", line)).strip("\n")


checked = 0
for marker, block in re.findall(r"<!-- ((?:from|output) .*?) -->\n```\w*\n(.*?)```", text, flags=re.S):
    kind, _, rest = marker.partition(" ")
    if kind == "from":
        file, _, name = rest.partition(" ")
        expected = strip(region(file, name.strip("[]")))
    else:
        done = subprocess.run([program, *rest.split()], cwd=example, capture_output=True, text=True)
        expected = (done.stdout + done.stderr).strip("\n")
    if block.strip("\n") != expected:
        sys.exit(f"{page}: the block '{marker}' should be:\n{expected}")
    checked += 1
assert checked >= 8, f"only {checked} blocks are checked"
print(f"{checked} blocks of {page} are as they should be")
