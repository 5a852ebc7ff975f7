#!/usr/bin/env python3
"""The main job's answer, computed without Weir: compute.py EVENTS DECISIONS BLOCKED.

The 5th failed or invalid_user event of an address within 600 s (strictly) and no accepted login of that address
before it is a decision; every later event of the address is blocked. An event is known by host and line.
"""

import json
import sys


def main(events, decisions, blocked):
    seen, times, accepted, guilty = set(), {}, set(), set()
    with open(events, encoding="utf-8") as rows, open(decisions, "w") as decided, open(blocked, "w") as answered:
        for row in rows:
            event = json.loads(row)
            address, ts, kind = event.get("src_ip"), event["ts"], event["kind"]
            identity = (event["host"], event["line"])
            if address is None or identity in seen:
                continue
            seen.add(identity)
            result = json.dumps({"line": event["line"], "ts": ts, "src_ip": address}) + "\n"
            if address in guilty:
                answered.write(result)
            elif kind == "accepted":
                accepted.add(address)
            elif kind in ("failed", "invalid_user"):
                earlier = times.setdefault(address, [])
                earlier.append(ts)
                if sum(abs(ts - t) < 600_000 for t in earlier) >= 5 and address not in accepted:
                    guilty.add(address)
                    decided.write(result)


main(*sys.argv[1:])
