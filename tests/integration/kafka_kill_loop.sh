#!/usr/bin/env bash
# The job on Kafka, killed with SIGKILL at points and at moments of all kinds until it comes to its end: a
# read_committed consumer sees every output once and with the same bytes, at any parallelism, in both deliveries.
#
#   tests/integration/kafka_kill_loop.sh [KILLS=12] [SEED=1]
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
kills=${1:-12}
RANDOM=${2:-1}
kafka_start

points=(decision.append.before decision.append.after rule.append.before rule.append.after rule.apply.before
  manifest.rename.before manifest.rename.after segment.write.before log.append.before log.sync.before log.sync.after
  ledger.write.after agent.send agent.reply)
fresh calm
cp "$events" "$work/calm/log/auth.raw/0.ndjson"
run calm
load 1 100000

done_kills=0 round=0
while [ "$done_kills" -lt "$kills" ]; do
  round=$((round + 1))
  delivery=at_least_once
  [ $((round % 2)) -eq 1 ] || delivery=exactly_once
  first=(--fresh --yes) killed=0 status=1
  while [ "$status" -ne 0 ]; do
    at=${points[RANDOM % ${#points[@]}]}:$((1 + RANDOM % 30))
    [ "$killed" -lt 3 ] || at=agent.send:1000000  # let it come to its end
    status=0
    (WEIR_KILL_AT=$at kafka_job killed --until-end --set checkpoints.interval=200ms \
      --set "job.parallelism=$((1 + RANDOM % 3))" --set "sinks.blocked.delivery=$delivery" "${first[@]}") \
      2> "$work/stderr.log" || status=$?
    first=()
    [ "$status" -eq 0 ] || [ "$status" -eq 137 ] || fail "exit status $status at '$at': $(tail -3 "$work/stderr.log")"
    [ "$status" -eq 0 ] || killed=$((killed + 1))
  done
  done_kills=$((done_kills + killed))
  echo "round $round ($delivery): $killed kills"
  expect_kafka_guard killed
  python3 tests/kill/compare.py "$work/calm/log" "$work/killed/log" || fail "outputs differ after round $round"
done
echo "ok, $done_kills kills"
