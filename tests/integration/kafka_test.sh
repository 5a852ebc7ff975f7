#!/usr/bin/env bash
# WEIR_LOG=kafka://... and nothing else: the shipped job gives the same 45 decisions and 669 blocked events as on the
# directory log, byte for byte, goes on where it stopped, and begins anew with --fresh.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
kafka_start

fresh dir
cp "$events" "$work/dir/log/auth.raw/0.ndjson"
run dir
expect_guard dir

load 1 100000
kafka_job one --until-end --summary "$work/one.json"
expect_kafka_guard one
grep -q '"escalated":45,"agent_calls":45' "$work/one.json" || fail "calls: $(cat "$work/one.json")"
for topic in auth.decisions auth.blocked; do
  cmp <(cat "$work/dir/log/$topic"/*.ndjson | sort) <(sort "$work/one/log/$topic/0.ndjson") ||
    fail "$topic differs between the directory log and Kafka"
done
# Provenance: every output says which input record it comes from and which incarnation wrote it.
bad=$(consume auth.blocked -f '%h\n' | grep -cvE '^weir-epoch=1,weir-effect-id=[0-9a-f]{32},weir-origin=[0-9]+/0/[0-9]+#[0-9]+$' || true)
expect "blocked events without provenance" "$bad" 0
# Internal topics keep everything.
kafka_tool TopicCommand --describe > "$work/topics"
expect "internal topics with retention.ms=-1" "$(grep -c 'Topic: _weir.*retention.ms=-1' "$work/topics")" 2

# The same events again, another parallelism: nothing new.
load 1 100000
kafka_job one --until-end --set job.parallelism=4
expect_kafka_guard one

# --fresh begins anew; the input is there twice, and repeats change nothing.
kafka_job one --until-end --fresh --yes
expect_kafka_guard one
echo ok
