#!/usr/bin/env bash
# The agent loop's held outputs beside other inputs of one operator: a consumer of several takes nothing before each has
# said whether it is idle, so a port that says nothing would stop the job.
. "$(dirname "$0")/lib.sh"
sed '/^sinks:/i \
  - { name: raw, type: select, input: seen, fields: { line: line, ts: ts, src_ip: src_ip } }\
  - { name: answered, type: select, input: guard.blocked, fields: { line: line, ts: ts, src_ip: src_ip } }\
  - { name: both, type: union, input: [raw, answered] }\
  - { name: again, type: sliding_count, input: guard.decisions, key: src_ip, window: 600s }\
' deploy/jobs/ssh_guard/job.yaml | sed '/^sinks:/a \
  both_out: { input: both, topic: auth.both }\
  again_out: { input: again, topic: auth.again }' > "$work/job.yaml"
job=$work/job.yaml
for parallelism in 1 3; do
  name=held$parallelism
  fresh "$name"
  cp "$events" "$work/$name/log/auth.raw/0.ndjson"
  WEIR_DATA=$work/$name timeout 60 "$weir" run "$job" --until-end --quiet --log-level warning \
    --set job.parallelism=$parallelism || fail "parallelism $parallelism: exit status $?"
  expect_guard "$name"
  expect "$name both" "$(count "$name" auth.both)" $((7121 + 669))
  expect "$name again" "$(count "$name" auth.again)" 45
done

# Killed and restored, the operators behind a held port go on at the port's time, not at that of the loop before it: else
# what comes out of the port would be late, and counted as 0.
sorted() { cat "$work/$1/log/$2"/*.ndjson | sort -u; }
fresh killed
cp "$events" "$work/killed/log/auth.raw/0.ndjson"
killed=0
for at in decision.append.after:4 rule.apply.before:6 rule.append.before:3 manifest.rename.after:3; do
  status=0
  WEIR_KILL_AT=$at WEIR_DATA=$work/killed "$weir" run "$job" --until-end --quiet --log-level warning \
    --set job.parallelism=3 --set checkpoints.interval=20ms 2> /dev/null || status=$?
  [ "$status" = 0 ] || [ "$status" = 137 ] || fail "$at: exit status $status"
  [ "$status" = 0 ] || killed=$((killed + 1))
done
[ "$killed" -ge 2 ] || fail "only $killed kills"
WEIR_DATA=$work/killed "$weir" run "$job" --until-end --quiet --log-level warning --set job.parallelism=3
for topic in auth.both auth.again; do
  cmp <(sorted held3 $topic) <(sorted killed $topic) || fail "$topic differs after $killed kills"
done
echo "ok, $killed kills"
