#!/usr/bin/env bash
# How far a source on Kafka is behind is shown while it is behind: the events that are left in the topic, split by split.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
kafka_start
# More than fits into the channels: the same events on twenty hosts.
for host in {1..20}; do sed "s/\"host\": *\"[^\"]*\"/\"host\": \"h$host\"/" "$events"; done > "$work/many"
lines=$(($(wc -l < "$work/many") + 100))
kafka_tool TopicCommand --create --topic auth.raw --partitions 2 > /dev/null
produce auth.raw < "$work/many"
head -100 "$events" | produce auth.raw 1

# Nobody answers at the agent's address: soon the job takes no more input.
WEIR_AGENT="grpc://127.0.0.1:1?breaker_after=10m" kafka_job behind --set operators.guard.agent.capacity=1 --set operators.guard.agent.order=global \
  --set operators.guard.agent.timeout=10m --set job.parallelism=1 \
  --set telemetry.listen=127.0.0.1:0 --set "telemetry.address_file=$work/address" 2> "$work/behind.log" &
starter=$!
lag() { # label; its value
  python3 - "$(cat "$work/address")" "$1" << 'PY'
import sys, urllib.request
page = urllib.request.urlopen(f"http://{sys.argv[1]}/metrics", timeout=20).read().decode()
print(sum(int(float(l.split()[-1])) if "NaN" not in l else -10**9 for l in page.splitlines() if l.startswith(sys.argv[2])))
PY
}
# What has been read, and what is left by both gauges. The values of a moment differ while the source still reads.
adds_up() {
  local records left
  records=$(lag weir_source_records_total) left=$(lag weir_source_lag_records) || return 1
  [ "$records" -gt 0 ] && [ "$left" -gt 0 ] && [ $((records + left)) = "$lines" ] &&
    [ "$(lag weir_source_split_lag_records)" = "$left" ]
}
weir_of() { pgrep -P "$starter" -x weir || echo "$starter"; }
trap 'kill -KILL "$(weir_of)" 2> /dev/null || true; kafka_stop_all' EXIT
await 60 "the address" test -s "$work/address"
await 60 "a lag that adds up to $lines records" adds_up
[ "$(lag 'weir_source_split_lag_records{job="ssh-guard",operator="auth",split="0",subtask="0"}')" -gt 0 ] ||
  fail "no lag of split 0 by itself"
kill -KILL "$(weir_of)"
wait "$starter" 2> /dev/null || true

# With an agent it catches up, and stays at 0 while it follows.
rm "$work/address"
kafka_job behind --set telemetry.listen=127.0.0.1:0 --set "telemetry.address_file=$work/address" 2> "$work/behind.log" &
starter=$!
await 60 "the address" test -s "$work/address"
caught_up() { [ "$(lag weir_source_lag_records)" = 0 ] && [ "$(lag weir_source_split_lag_records)" = 0 ]; }
await 60 "the source to catch up" caught_up
kill -TERM "$(weir_of)"
wait "$starter" || fail "$(tail -3 "$work/behind.log")"
echo ok
