#!/usr/bin/env bash
# The broker is killed and started again while the job runs: the job waits for it (or is started again, as a supervisor
# would), and the outputs are those of an undisturbed run.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
kafka_start
lines=$(wc -l < "$events")

supervise() {
  local tries=0
  until kafka_job load --set checkpoints.interval=300ms; do
    tries=$((tries + 1))
    echo "started again: $tries"
    [ "$tries" -lt 10 ] || return 1
  done
}
load 1 $((lines / 3))
supervise 2> "$work/job.log" > "$work/supervisor.log" &
supervisor=$!
await 90 "the first decisions" decided 1
kill -KILL "$(cat "$kafka_dir/kafka.pid")"
"$local_kafka" start --dir "$kafka_dir" > /dev/null
load $((lines / 3 + 1)) $((2 * lines / 3))
"$local_kafka" stop --dir "$kafka_dir"
"$local_kafka" start --dir "$kafka_dir" > /dev/null
load $((2 * lines / 3 + 1)) "$lines"
await 60 "all decisions" decided 45
weir_pid=$(pgrep -P "$supervisor" -x weir || pgrep -P "$(pgrep -P "$supervisor" | head -1)" -x weir)
kill -TERM "$weir_pid"
status=0
wait "$supervisor" || status=$?
expect "exit status" "$status" 0
cat "$work/supervisor.log"
expect_kafka_guard load
echo ok
