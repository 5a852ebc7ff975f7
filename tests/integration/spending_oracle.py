"""spending_oracle.py LOG GAP_MINUTES FACTOR: what docs/examples/custom_operator must have written, computed anew."""

import glob
import json
import sys

log, gap, factor = sys.argv[1], int(sys.argv[2].removesuffix("m")) * 60_000, float(sys.argv[3])
OUT_OF_ORDERNESS = 1000


def read(topic):
    lines = []
    for name in sorted(glob.glob(f"{log}/{topic}/*.ndjson")):
        with open(name, encoding="utf-8") as f:
            lines += [json.loads(line) for line in f]
    return lines


payments = read("payments")
watermark = max(p["at"] for p in payments) - OUT_OF_ORDERNESS - 1
sessions, suspects, current = [], [], {}
before = payments[0]["at"]  # emit: each_record: a payment sees the watermark of the one before it
for p in payments:
    s = current.get(p["card"])
    if s and before - OUT_OF_ORDERNESS - 1 >= s["until"] + gap:
        sessions.append(s)
        s = None
    before = max(before, p["at"])
    if s and p["amount"] > factor * s["total"] / s["payments"]:
        suspects.append({"id": p["id"], "card": p["card"], "amount": p["amount"], "mean": s["total"] / s["payments"]})
    if not s:
        s = current[p["card"]] = {"card": p["card"], "payments": 0, "total": 0, "from": p["at"], "until": p["at"]}
    s["payments"] += 1
    s["total"] += p["amount"]
    s["until"] = p["at"]
sessions += [s for s in current.values() if s["until"] + gap <= watermark]

order = lambda rows: sorted(rows, key=lambda row: (row["card"], row.get("from", row.get("id"))))
for topic, expected in (("sessions", sessions), ("suspects", suspects), ("unreadable", [])):
    got = read(topic)
    if order(got) != order(expected):
        sys.exit(f"{topic}: {len(got)} records, expected {len(expected)}\n{got}\n{expected}")
    print(f"{topic}: {len(got)}")
if not sessions or not suspects:
    sys.exit("the data shows nothing")
