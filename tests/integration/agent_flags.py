#!/usr/bin/env python3
"""agent_flags.py WEIR_AGENT: the table of its flags for docs/agent.md, made from its --help."""

import re
import subprocess
import sys

text = subprocess.run([sys.argv[1], "--help"], check=True, capture_output=True, text=True).stdout
# A flag that is too long for its column has its description on the next line.
text = re.sub(r"\n {20,}", "    ", text)
print("| flag | default | meaning |\n|---|---|---|")
for line in text.splitlines():
    found = re.match(r"  (--[a-z-]+)( [A-Z]+(?::INT)?(?: in \[[^]]*\]|:\{[^}]*\})?(?:=(\[[^]]*\]|\S*))?)? +(.*)", line)
    if found:
        default = f"`{found[3]}` " if found[3] else ""
        print(f"| `{found[1]}` | {default}| {found[4].rstrip('.')}. |")
