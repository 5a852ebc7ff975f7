#!/usr/bin/env python3
"""asked_again.py WORK NAME KILLS: was a question asked again whose answer was durable?

For each kill of the job there is WORK/NAME.decisions-N, the decision log as it stood then, and WORK/NAME.asked-N, how
many questions the agent had been asked by then. What a recovery cut off again was not durable: only lines that still
stand at the end, byte for byte, count.
"""

import glob
import json
import sys

work, kills = f"{sys.argv[1]}/{sys.argv[2]}", int(sys.argv[3])
asked = [json.loads(line) for line in open(f"{work}.audit")]
asked = [entry["request_id"] for entry in asked if entry["event"] == "asked"]
final = set()
for path in glob.glob(f"{work}/log/_weir.ssh-guard.guard.decisions/*.ndjson"):
    final.update(open(path, encoding="utf-8").read().splitlines())

again, durable_most = [], 0
for n in range(1, kills + 1):
    then = set(open(f"{work}.decisions-{n}", encoding="utf-8").read().splitlines()) & final
    durable = {json.loads(line)["request_id"] for line in then}
    durable_most = max(durable_most, len(durable))
    before = int(open(f"{work}.asked-{n}").read())
    again += [(n, request) for request in asked[before:] if request in durable]

print(f"{len(asked)} questions, {len(set(asked))} different, {len(final)} decisions, {durable_most} durable at a kill")
if len(set(asked)) != 45 or len(final) != 45:
    sys.exit("expected 45 different questions and 45 decisions")
if kills and not durable_most:
    sys.exit("no kill came after a durable decision: this proves nothing")
if again:
    sys.exit(f"asked again although durable: {again}")
