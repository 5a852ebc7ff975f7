#!/usr/bin/env bash
# A process that was stopped while another took over its job publishes nothing when it wakes up, and says why it ends;
# a source whose records were removed, or whose topic was made again, stops the job with a numbered error.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
kafka_start
half=$(($(wc -l < "$events") / 2))

load 1 "$half"
kafka_job zombie --set checkpoints.interval=200ms 2> "$work/zombie.log" &
starter=$!
await 90 "the first decisions" decided 3
zombie=$(pgrep -P "$starter" -x weir || echo "$starter")
kill -STOP "$zombie"
cp -r "$work/zombie" "$work/heir"
load "$((half + 1))" 100000
kafka_job heir --until-end
expect_kafka_guard heir
before=$(consume auth.blocked | md5sum)
# Only now does it find the second half of the input.
kill -CONT "$zombie"
status=0
wait "$starter" || status=$?
[ "$status" -ne 0 ] || fail "the zombie ended well"
grep -q 'WEIR-3005' "$work/zombie.log" || fail "the zombie said: $(tail -3 "$work/zombie.log")"
expect_kafka_guard heir
expect "blocked events after the zombie" "$(consume auth.blocked | md5sum)" "$before"

refused() { # WEIR number
  status=0
  kafka_job heir --until-end 2> "$work/refused.log" || status=$?
  [ "$status" -ne 0 ] || fail "expected WEIR-$1, but the job ended well"
  grep -q "WEIR-$1" "$work/refused.log" || fail "expected WEIR-$1: $(tail -3 "$work/refused.log")"
}
# Retention overtakes the job while it stands still.
head -50 "$events" | produce auth.raw
end=$(($(wc -l < "$events") + 50))
echo "{\"partitions\":[{\"topic\":\"auth.raw\",\"partition\":0,\"offset\":$((end - 10))}],\"version\":1}" > "$work/delete.json"
kafka_tool DeleteRecordsCommand --offset-json-file "$work/delete.json" > /dev/null
refused 3001
# The topic is made again: first shorter, then longer than what was read.
kafka_tool TopicCommand --delete --topic auth.raw
load 1 100
refused 3001
load 1 100000
refused 3002
echo ok
