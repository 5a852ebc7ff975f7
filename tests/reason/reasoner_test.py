#!/usr/bin/env python3
"""The openai reasoner over real HTTP, against an endpoint that answers, limits, fails, lies and hangs."""

import os
import time

from fake_openai import FakeOpenAi
from rig import WORK, Probe, certificate, free_port


def check_answers(fake):
    probe = Probe(env={"OPENAI_API_KEY": "sk-test"}, reasoner="openai", base_url=fake.url, model="fake", memo="none")
    reply = probe.ask("a1")
    assert reply["verdict"] == "quarantine" and reply["tokens"] == 100 and reply["rules"] == 1, reply
    assert reply["agent"] == "openai/1 fake-1 verdict-1", reply
    headers, body = fake.requests[-1]
    assert headers["Authorization"] == "Bearer sk-test" and body["temperature"] == 0
    # A tool call is answered from the context and asked again; a repair is asked once.
    for user, calls in (("tools", 2), ("repair", 2)):
        reply = probe.ask(f"b-{user}", user)
        assert reply["verdict"] == "quarantine" and reply["tokens"] == 200, reply
        assert fake.calls[f"b-{user}"] == calls
    tool_message = next(m for _, b in fake.requests for m in b["messages"] if m["role"] == "tool")
    assert '"count":7' in tool_message["content"]
    # (user, error, retriable, calls)
    for user, error, retriable, calls in (
        ("429", 5020, True, 1), ("500", 5021, True, 1), ("cut", 5021, True, 1), ("badjson", 5002, False, 1),
        ("huge", 5002, False, 1), ("never", 5002, False, 2), ("toolloop", 5002, False, 5), ("redirect", 5022, False, 1),
    ):  # fmt: skip
        reply = probe.ask(f"c-{user}", user)
        assert (reply.get("error"), reply["retriable"]) == (error, retriable), (user, reply)
        assert fake.calls[f"c-{user}"] == calls, (user, fake.calls)
        assert "sk-test" not in reply["message"]
    assert probe.ask("c-again", "429")["retry_after_ms"] == 3000
    # The deadline of the request bounds the call.
    began = time.monotonic()
    reply = probe.ask("d1", "hang", deadline_ms=300)
    assert reply["error"] == 5021 and reply["retriable"] and time.monotonic() - began < 2, reply
    assert probe.metric("weir_reasoner_calls_total outcome=ok") == 3
    probe.close()


def check_many(fake):
    """Many at once, over few connections that are used again; one that hangs holds up nobody."""
    probe = Probe(reasoner="openai", base_url=fake.url, model="fake", memo="none")
    before = fake.connections
    probe.send(id="slow", user="hang", count=1, deadline_ms=8000)
    for i in range(300):
        probe.send(id=f"m{i}", user="ok", count=i, deadline_ms=8000)
    replies = [probe.next() for _ in range(300)]
    assert {r["id"] for r in replies} == {f"m{i}" for i in range(300)}
    assert all("verdict" in r for r in replies), [r for r in replies if "verdict" not in r][:3]
    assert probe.next()["id"] == "slow"
    assert fake.connections - before <= 65, f"{fake.connections - before} connections"
    probe.close()


def check_dead():
    probe = Probe(reasoner="openai", base_url=f"http://127.0.0.1:{free_port()}/v1", model="fake", memo="none")
    reply = probe.ask("e1")
    assert reply["error"] == 5021 and reply["retriable"], reply
    probe.close()


def check_tls():
    own, stranger = certificate("own"), certificate("stranger")
    fake = FakeOpenAi(certificate=own)
    # (the authority trusted, is the endpoint asked)
    for authority, asked in ((own + ".crt", True), (stranger + ".crt", False), ("", False)):
        probe = Probe(env={"OPENAI_API_KEY": "sk-test"}, reasoner="openai", base_url=fake.url, model="fake", memo="none",
                      ca_file=authority)  # fmt: skip
        reply = probe.ask("h1")
        assert ("verdict" in reply) == asked, (authority, reply)
        assert asked or reply["error"] == 5021, reply
        probe.close()
    assert fake.total() == 1, "a peer that nobody vouches for got the key"
    fake.close()


def check_environment(fake):
    """A proxy of the environment would see the key: it is not used."""
    proxy = f"http://127.0.0.1:{free_port()}"
    probe = Probe(env={"http_proxy": proxy, "all_proxy": proxy, "no_proxy": ""}, reasoner="openai", base_url=fake.url,
                  model="fake", memo="none")  # fmt: skip
    assert "verdict" in probe.ask("f1")
    probe.close()
    probe = Probe(reasoner="openai", base_url=fake.url, model="fake", memo="none", proxy=proxy)
    assert probe.ask("f2")["error"] == 5021, "a proxy that is named is used"
    probe.close()


def check_rules():
    path = os.path.join(WORK, "rules.yaml")
    with open(path, "w") as f:
        f.write("weir_rules: 1\nname: p\nrules:\n"
                "  - { when: 'novelty.count >= 7', verdict: quarantine, action: block, ttl: 1h }\n"
                "  - { when: 'true', verdict: release }\n")  # fmt: skip
    probe = Probe(reasoner="rules", rules=path)
    assert probe.ask("g1")["verdict"] == "quarantine"
    probe.send(id="g2", user="x", count=6)
    assert probe.next()["verdict"] == "release"
    probe.close()


def main():
    fake = FakeOpenAi()
    check_answers(fake)
    check_many(fake)
    check_dead()
    check_tls()
    check_environment(fake)
    check_rules()
    fake.close()
    print("ok")


main()
