#!/usr/bin/env python3
"""compare.py CALM DISTURBED: two log folders of ssh_guard must hold the same decisions and blocked events.

Repeats are allowed after a crash, but only with identical bytes for one effect: one event, one record.
"""
import glob
import json
import sys


def records(folder, topic):
    lines = []
    for path in sorted(glob.glob(f"{folder}/{topic}/*.ndjson")):
        with open(path, "rb") as file:
            lines += [line for line in file.read().split(b"\n") if line]
    return lines


def main():
    calm, disturbed = sys.argv[1:3]
    problems = []
    for topic, count in (("auth.decisions", 45), ("auth.blocked", 669)):
        want = set(records(calm, topic))
        got = records(disturbed, topic)
        by_event = {}
        for line in got:
            event = json.loads(line)
            by_event.setdefault((event["line"], event["src_ip"]), set()).add(line)
        problems += [f"{topic}: two different bytes for {k}: {v}" for k, v in by_event.items() if len(v) > 1]
        problems += [f"{topic}: missing {line}" for line in want - set(got)]
        problems += [f"{topic}: not in the undisturbed run: {line}" for line in set(got) - want]
        if len(want) != count:
            problems.append(f"{topic}: undisturbed run has {len(want)}, expected {count}")
        if len(got) != len(set(got)):
            print(f"  {topic}: {len(got) - len(set(got))} repeats with identical bytes")
    for problem in problems[:10]:
        print("  " + problem)
    return 1 if problems else 0


sys.exit(main())
