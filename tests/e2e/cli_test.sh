#!/usr/bin/env bash
# What a person sees of the commands.
. "$(dirname "$0")/lib.sh"
export WEIR_DATA=$work/cli

"$weir" version | grep -q '^weir ' || fail version
"$weir" validate "$job" | grep -q OK || fail validate
"$weir" explain "$job" | grep -q agent_loop || fail explain
"$weir" graph "$job" | grep -q '^\(graph\|flowchart\)' || fail graph
"$weir" test "$job" | tail -1 | grep -q ', 0 failed' || fail "weir test"

status=0
"$weir" validate "$job" --set job.paralelism=2 2>"$work/err" || status=$?
expect "exit status of a wrong topology" $status 78
grep -q "WEIR-1002.*paralelism" "$work/err" || fail "unknown key: $(cat "$work/err")"
grep -q "parallelism" "$work/err" || fail "no nearest name: $(cat "$work/err")"
status=0
"$weir" run 2>/dev/null || status=$?
expect "exit status of wrong usage" $status 2
status=0
"$weir" rnu 2>"$work/err" || status=$?
expect "exit status of a wrong command" $status 2
grep -q "no command 'rnu'; did you mean 'run'" "$work/err" || fail "wrong command: $(cat "$work/err")"
WEIR_DATA=$work/nothing "$weir" run "$job" --until-end 2>"$work/err" || fail "run without input"
grep -q "source 'auth' found nothing to read: topic 'auth.raw' of dir:$work/nothing/log" "$work/err" ||
  fail "no word about missing input: $(cat "$work/err")"

printf '{ a: int64, b: string? }\n' >"$work/schema.yaml"
printf '{"a":1,"b":"x"}\n{"a":9223372036854775807}\nnonsense\n' >"$work/e.ndjson"
"$weir" eval --schema "$work/schema.yaml" --events "$work/e.ndjson" --expr 'a + 1' >"$work/out" || fail eval
expect "eval line 1" "$(sed -n 1p "$work/out")" 2
sed -n 2p "$work/out" | grep -q '"error"' || fail "overflow: $(sed -n 2p "$work/out")"
sed -n 3p "$work/out" | grep -q 'WEIR-2001' || fail "bad line: $(sed -n 3p "$work/out")"
status=0
"$weir" eval --schema "$work/schema.yaml" --events "$work/e.ndjson" --expr 'a > b' 2>"$work/err" || status=$?
expect "exit status of a wrong expression" $status 78

# Pages made from the tables must be those that the tables give.
for page in errors metrics options; do
  file=docs/$([ $page = options ] && echo topology || echo $page).md
  "$weir" reference $page | cmp - "$file" || fail "$file is stale: $weir reference $page > $file"
done

# Two processes on one data folder: the second is refused.
mkdir -p "$WEIR_DATA/log/auth.raw"
cp "$events" "$WEIR_DATA/log/auth.raw/0.ndjson"
"$weir" run "$job" --quiet --log-level error &
pid=$!
trap 'kill -9 $pid 2>/dev/null || :' EXIT
for _ in $(seq 100); do
  [ -n "$(ls "$WEIR_DATA"/checkpoints/ssh-guard/epoch 2>/dev/null)" ] && break
  perl -e 'select(undef, undef, undef, 0.05)'
done
status=0
"$weir" run "$job" --until-end --quiet 2>"$work/err" || status=$?
expect "exit status beside another process" $status 1
grep -q WEIR-4006 "$work/err" || fail "lock: $(cat "$work/err")"
kill -TERM $pid
wait $pid || fail "SIGTERM: exit status $?"
trap - EXIT

# Damage is found and stops the job; an older checkpoint is used only when that is asked for.
newest=$(ls -d "$WEIR_DATA"/checkpoints/ssh-guard/chk-* | sort -t- -k3 -n | tail -1)
printf 'x' | dd of="$newest/MANIFEST" bs=1 seek=40 conv=notrunc 2>/dev/null
status=0
"$weir" run "$job" --until-end --quiet 2>"$work/err" || status=$?
expect "exit status with a damaged checkpoint" $status 1
grep -q 'WEIR-4002.*--allow-fallback' "$work/err" || fail "damage: $(cat "$work/err")"

# Savepoint at the end, start from it elsewhere.
fresh save
cp "$events" "$work/save/log/auth.raw/0.ndjson"
run save --stop-with-savepoint before-upgrade
fresh moved
cp -r "$work/save/log" "$work/moved/"
cp -r "$work/save/checkpoints/ssh-guard/savepoints/before-upgrade" "$work/moved/sp"
run moved --from-savepoint "$work/moved/sp" --set job.parallelism=3
expect_guard moved

# Without the flag: where the job was stopped, and after a rollback there too, though it died before a checkpoint.
restored() { # how; more arguments
  local how=$1
  shift
  WEIR_DATA=$work/save "$weir" run "$job" --until-end --quiet "$@" 2>"$work/err" || true
  grep -q "$how" "$work/err" || fail "not $how: $(cat "$work/err")"
}
restored "restored from savepoint 'before-upgrade'"
restored "restored from checkpoint"
WEIR_KILL_AT=manifest.rename.before restored "restored from savepoint 'before-upgrade'" --from-savepoint before-upgrade
restored "restored from savepoint 'before-upgrade'"
expect_guard save
status=0
run save --fresh --yes --from-savepoint before-upgrade 2>"$work/err" || status=$?
[ $status != 0 ] || fail "--fresh with --from-savepoint"
expect_guard save

# What ends a job names operator and subtask, for people and for what collects the lines.
head -n 5 "$events" > "$work/save/log/auth.raw/0.ndjson"
run save 2>"$work/err" && fail "a truncated input is not noticed"
grep -q "^weir: WEIR-3001: task 'auth -> dead_letter' (subtask 0 of 2): " "$work/err" || fail "$(cat "$work/err")"
run save --log-format json 2>"$work/err" && fail "a truncated input is not noticed"
grep -q '"operator":"auth","subtask":0,"error":"WEIR-3001"' "$work/err" || fail "$(cat "$work/err")"
echo "ok"
