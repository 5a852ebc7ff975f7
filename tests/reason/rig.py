"""What the tests of tests/reason share: the probe as a process, a real redis-server, deadlines."""

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("WEIR_BUILD", os.path.join(ROOT, "build/release"))
WORK = os.environ.get("TEST_TMPDIR") or tempfile.mkdtemp()


def until(what, condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def certificate(name):
    """PATH.crt and PATH.key of a server at 127.0.0.1, signed by itself."""
    path = os.path.join(WORK, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=weir",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path + ".key", "-out", path + ".crt"],
                   check=True, capture_output=True)  # fmt: skip
    return path


class Probe:
    def __init__(self, env=(), **options):
        args = [os.path.join(BUILD, "bin/weir_reason_probe")]
        for name, value in options.items():
            args += [f"--{name}", str(value)]
        self.log = open(os.path.join(WORK, "probe.log"), "ab")
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        env={**os.environ, **dict(env)}, text=True, bufsize=1)  # fmt: skip
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def send(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def next(self, seconds=10):
        return self.lines.get(timeout=seconds)

    def ask(self, id, user="ok", seconds=10, **more):
        self.send(id=id, user=user, count=7, **{"deadline_ms": 8000, **more})
        return self.next(seconds)

    def metric(self, name):
        """Sum over all label sets that contain the words of `name`. Nothing may be under way."""
        self.send(metrics=True)
        words = name.split()
        return sum(v for k, v in self.next()["metrics"].items() if set(words) <= set(k.split()))

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=40) == 0, f"the probe ended with {self.process.returncode}"


class Redis:
    def __init__(self, *args):
        self.port = free_port()
        self.args = list(args)
        self.process = None
        self.start()

    def start(self, *more):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", WORK,
             "--daemonize", "no", "--loglevel", "warning", *self.args, *more],
            stdout=subprocess.DEVNULL)  # fmt: skip
        until("redis is up", lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def cli(self, *args):
        return subprocess.run(["redis-cli", "-p", str(self.port), *args], capture_output=True, text=True, check=True,
                              timeout=10).stdout.strip()  # fmt: skip

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)


class Agent:
    """A real weir-agent."""

    def __init__(self, *args):
        port_file = os.path.join(WORK, "agent.port")
        if os.path.exists(port_file):
            os.remove(port_file)
        self.log = open(os.path.join(WORK, "agent.log"), "ab")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "bin/weir-agent"), "--listen", "127.0.0.1:0", "--port-file", port_file, *args],
            stderr=self.log)  # fmt: skip
        until("the agent's port", lambda: os.path.exists(port_file) or self.process.poll() is not None, 20)
        assert self.process.poll() is None, "weir-agent has ended"
        with open(port_file) as f:
            self.address = f"127.0.0.1:{f.read().strip()}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        assert self.process.wait(timeout=20) == 0


def run_ssh_guard(name, endpoint):
    """Runs the shipped job to its end in a fresh folder; returns its decisions and what it blocked, parsed."""
    data = os.path.join(WORK, name)
    os.makedirs(os.path.join(data, "log/auth.raw"))
    job = os.path.join(ROOT, "deploy/jobs/ssh_guard")
    shutil.copy(os.path.join(job, "data/0.ndjson"), os.path.join(data, "log/auth.raw/0.ndjson"))
    subprocess.run([os.path.join(BUILD, "bin/weir"), "run", os.path.join(job, "job.yaml"), "--until-end", "--quiet",
                    "--log-level", "warning"], check=True, timeout=60,
                   env={**os.environ, "WEIR_DATA": data, "WEIR_AGENT": endpoint})  # fmt: skip
    return [rows(os.path.join(data, "log", topic)) for topic in ("auth.decisions", "auth.blocked")]


def rows(folder):
    out = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".ndjson"):
            with open(os.path.join(folder, name)) as f:
                out += [json.loads(line) for line in f]
    return out
