#!/usr/bin/env python3
"""The shipped ssh_guard job, following its files, as Prometheus and an orchestrator see it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from telemetry_lib import BIN, DEADLINE_S, EVENTS, JOB, check, check_names, get, promtool, samples, total, wait_for

WEIR = os.path.join(BIN, "weir")
WORK = os.environ.get("TEST_TMPDIR") or tempfile.mkdtemp()


class Job:
    """One `weir run` with its telemetry; its data folder survives it."""

    def __init__(self, data, *more, events=EVENTS):
        self.data, self.address_file = data, data + ".address"
        os.makedirs(f"{data}/log/auth.raw", exist_ok=True)
        if events and not os.path.exists(f"{data}/log/auth.raw/0.ndjson"):
            shutil.copy(events, f"{data}/log/auth.raw/0.ndjson")
        if os.path.exists(self.address_file):
            os.remove(self.address_file)
        self.log = open(data + ".log", "a")
        self.process = subprocess.Popen(
            [WEIR, "run", JOB, "--quiet", "--set", "telemetry.listen=127.0.0.1:0", "--set",
             f"telemetry.address_file={self.address_file}", "--set", "checkpoints.interval=200ms", *more],
            env={**os.environ, "WEIR_DATA": data}, stderr=self.log)  # fmt: skip
        self.address = None

    def connectable(self):
        check(self.process.poll() is None, f"the job ended: {open(self.data + '.log').read()}")
        if os.path.exists(self.address_file):
            self.address = open(self.address_file).read().strip()
        return self.address

    def get(self, path, timeout=20):
        return get(self.address, path, timeout)

    def phases(self, until):
        """The different answers of /readyz, in order, asked until `until` says so."""
        seen = []
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            answer = self.get("/readyz")
            if not seen or seen[-1] != answer:
                seen.append(answer)
            if until(answer):
                return seen
        check(False, f"/readyz: {seen}")

    def wait_ready(self):
        wait_for("the address", self.connectable)
        return self.phases(lambda answer: answer[0] == 200)

    def metrics(self):
        status, body = self.get("/metrics")
        check(status == 200, f"/metrics answers {status}")
        return body

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        seen = self.phases(lambda answer: answer[0] is None)
        check(self.process.wait(DEADLINE_S) == 0, "SIGTERM: exit status is not 0")
        return seen

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def probes_follow_the_job():
    """Before it is ready 503, then 200, after SIGTERM 503, then nobody. The first and the third may be too short to
    be seen, so several starts are tried."""
    starting = stopping = False
    for attempt in range(10):
        job = Job(f"{WORK}/probes")
        try:
            seen = job.wait_ready()
            check([s for s, _ in seen] in ([200], [503, 200]), f"start: {seen}")
            starting |= seen[0] == (503, "starting\n")
            check(job.get("/healthz") == (200, "running\n"), "/healthz")
            seen = job.terminate()
            check(all(s in (200, 503, None) for s, _ in seen), f"stop: {seen}")
            stopping |= (503, "stopping: draining to a final checkpoint\n") in seen
        finally:
            job.kill()
        if starting and stopping:
            return
    check(False, f"never seen: starting {starting}, stopping {stopping}")


def check_figures(found):
    check(total(found, "weir_source_records_total", 'operator="auth"') > 5000, "records")
    check(total(found, "weir_agent_decisions_total") == 45, "decisions")
    check(total(found, "weir_agent_blocked_total") == 669, "blocked")
    check(total(found, "weir_job_ready") == 1, "ready")
    check(total(found, "weir_job_restarts_total") == 0, "restarts")
    check(0 < total(found, "weir_job_uptime_seconds") < DEADLINE_S * 3, "uptime")
    check(total(found, "weir_checkpoints_completed_total") >= 1, "checkpoints")
    check(total(found, "weir_checkpoint_last_id") >= 1, "last checkpoint")
    check(0 <= total(found, "weir_checkpoint_last_age_seconds") < DEADLINE_S, "age of the last checkpoint")
    check(total(found, "weir_operator_state_bytes") > 0, "state bytes")
    check(total(found, "weir_operator_bytes_in_total") > 100_000, "bytes in")
    check(total(found, "weir_operator_bytes_out_total") > 100_000, "bytes out")
    # 2017: the watermark of what the sources emit is years behind.
    check(total(found, "weir_operator_watermark_lag_seconds", 'operator="auth",subtask="0"') > 86400 * 365, "lag")


def check_times(before, after):
    """The four times of every task add up to the time that passes, also of one that sleeps."""
    passed = total(after, "weir_job_uptime_seconds") - total(before, "weir_job_uptime_seconds")
    tasks = {labels for name, labels in after if name == "weir_task_busy_seconds_total"}
    check(len(tasks) > 5, "tasks")
    for task in tasks:
        spent = sum(after[f"weir_task_{kind}_seconds_total", task] - before[f"weir_task_{kind}_seconds_total", task]
                    for kind in ("busy", "idle", "backpressured", "queued"))  # fmt: skip
        check(abs(spent - passed) < 0.2 + 0.1 * passed, f"{task}: {spent} s of {passed}")
    check(total(after, "weir_task_busy_seconds_total") > 0.001, "busy")


def raw(job, data=b""):
    host, port = job.address.rsplit(":", 1)
    client = socket.create_connection((host, int(port)), timeout=20)
    client.sendall(data)
    return client


def answer_to(job, data):
    with raw(job, data) as client:
        try:
            return client.recv(4096).decode().split("\r\n")[0]
        except ConnectionError:
            return "reset"


def hostile(job):
    """Nobody who asks strangely, slowly or too often keeps the job from its work or others from the metrics."""
    check(" 431 " in answer_to(job, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"), "huge header")
    check(" 405 " in answer_to(job, b"DELETE /metrics HTTP/1.1\r\n\r\n"), "DELETE")
    check(" 404 " in answer_to(job, b"GET /../../etc/passwd HTTP/1.1\r\n\r\n"), "a path outside")
    check(" 200 " in answer_to(job, b"GET / HTTP/1.1\r\nRange: bytes=0-" + b",0-" * 2500 + b"\r\n\r\n"), "Range")
    fifth = [raw(job, b"GET /metrics HTTP/1.1\r\nX-") for _ in range(60)]
    with open(f"{job.data}/log/auth.raw/0.ndjson", "a") as events:  # more input while they hold on
        events.write(open(EVENTS).read())
    start = time.monotonic()
    wait_for("duplicates under attack", lambda: total(samples(job.metrics()), "weir_ledger_hits_total") > 5000
             if job.get("/healthz")[0] == 200 else False)  # fmt: skip
    check(time.monotonic() - start < 20, "a scrape took too long")
    for client in fifth:
        client.settimeout(10)
        try:
            while client.recv(4096):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            check(False, "a slow client was not cut off")
        client.close()


def refused():
    """Addresses that cannot be, or should not without being asked for."""
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    for listen, status, error in ((f"127.0.0.1:{port}", 1, "WEIR-1012: telemetry"), ("0.0.0.0:0", 78, "allow_remote"),
                                  ("9464", 78, "WEIR-1012"), ("127.0.0.1:99999", 78, "WEIR-1012")):  # fmt: skip
        ran = subprocess.run([WEIR, "run", JOB, "--quiet", "--until-end", "--set", f"telemetry.listen={listen}"],
                             env={**os.environ, "WEIR_DATA": f"{WORK}/refused"}, capture_output=True, text=True)  # fmt: skip
        check(ran.returncode == status and error in ran.stderr, f"{listen}: {ran.returncode} {ran.stderr}")
    ran = subprocess.run([WEIR, "validate", JOB, "--set", "telemetry.listen=0.0.0.0:0", "--set",
                          "telemetry.allow_remote=true"], capture_output=True, text=True)  # fmt: skip
    check(ran.returncode == 0, f"allow_remote: {ran.stderr}")


def check_log(job):
    """Lines of JSON with the job and its incarnation, counted in the metrics."""
    lines = [json.loads(line) for line in open(job.data + ".log")]
    starts = [line for line in lines if "epoch" in line]
    check(starts and all(line["job"] == "ssh-guard" and line["level"] == "info" for line in starts), f"log: {lines}")
    check(starts[0]["epoch"] == 1 and "message" in starts[0], f"log: {starts[0]}")
    check(total(samples(job.metrics()), "weir_log_lines_total", 'level="info"') == len(lines), f"log: {lines}")


def state_over_a_store():
    """With next to no memory its state is in RocksDB, and what that costs is counted."""
    job = Job(f"{WORK}/rocks", "--set", "state.backend=rocksdb", "--set", "state.hot_bytes=64KiB")
    try:
        job.wait_ready()
        wait_for("all decisions", lambda: total(samples(job.metrics()), "weir_agent_blocked_total") == 669)
        wait_for("evictions", lambda: total(samples(job.metrics()), "weir_state_evicted_total", 'operator="seen"') > 0)
        text = job.metrics()
        promtool(text)
        check_names(text)
        found = samples(text)
        seen = {name: total(found, f"weir_state_{name}", 'operator="seen"') for name in (
            "hits_total", "misses_total", "read_bytes_total", "evicted_total", "spills_total", "written_total",
            "written_bytes_total", "hot_bytes", "hot_limit_bytes")}  # fmt: skip
        # Each event has an id of its own: the ledger meets none of them again, and asks the store for each.
        check(seen["misses_total"] > 2000 and seen["written_total"] > 2000, f"ledger: {seen}")
        absent = total(found, "weir_state_misses_total", 'operator="seen",result="absent"')
        check(absent > 500, f"ledger: absent {absent}")
        check(seen["written_bytes_total"] > 20 * seen["written_total"] and seen["spills_total"] > 0, f"ledger: {seen}")
        check(0 < seen["hot_bytes"] < 3 * seen["hot_limit_bytes"] and seen["hot_limit_bytes"] <= 65536, f"ledger: {seen}")
        # The loop looks up its addresses again and again, some of them after they have left memory.
        check(total(found, "weir_state_hits_total", 'operator="guard"') > 500, "guard: hits")
        # How many of them depends on how fast it is fed.
        read = total(found, "weir_state_misses_total", 'operator="guard",result="found"')
        check(read > 0, "guard: nothing was read back")
        check(total(found, "weir_state_read_bytes_total", 'operator="guard"') > 2 * read, "guard: bytes read")
        print("store:", {**seen, "absent": absent})
        job.terminate()
    finally:
        job.kill()


def main():
    refused()
    probes_follow_the_job()
    state_over_a_store()
    job = Job(f"{WORK}/main", "--log-format", "json")
    try:
        job.wait_ready()
        # The last record of the file is never followed by a newline that another ends: all others are.
        wait_for("all decisions", lambda: total(samples(job.metrics()), "weir_agent_blocked_total") == 669)
        wait_for("a checkpoint", lambda: total(samples(job.metrics()), "weir_checkpoints_completed_total") >= 1)
        text = wait_for("state bytes", lambda: (t := job.metrics()) and
                        total(samples(t), "weir_operator_state_bytes") > 0 and t)  # fmt: skip
        promtool(text)
        check_figures(samples(text))
        check_names(text)
        check(total(samples(text), "weir_state_misses_total") == 0, "all fits into memory, and yet the store is asked")
        check("/metrics" in job.get("/")[1], "index")
        check_log(job)
        check(job.get("/nothing")[0] == 404, "404")
        hostile(job)
        promtool(job.metrics())
        check_times(samples(text), samples(job.metrics()))
        job.terminate()
    finally:
        job.kill()
    job = Job(f"{WORK}/main")
    try:
        job.wait_ready()
        found = samples(job.metrics())
        check(total(found, "weir_job_restarts_total") == 1, "restarts after a restart")
        check(total(found, "weir_job_restored_checkpoint_id") > 0, "restored checkpoint")
    finally:
        job.kill()
    print("ok")


sys.exit(main())
