#!/usr/bin/env python3
"""D3 at the level of the objects: outside engine/base no archive refers to threads, clocks, randomness, files, sockets.

tests/tidy/source_test.py reads the sources; this one sees what came in through a header or a macro.
"""

import glob
import os
import re
import subprocess
import sys

import tree

# rule: undefined symbols (mangled) that betray it
BANNED = {
    "sym-thread": r"pthread_create|thrd_create|_ZNSt6thread15_M_start_thread.*",
    "sym-clock": r"clock_gettime|gettimeofday|time|_ZNSt6chrono3_V2\d+\w+_clock3nowEv|_ZN4absl.*3NowEv",
    "sym-sleep": r"(nano|u)?sleep|clock_nanosleep|AbslInternalSleepFor\w*",
    "sym-random": r"getrandom|getentropy|s?rand(om)?|_ZNSt13random_device.*",
    "sym-environment": r"(secure_)?getenv",
    "sym-file": r"(open|openat|fopen|freopen)(64)?|rename|unlink|fsync|_ZNSt13basic_filebuf.*|_ZNSt10filesystem.*",
    "sym-socket": r"socket|connect|bind|listen|accept4?|getaddrinfo",
    "sym-exit": r"_?exit|quick_exit",
}
# Generated code, the folder that implements the interfaces, and the folder of the mains.
EXEMPT = ("proto", "engine_base", "engine_cli")


def banned_rule(symbol):
    return next((rule for rule, pattern in BANNED.items() if re.fullmatch(pattern, symbol)), None)


def undefined_symbols(archive):
    """(object file, symbol) pairs."""
    out = subprocess.run(["nm", "-u", archive], check=True, capture_output=True, text=True).stdout
    member = ""
    for line in out.splitlines():
        if line.endswith(":"):
            member = line[:-1]
        elif line.strip():
            yield member, line.split()[-1].split("@")[0]


def self_test():
    for symbol in ("pthread_create", "clock_gettime", "_ZNSt6chrono3_V212steady_clock3nowEv", "open64", "socket",
                   "_ZNSt6chrono3_V212system_clock3nowEv", "getrandom", "_ZN4absl7debian33NowEv", "fopen"):
        assert banned_rule(symbol), f"missed: {symbol}"
    for symbol in ("memcpy", "_ZN4weir4base5Clock3NowEv", "_ZN4weir4OpenEv", "strtol", "timegm"):
        assert not banned_rule(symbol), f"false: {symbol}"


def main():
    self_test()
    build = os.environ.get("WEIR_BUILD", os.path.join(tree.ROOT, "build/release"))
    archives = sorted(glob.glob(os.path.join(build, "lib/libweir_*.a")))
    if not archives:
        sys.exit(f"no archives in {build}/lib: build first")
    # The reader must see the thread and the clock where they are allowed, or it would see them nowhere.
    base = os.path.join(build, "lib/libweir_engine_base.a")
    in_base = {banned_rule(symbol) for _, symbol in undefined_symbols(base)}
    assert {"sym-thread", "sym-clock", "sym-file"} <= in_base, f"nm finds too little in {base}: {in_base}"

    findings = tree.Findings(tuple(BANNED))
    for archive in archives:
        name = os.path.basename(archive).removeprefix("libweir_").removesuffix(".a")
        if name in EXEMPT:
            continue
        for member, symbol in undefined_symbols(archive):
            rule = banned_rule(symbol)
            if rule:
                findings.add(rule, f"{name}/{member.removesuffix('.o')}", 0, f"refers to {symbol}")
    findings.finish()


main()
