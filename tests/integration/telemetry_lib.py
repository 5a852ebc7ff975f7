"""What the tests of telemetry share: reading metrics, promtool, deadlines."""

import os
import re
import subprocess
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(os.environ.get("WEIR_BUILD", os.path.join(ROOT, "build/release")), "bin")
JOB = os.path.join(ROOT, "deploy/jobs/ssh_guard/job.yaml")
EVENTS = os.path.join(ROOT, "deploy/jobs/ssh_guard/data/0.ndjson")
DEADLINE_S = 60


def check(good, message):
    if not good:
        raise SystemExit(f"FAIL: {message}")


def wait_for(what, fn):
    end = time.monotonic() + DEADLINE_S
    while True:
        result = fn()
        if result:
            return result
        check(time.monotonic() < end, f"{what} did not come")
        time.sleep(0.02)


def get(address, path, timeout=20):
    """(status, body); (None, "") when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None, ""


def samples(text):
    """{(name, labels text): value}"""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            head, value = line.rsplit(" ", 1)
            name, _, labels = head.partition("{")
            check((name, labels) not in found, f"twice: {head}")
            found[name, labels] = float(value)
    return found


def total(found, name, label=""):
    values = [v for (n, labels), v in found.items() if n == name and label in labels]
    check(values, f"no {name} {label}")
    return sum(values)


def check_names(text, least=50):
    """Only names that docs/metrics.md has; at least so many."""
    documented = set(re.findall(r"^\| `(\w+)` \|", open(os.path.join(ROOT, "docs/metrics.md")).read(), re.M))
    shown = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
    check(len(shown) >= least, f"only {len(shown)} metrics")
    check(shown <= documented, f"not in docs/metrics.md: {shown - documented}")


def promtool(text):
    said = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
    check(said.returncode == 0 and not said.stdout + said.stderr, f"promtool: {said.stdout}{said.stderr}")
