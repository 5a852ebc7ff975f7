"""An OpenAI-shaped chat endpoint that misbehaves on demand. It counts calls by request id.

What it does is in the event's `user`: "ok", "429", "500", "redirect", "hang", "badjson", "repair", "never", "tools",
"toolloop", "huge", "cut".

fake_openai.py URL_FILE PAID_FILE DELAY: as a process. Writes its URL, and the request id of each completion that was
given; each answer takes about DELAY seconds.
"""

import collections
import http.server
import json
import os
import re
import socket
import ssl
import sys
import threading
import time

GOOD = json.dumps({"verdict": "quarantine", "reason": "because", "confidence": 0.9,
                   "rules": [{"predicate": "", "action": "block", "ttl_seconds": 0, "reason": "r"}]})  # fmt: skip


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # a shorter one drops connections of a burst, and they come again a second later

    def handle_error(self, *_):
        pass  # a client that went away


class FakeOpenAi:
    def __init__(self, delay=0.0, certificate=None):
        self.delay = delay
        self.calls = collections.Counter()  # by request id
        self.paid = collections.Counter()  # of them, completions that were given
        self.times = collections.defaultdict(list)  # of the calls, by request id
        self.on_paid = lambda rid: None
        self.flaky = False  # two of three questions fail at the first call
        self.connections = 0
        self.requests = []  # (headers, body)
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), self.handler())
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate + ".crt", certificate + ".key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def total(self):
        with self.lock:
            return sum(self.calls.values())

    def fate(self, rid):
        """Of a question's first call when the endpoint is flaky: 0 = fails, 1 = is limited, 2 = is answered."""
        return int(rid[:8], 16) % 3

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handler(fake):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with fake.lock:
                    fake.connections += 1

            def log_message(self, *_):
                pass

            def reply(self, status, body, headers=()):
                body = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                rid = self.headers["X-Weir-Request-Id"]
                with fake.lock:
                    fake.calls[rid] += 1
                    fake.times[rid].append(time.monotonic())
                    fake.requests.append((dict(self.headers), body))
                    nth = fake.calls[rid]
                if fake.delay:
                    time.sleep(fake.delay)
                try:
                    fake.behave(self, user_of(body), nth, body)
                except (BrokenPipeError, ConnectionResetError):
                    pass

        return Handler

    def behave(self, http_, user, nth, body):
        fate = self.fate(http_.headers["X-Weir-Request-Id"]) if self.flaky and nth == 1 else 2
        if fate == 0:
            return http_.reply(503, "{}")
        if fate == 1:
            return http_.reply(429, "{}", [("retry-after-ms", "400")])
        if user == "429":
            http_.reply(429, '{"error":{"message":"rate limit"}}', [("Retry-After", "3")])
        elif user == "500":
            http_.reply(500, "<html>")
        elif user == "redirect":
            http_.reply(307, "", [("Location", "http://127.0.0.1:9/elsewhere")])
        elif user == "hang":
            time.sleep(3)
            http_.reply(200, completion(GOOD))
        elif user == "badjson":
            http_.reply(200, completion(GOOD)[:-10])
        elif user == "huge":
            http_.reply(200, " " * (4 << 20))
        elif user == "cut":
            http_.send_response(200)
            http_.send_header("Content-Length", "1000")
            http_.end_headers()
            http_.wfile.write(b'{"choices":')
            http_.wfile.flush()
            http_.connection.shutdown(socket.SHUT_RDWR)
        elif user == "repair" and nth == 1 or user == "never":
            http_.reply(200, completion('{"verdict":"explode"}'))
        elif user == "tools" and nth == 1 or user == "toolloop":
            http_.reply(200, tool_call())
        else:
            with self.lock:
                self.paid[http_.headers["X-Weir-Request-Id"]] += 1
                self.on_paid(http_.headers["X-Weir-Request-Id"])
            http_.reply(200, completion(GOOD))


def user_of(body):
    """The event's user, as a model would read it: from the data block of the question."""
    question = body["messages"][1]["content"]
    block = re.search(r"<<<DATA (\w+)>>>\n(.*)\n<<<END \1>>>$", question, re.S)
    return json.loads(block[2])["context"]["event"].get("user")


def completion(content):
    return json.dumps({"model": "fake-1", "choices": [{"finish_reason": "stop", "message": {
        "role": "assistant", "content": content}}], "usage": {"prompt_tokens": 90, "completion_tokens": 10}})  # fmt: skip


def tool_call():
    return json.dumps({"model": "fake-1", "choices": [{"finish_reason": "tool_calls", "message": {
        "role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {
            "name": "recent_stats", "arguments": '{"fields":[]}'}}]}}],
        "usage": {"prompt_tokens": 90, "completion_tokens": 10}})  # fmt: skip


def serve(url_file, paid_file, delay):
    fake = FakeOpenAi(float(delay))
    with open(paid_file, "a", buffering=1) as paid:
        fake.on_paid = lambda rid: paid.write(rid + "\n")
        with open(url_file + ".new", "w") as f:
            f.write(fake.url)
        os.rename(url_file + ".new", url_file)
        threading.Event().wait()


if __name__ == "__main__":
    serve(*sys.argv[1:])
