#!/usr/bin/env bash
# What Kafka's client says about a commit, and what the topic says when it is opened again, must be true whatever
# becomes of the broker: several writers append without end while it is killed, or stopped in order, and started again.
#
#   tests/integration/kafka_commit_loop.sh [CYCLES=10] [SEED=1] [WRITERS=4]
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
cycles=${1:-10}
RANDOM=${2:-1}
kafka_start
audit=${WEIR_BUILD:-build/release}/bin/tests/commit_audit
"$audit" "$kafka_url" audit "${3:-4}" "$work/stop" > "$work/audit" 2> "$work/audit.log" &
auditor=$!
written() { "${kcat[@]}" -Q -b "$kafka" -t audit.0:0:-1 2> /dev/null | grep -oE '[0-9]+$' || echo 0; }
grows() { [ "$(written)" -gt "$1" ]; }
kills=0
for _ in $(seq "$cycles"); do
  await 120 "more records" grows $(($(written) + 50))
  kafka_cycle $((RANDOM % 2))
done
touch "$work/stop"
status=0
wait "$auditor" || status=$?
tail -n 40 "$work/audit"
expect "exit status of the audit" "$status" 0
echo "ok, $cycles cycles, $kills kills"
