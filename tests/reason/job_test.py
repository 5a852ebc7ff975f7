#!/usr/bin/env python3
"""The shipped job, asking weir-agent, asking a model, with a memo in a real Redis: the outputs are those of the
embedded agent whatever the model's endpoint and the memo do, and a replay does not pay again."""

import os

from fake_openai import FakeOpenAi
from rig import WORK, Agent, Redis, run_ssh_guard, until


def check(name, agent):
    decisions, blocked = run_ssh_guard(name, f"grpc://{agent.address}")
    assert len(decisions) == 45 and len(blocked) == 669, (name, len(decisions), len(blocked))
    assert {d["verdict"] for d in decisions} == {"quarantine"}, name
    assert len({d["request_id"] for d in decisions}) == 45
    return sorted((d["request_id"], d["line"]) for d in decisions), sorted(b["line"] for b in blocked)


def main():
    fake, redis = FakeOpenAi(), Redis()
    options = ["--reasoner", "openai", "--base-url", fake.url, "--model", "fake"]
    memo = ["--memo", f"redis://127.0.0.1:{redis.port}"]

    def spent():
        total = sum(fake.paid.values())
        fake.paid.clear()
        fake.calls.clear()
        return total

    try:
        base = [sorted((d["request_id"], d["line"]) for d in rows) if i == 0 else sorted(d["line"] for d in rows)
                for i, rows in enumerate(run_ssh_guard("base", "embedded"))]  # fmt: skip
        fake.flaky = True
        agent = Agent(*options, *memo)
        assert list(check("first", agent)) == base
        calls = fake.total()
        limited = [t for rid, t in fake.times.items() if fake.fate(rid) == 1]
        gap = min(t[1] - t[0] for t in limited)
        assert gap >= 0.395, f"{gap:.3f} s: the agent loop did not wait as long as the endpoint asked"
        assert spent() == 45 and calls > 55, "30 of 45 questions fail at their first call, and are asked again"
        until("all replies are kept", lambda: redis.cli("DBSIZE") == "45")
        # The same input again, from nothing: another agent's process answers from the memo.
        agent.kill()
        agent = Agent(*options, *memo)
        assert list(check("replay", agent)) == base
        assert spent() == 0, "a replay pays again"
        redis.cli("FLUSHALL")
        assert list(check("flushed", agent)) == base
        assert spent() == 45
        redis.kill()
        assert list(check("no-memo", agent)) == base
        assert spent() == 45
        agent.end()
        # A rule file that says what the statistics say needs neither.
        policy = os.path.join(WORK, "policy.yaml")
        with open(policy, "w") as f:
            f.write("weir_rules: 1\nname: p\nrules:\n"
                    "  - { when: 'novelty.count >= 5', verdict: quarantine, action: block }\n")  # fmt: skip
        agent = Agent("--reasoner", "rules", "--rules", policy)
        assert list(check("rules", agent)) == base
        agent.end()
        assert spent() == 0
        print(f"ok, {calls} calls for 45 decisions of a flaky endpoint")
    finally:
        if redis.process.poll() is None:
            redis.kill()
    fake.close()


main()
