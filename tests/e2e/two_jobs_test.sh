#!/usr/bin/env bash
# Two jobs of different names that write one topic of a directory log: the second is refused at once and takes nothing
# from the first; a job that was killed leaves no lock; dead letters go back while the job that reads their topic runs.
. "$(dirname "$0")/lib.sh"

data=$work/two_jobs
mkdir -p "$data/log/raw"
printf '{"n":1}\n{"n":2}\nnot json\n' >"$data/log/raw/0.ndjson"
for name in one two; do
  cat >"$work/$name.yaml" <<YAML
weir: 1
job: { name: $name }
log: "dir:$data/log"
checkpoints: { storage: "file:$data/checkpoints" }
sources: { in: { topic: raw, schema: { n: int64 } } }
sinks:
  out: { input: in, topic: out }
  dead: { input: in.dead_letter, topic: $name.dead }
YAML
done
cat >"$work/into_out.yaml" <<YAML
weir: 1
job: { name: into-out }
log: "dir:$data/log"
checkpoints: { storage: "file:$data/checkpoints" }
sources: { in: { topic: out, schema: { n: int64 }, on_error: fail } }
sinks: { copy: { input: in, topic: copy } }
YAML
lines() { cat "$data/log/$1"/*.ndjson 2>/dev/null | wc -l; }
follow() { # name
  "$weir" run "$work/$1.yaml" --quiet --log-level warning 2>"$work/$1.err" &
  pid=$!
  trap 'kill -9 $pid 2>/dev/null || true' EXIT
}
holds() { [ "$(lines "$1")" = "$2" ]; } # topic, lines

follow one
await 10 "out" holds out 2
await 10 "one.dead" holds one.dead 1
status=0
"$weir" run "$work/two.yaml" --until-end --quiet --log-level warning 2>"$work/two.err" || status=$?
[ $status != 0 ] || fail "the second job was not refused"
grep -q "WEIR-4006: .*topic out.*$data/log/out.*topics of its own" "$work/two.err" || fail "message: $(cat "$work/two.err")"
"$weir" run "$work/two.yaml" --until-end --quiet --fresh --yes 2>"$work/two.err" && fail "--fresh deleted the topic of another"
"$weir" run "$work/into_out.yaml" --until-end --quiet --log-level warning || fail "a job that reads the topic"
expect "copied" "$(lines copy)" 2
expect "after the second job" "$(lines out)" 2

"$weir" dlq replay "$work/one.yaml" --yes | grep -q '^put back 1, ' || fail "replay while the job runs"
await 10 "one.dead" holds one.dead 2
status=0
"$weir" dlq replay "$work/one.yaml" --to out --yes >"$work/replay" 2>"$work/replay.err" || status=$?
[ $status != 0 ] && grep -q 'WEIR-4006: .*topic out' "$work/replay.err" || fail "into its output: $(cat "$work/replay.err")"
expect "after the replay" "$(lines out)" 2

# The lock dies with its process.
kill -9 $pid
wait $pid 2>/dev/null || true
"$weir" run "$work/two.yaml" --until-end --quiet --log-level warning || fail "the second job, later"
expect "of both" "$(lines out)" 4
echo ok
