#!/usr/bin/env python3
"""The inference memo on a real Redis: hit, flush, kill and restart during requests, SIGSTOP, corruption, password,
TLS. Whatever happens to it, every question is answered; only calls to the model are lost."""

import os
import socket
import statistics
import threading
import time

from fake_openai import FakeOpenAi
from rig import WORK, Probe, Redis, certificate, until


def start(fake, redis, url=None, **more):
    return Probe(reasoner="openai", base_url=fake.url, model="fake", memo=url or f"redis://127.0.0.1:{redis.port}", **more)


def connected(probe):
    until("the memo is connected", lambda: probe.metric("weir_memo_connected") == 1)


def check_hits(fake, redis):
    probe = start(fake, redis)
    first = probe.ask("a1")
    assert first["tokens"] == 100 and not first["from_memo"], first
    until("the reply is kept", lambda: redis.cli("DBSIZE") == "1")
    again = probe.ask("a1")
    assert again["from_memo"] and again["tokens"] == 0 and again["agent"] == first["agent"], again
    # Another process finds it; the key lives as long as it was told to.
    other = start(fake, redis)
    connected(other)
    assert other.ask("a1")["from_memo"]
    ttl = int(redis.cli("PTTL", redis.cli("KEYS", "*")))
    assert 6.9 * 86400e3 < ttl <= 7 * 86400e3, ttl
    # Another model's replies are not its own.
    another = start(fake, redis, max_tokens=99)
    connected(another)
    assert not another.ask("a1")["from_memo"]
    another.close()
    other.close()
    assert fake.calls["a1"] == 2
    # One flight per question: fifty at once are one call.
    fake.delay = 0.2
    for _ in range(50):
        probe.send(id="a2", user="ok", count=1, deadline_ms=8000)
    replies = [probe.next() for _ in range(50)]
    fake.delay = 0
    assert fake.calls["a2"] == 1 and sum(r["tokens"] for r in replies) == 100
    # Errors are not kept.
    assert probe.ask("a3", "500")["error"] == 5021
    assert probe.ask("a3", "ok")["tokens"] == 100
    probe.close()


def check_loss(fake, redis):
    """FLUSHALL, garbage and SIGSTOP: asked again, answered all the same."""
    probe = start(fake, redis)
    probe.ask("b1")
    until("kept", lambda: probe.ask("b1")["from_memo"])
    redis.cli("FLUSHALL")
    assert not probe.ask("b1")["from_memo"]
    until("kept again", lambda: probe.ask("b1")["from_memo"])
    redis.cli("SET", redis.cli("KEYS", "*"), "garbage")
    reply = probe.ask("b1")
    assert reply["verdict"] == "quarantine" and not reply["from_memo"]
    assert probe.metric("weir_memo_lookups_total result=corrupt") == 1
    redis.cli("FLUSHALL")
    redis.cli("CONFIG", "SET", "maxmemory", "1")  # every SET is refused
    assert "verdict" in probe.ask("b2") and "verdict" in probe.ask("b2")
    until("refusals are counted", lambda: probe.metric("weir_memo_failures_total reason=refused") >= 1)
    redis.cli("CONFIG", "SET", "maxmemory", "0")
    redis.pause()
    began = time.monotonic()
    assert "verdict" in probe.ask("b3")
    slow = time.monotonic() - began
    redis.go_on()
    assert slow < 1, f"{slow:.3f} s with a stopped Redis, the budget is 0.05 s"
    assert probe.metric("weir_memo_failures_total reason=timeout") >= 1
    until("back to work", lambda: probe.ask("b4")["from_memo"])
    probe.close()


