#!/usr/bin/env python3
"""weir-agent as Prometheus and an orchestrator see it: what it counts while the shipped job asks it, over both methods
and from the memo, its probes from start to end, and addresses that are refused."""

import os
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../reason"))
from fake_openai import FakeOpenAi
from telemetry_lib import BIN, DEADLINE_S, EVENTS, JOB, check, check_names, get, promtool, samples, total, wait_for

WORK = os.environ.get("TEST_TMPDIR") or tempfile.mkdtemp()
AGENT = os.path.join(BIN, "weir-agent")


class Agent:
    def __init__(self, *more):
        self.port_file, self.address_file = f"{WORK}/port", f"{WORK}/address"
        for name in (self.port_file, self.address_file):
            if os.path.exists(name):
                os.remove(name)
        self.process = subprocess.Popen(
            [AGENT, "--listen", "127.0.0.1:0", "--port-file", self.port_file, "--telemetry-listen", "127.0.0.1:0",
             "--telemetry-address-file", self.address_file, *more], stderr=open(f"{WORK}/agent.log", "a"))  # fmt: skip
        self.address = wait_for("the telemetry's address", lambda: self.read(self.address_file))
        self.port = wait_for("the port", lambda: self.read(self.port_file))

    def read(self, name):
        check(self.process.poll() is None, f"the agent ended: {open(f'{WORK}/agent.log').read()}")
        return open(name).read().strip() if os.path.exists(name) else ""

    def get(self, path):
        return get(self.address, path)

    def samples(self):
        status, text = self.get("/metrics")
        check(status == 200, f"/metrics answers {status}")
        return samples(text)

    def ready(self):
        return self.get("/readyz")[0]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def start_job(name, endpoint, *more):
    os.makedirs(f"{WORK}/{name}/log/auth.raw")
    with open(EVENTS) as events, open(f"{WORK}/{name}/log/auth.raw/0.ndjson", "w") as to:
        to.write(events.read())
    return subprocess.Popen([os.path.join(BIN, "weir"), "run", JOB, "--quiet", "--log-level", "warning", *more],
                            env={**os.environ, "WEIR_DATA": f"{WORK}/{name}", "WEIR_AGENT": endpoint})  # fmt: skip


def run_job(name, endpoint):
    check(start_job(name, endpoint, "--until-end").wait(DEADLINE_S) == 0, f"{name}: the job failed")


def calls(found, method, outcome="ok"):
    return total(found, "weir_agent_service_calls_total", f'method="{method}",outcome="{outcome}"')


def figures(agent):
    endpoint = f"grpc://127.0.0.1:{agent.port}"
    before = agent.samples()
    check(calls(before, "DecideStream") == 0 and calls(before, "Decide") == 0, "calls before the first")
    run_job("stream", endpoint)
    found = agent.samples()
    check(calls(found, "DecideStream") == 45, f"stream: {calls(found, 'DecideStream')}")
    check(total(found, "weir_agent_service_asked_total") == 45, "asked")
    check(total(found, "weir_agent_service_latency_seconds_count") == 45, "latency")
    check(total(found, "weir_agent_service_streams_opened_total") >= 1, "streams opened")
    check(total(found, "weir_memo_lookups_total", 'result="miss"') == 45, "memo: misses")
    check(total(found, "weir_agent_service_tokens_total", 'direction="in"') == 45 * 90, "tokens in")
    check(total(found, "weir_agent_service_tokens_total", 'direction="out"') == 45 * 10, "tokens out")
    check(total(found, "weir_reasoner_calls_total", 'outcome="ok"') == 45, "questions to the reasoner")
    check(total(found, "weir_reasoner_http_requests_total") == 45, "calls of the model")
    run_job("unary", endpoint + "?unary=true")  # the same questions: they are in the memo
    found = agent.samples()
    check(calls(found, "Decide") == 45, f"unary: {calls(found, 'Decide')}")
    check(total(found, "weir_memo_lookups_total", 'result="hit"') == 45, "memo: hits")
    check(total(found, "weir_reasoner_http_requests_total") == 45, "calls of the model, after hits")
    check(total(found, "weir_agent_service_tokens_total", 'direction="in"') == 45 * 90, "tokens in, after hits")
    check(total(found, "weir_agent_service_in_flight") == 0, "in flight")
    check(total(found, "weir_agent_service_ready") == 1, "ready")
    check(total(found, "weir_build_info") == 1, "version")
    check(total(found, "weir_log_lines_total", 'level="info"') >= 2, "log lines")
    text = agent.get("/metrics")[1]
    promtool(text)
    check_names(text, 20)


def probes(agent):
    """Ready, then not ready from SIGTERM on while it finishes: a client that does not read keeps it busy."""
    check(agent.get("/healthz") == (200, "running\n"), "/healthz")
    check(agent.ready() == 200, "/readyz")
    check(agent.get("/")[1].startswith("weir-agent, running"), "index")
    check(agent.get("/nothing")[0] == 404, "404")
    job = start_job("held", f"grpc://127.0.0.1:{agent.port}")
    try:
        wait_for("an open stream", lambda: total(agent.samples(), "weir_agent_service_streams") > 0)
        job.send_signal(signal.SIGSTOP)
        agent.process.send_signal(signal.SIGTERM)
        wait_for("/readyz 503", lambda: agent.get("/readyz") == (503, "stopping: finishing what is under way\n"))
        check(agent.get("/healthz")[0] == 200, "/healthz while it stops")
        check(total(agent.samples(), "weir_agent_service_ready") == 0, "ready while it stops")
        check(agent.process.wait(DEADLINE_S) == 0, "exit status")
        check(agent.ready() is None, "somebody answers after the end")
    finally:
        job.kill()
        job.wait()


def token():
    """Calls that are turned away at the door are counted too."""
    with open(f"{WORK}/token", "w") as f:
        f.write("0123456789abcdef-token\n")
    agent = Agent("--token-file", f"{WORK}/token")
    job = start_job("stranger", f"grpc://127.0.0.1:{agent.port}")
    try:
        wait_for("a refusal", lambda: any(
            'outcome="unauthenticated"' in labels for _, labels in agent.samples()))  # fmt: skip
        check(calls(agent.samples(), "DecideStream", "unauthenticated") >= 1, "unauthenticated")
    finally:
        job.kill()
        job.wait()
        agent.kill()


def refused():
    taken = socket.create_server(("127.0.0.1", 0))
    for listen, error in (("0.0.0.0:0", "--telemetry-allow-remote"), ("9464", "expected host:port"),
                          (f"127.0.0.1:{taken.getsockname()[1]}", "cannot listen")):  # fmt: skip
        ran = subprocess.run([AGENT, "--telemetry-listen", listen], capture_output=True, text=True, timeout=DEADLINE_S)
        check(ran.returncode == 78 and "WEIR-1012" in ran.stderr and error in ran.stderr, f"{listen}: {ran}")


def main():
    refused()
    fake = FakeOpenAi()
    agent = Agent("--drain-timeout", "3s", "--reasoner", "openai", "--base-url", fake.url, "--model", "fake")
    try:
        figures(agent)
        probes(agent)
    finally:
        agent.kill()
    fake.close()
    token()
    print("ok")


sys.exit(main())
