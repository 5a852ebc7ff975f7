#!/usr/bin/env bash
# The broker is killed, or stopped in order, and started again, again and again while input comes and the job runs: the
# job waits for it (or is started again, as a supervisor would), and the outputs are those of an undisturbed run.
#
#   tests/integration/kafka_broker_loop.sh [CYCLES=10] [SEED=1]
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
cycles=${1:-10}
RANDOM=${2:-1}
kafka_start
lines=$(wc -l < "$events")

supervise() {
  local tries=0
  until kafka_job load --set checkpoints.interval=300ms; do
    tries=$((tries + 1))
    echo "started again: $tries"
    [ "$tries" -lt $((3 * cycles + 4)) ] || return 1
  done
}
part() { load $((($1 - 1) * lines / (cycles + 1) + 1)) $(($1 * lines / (cycles + 1))); } # number from 1
part 1
supervise 2> "$work/job.log" > "$work/supervisor.log" &
supervisor=$!
await 90 "the first decisions" decided 1
kills=0
for cycle in $(seq "$cycles"); do
  [ "$cycle" = 1 ] || part "$cycle"
  # While the job reads that, or after it.
  how=$((RANDOM % 2))
  [ "$cycle" != 1 ] || how=0
  kafka_cycle "$how"
done
part $((cycles + 1))
await 90 "all decisions" decided 45
# A stop reads nothing more: what follows the last decision must have been read before it.
answered() { [ "$(consume auth.blocked 2> /dev/null | wc -l)" -ge 669 ]; }
await 90 "all blocked events" answered
weir_pid=$(pgrep -P "$supervisor" -x weir || pgrep -P "$(pgrep -P "$supervisor" | head -1)" -x weir)
kill -TERM "$weir_pid"
status=0
wait "$supervisor" || status=$?
expect "exit status" "$status" 0
cat "$work/supervisor.log"
expect_kafka_guard load
echo "ok, $cycles cycles, $kills kills"