def check_kills(fake, redis):
    """Redis is killed and started again five times while requests go on: no question is lost."""
    probe = start(fake, redis)
    asked, answered, stop = [], [], threading.Event()

    def ask():
        for i in range(100_000):
            if stop.is_set():
                return
            asked.append(f"k{i % 40}")
            probe.send(id=asked[-1], user="ok", count=1, deadline_ms=8000)
            time.sleep(0.002)

    thread = threading.Thread(target=ask)
    before = fake.total()
    thread.start()
    for _ in range(5):
        hits = [0]

        def count_hits():
            while not probe.lines.empty():
                answered.append(probe.next())
                hits[0] += answered[-1].get("from_memo", False)
            return hits[0] >= 300

        until("hits", count_hits)
        redis.kill()
        time.sleep(0.1)
        redis.start()
    stop.set()
    thread.join()
    while len(answered) < len(asked):
        answered.append(probe.next())
    bad = [r for r in answered if "verdict" not in r]
    assert not bad, bad[:3]
    calls = fake.total() - before
    assert calls < len(asked) / 2, f"{calls} calls for {len(asked)} questions"
    slowest = max(r["us"] for r in answered)
    print(f"kills: {len(asked)} questions, {calls} calls, slowest answer {slowest / 1000:.0f} ms")
    assert probe.metric("weir_memo_failures_total reason=down") >= 1
    # A dead server costs nothing.
    redis.kill()
    until("noticed", lambda: probe.metric("weir_memo_connected") == 0)
    assert "verdict" in probe.ask("dead")
    redis.start()
    probe.close()


def check_password(fake):
    redis = Redis("--requirepass", "hunter2")
    url = f"redis://127.0.0.1:{redis.port}/3"
    probe = Probe(env={"WEIR_MEMO_PASSWORD": "hunter2"}, reasoner="openai", base_url=fake.url, model="fake", memo=url)
    probe.ask("p1")
    until("kept", lambda: probe.ask("p1")["from_memo"])
    assert "db3:keys=1" in redis.cli("-a", "hunter2", "INFO", "keyspace")
    probe.close()
    probe = Probe(env={"WEIR_MEMO_PASSWORD": "wrong"}, reasoner="openai", base_url=fake.url, model="fake", memo=url)
    assert "verdict" in probe.ask("p1")
    until("refused", lambda: probe.metric("weir_memo_failures_total reason=connect") >= 1)
    probe.close()
    redis.kill()
    with open(os.path.join(WORK, "probe.log")) as f:
        log = f.read()
    assert "hunter2" not in log and "WRONGPASS" in log, log


def check_strangers(fake):
    """What answers at the memo's address is no Redis, or says nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (fake.server.server_address[1], silent.getsockname()[1]):
            probe = start(fake, None, f"redis://127.0.0.1:{port}")
            for i in range(3):
                reply = probe.ask(f"s{port}-{i}")
                assert reply["verdict"] == "quarantine" and reply["us"] < 1_000_000, reply
            until("given up", lambda: probe.metric("weir_memo_failures_total reason=connect") >= 1)
            assert "verdict" in probe.ask(f"s{port}-again") and probe.metric("weir_memo_connected") == 0
            probe.close()


def check_tls(fake):
    own, stranger = certificate("own"), certificate("stranger")
    redis = Redis()
    redis.kill()
    tls = ["--port", "0", "--tls-port", str(redis.port), "--tls-cert-file", own + ".crt", "--tls-key-file", own + ".key",
           "--tls-auth-clients", "no", "--tls-ca-cert-file", own + ".crt"]  # fmt: skip
    redis.start(*tls)
    probe = start(fake, redis, f"rediss://127.0.0.1:{redis.port}?ca_file={own}.crt")
    probe.ask("t1")
    until("kept", lambda: probe.ask("t1")["from_memo"])
    probe.close()
    # A peer that nobody vouches for is no peer.
    probe = start(fake, redis, f"rediss://127.0.0.1:{redis.port}?ca_file={stranger}.crt")
    reply = probe.ask("t1")
    assert reply["verdict"] == "quarantine" and not reply["from_memo"], reply
    until("refused", lambda: probe.metric("weir_memo_failures_total reason=connect") >= 1)
    assert probe.metric("weir_memo_connected") == 0
    probe.close()
    redis.kill()


def measure(fake, redis):
    for memo in (f"redis://127.0.0.1:{redis.port}", "embedded"):
        probe = start(fake, redis, memo)
        probe.ask("z1")
        until("kept", lambda: probe.ask("z1")["from_memo"])
        times = [probe.ask("z1")["us"] for _ in range(500)]
        print(f"memo hit, one at a time, {memo.split(':')[0]}: median {statistics.median(times)} us")
        probe.close()


def main():
    fake, redis = FakeOpenAi(), Redis()
    try:
        for check in (check_hits, check_loss, check_kills):
            check(fake, redis)
            redis.cli("FLUSHALL")
        check_password(fake)
        check_strangers(fake)
        check_tls(fake)
        measure(fake, redis)
    finally:
        redis.kill()
    fake.close()
    print("ok")


main()
