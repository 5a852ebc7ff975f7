#!/usr/bin/env python3
"""Every metric that the code counts is in engine/base/metric_names.inc, and every one there is counted."""

import re

import tree

TABLE = "engine/base/metric_names.inc"
NOT_METRICS = ("engine/base/metric_catalog.cc",)  # names the gauges that ages are made from
LITERAL = r'"(weir_[a-z0-9]+_[a-z0-9_]*[a-z0-9])"'


def table():
    return {m[1]: m[2] for m in re.finditer(r"^WEIR_METRIC\((\w+), (\w+),", tree.read(TABLE), re.M)}


def literals(code):
    return [(m[1], code.count("\n", 0, m.start()) + 1) for m in re.finditer(LITERAL, code)]


def main():
    assert literals('x\nf("weir_a_total", "weir_rules")') == [("weir_a_total", 2)]
    known = table()
    assert len(known) > 50 and known["weir_agent_waiting"] == "gauge", "the table is not read right"
    findings = tree.Findings(("metric",))
    used = set()
    for path in tree.files(tree.CODE, (".h", ".cc")):
        if path in NOT_METRICS:
            continue
        for name, line in literals(tree.strip(tree.read(path), keep_strings=True)):
            used.add(name)
            if name not in known:
                findings.add("metric", path, line, f"{name} is not in {TABLE}: add a line (names in seconds or bytes; the unit there is that of the integer)")
    for name, kind in known.items():
        if name not in used and kind != "age":
            findings.add("metric", TABLE, 0, f"{name} is counted nowhere")
    findings.finish()


main()
