#!/usr/bin/env bash
# weirctl against the shipped job, as an operator uses it: every command as a table and as JSON, savepoints that are
# verified and restored at another parallelism, the kill switch across kill -9, and what it says when something is wrong.
. "$(dirname "$0")/../e2e/lib.sh"
weirctl=${WEIR_BUILD:-build/release}/bin/weirctl
unset WEIR_ADMIN WEIR_ADMIN_TOKEN_FILE WEIR_DATA
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || :' EXIT
nap() { perl -e 'select(undef, undef, undef, 0.05)'; }

start() { # name, more arguments: a job that follows its files
  local data=$work/$1
  shift
  WEIR_DATA=$data "$weir" run "$job" --quiet --log-level warning --set checkpoints.interval=1h "$@" \
    2>>"$work/job.err" &
  pid=$!
  for _ in $(seq 400); do
    [ -s "$data/checkpoints/ssh-guard/admin.addr" ] &&
      grep -q "\"pid\":$pid[,}]" "$data/checkpoints/ssh-guard/admin.addr" && return
    nap
  done
  fail "no address file: $(cat "$work/job.err")"
}
ctl() { "$weirctl" --data "$work/$current" "$@"; }
field() { python3 -c "import json,sys; print(eval('d' + sys.argv[1], {'d': json.load(sys.stdin)}))" "$1"; } # path
code() { # wanted exit status, command...: its output is in $work/out and $work/err
  local wanted=$1 got=0
  shift
  "$@" >"$work/out" 2>"$work/err" || got=$?
  [ "$got" = "$wanted" ] || fail "$*: exit status $got, expected $wanted: $(cat "$work/out" "$work/err")"
}
says() { grep -q -- "$2" "$work/$1" || fail "no '$2' in: $(cat "$work/$1")"; } # out or err, pattern
wait_field() { # path, wanted: of the status
  local got=
  for _ in $(seq 400); do
    got=$(ctl status -o json | field "$1")
    [ "$got" = "$2" ] && return
    nap
  done
  fail "$1: $got, expected $2"
}
event() { # line, address, count of lines: failures of one address behind everything else
  python3 - "$@" <<'PY'
import json, sys
first, ip, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for line in range(first, first + n):
    print(json.dumps({"line": line, "ts": 1492697700000 + line, "host": "h", "kind": "failed", "user": "root",
                      "src_ip": ip, "message": "x"}))
PY
}
append() { event "$@" >>"$work/$current/log/auth.raw/0.ndjson"; }

# --- nobody there ---
code 3 "$weirctl" --data "$work/nothing" status
says err 'WEIR-8008.*nothing.*--data.*--address'
code 3 "$weirctl" --address 127.0.0.1:1 status
says err '127.0.0.1:1.*--address'
WEIR_ADMIN=127.0.0.1:1 code 3 "$weirctl" status
says err 'WEIR_ADMIN'
code 2 "$weirctl" rules disable abc
says err 'reason'
code 2 "$weirctl" frobnicate

# --- a running job ---
current=a
fresh a
head -4000 "$events" >"$work/a/log/auth.raw/0.ndjson"
start a
wait_field "['events_in']" 4000
wait_field "['agent']['waiting']" 0
code 0 ctl status
says out 'ssh-guard  running'
says out '^guard  *agent_loop  *2 '
[ "$(ctl status -o json | field "['operators'][0]['records_in']")" = 4000 ] || fail "source count"
code 0 ctl top --iterations 2 --interval 0.1
[ "$(grep -c '^OPERATOR.*IN/S' "$work/out")" = 2 ] || fail "top: $(cat "$work/out")"
code 0 ctl top --iterations 1 -o json
field "['state']" <"$work/out" | grep -q running || fail "top as JSON"
code 0 "$weirctl" --address "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["address"])' \
  "$work/a/checkpoints/ssh-guard/admin.addr")" status
code 4 ctl --job other --address "" savepoint verify --offline x

# --- checkpoints and savepoints ---
code 0 ctl checkpoint trigger
says out 'completed in'
code 0 ctl checkpoint list
says out '^ID  *TAKEN'
id=$(ctl checkpoint list -o json | field "['snapshots'][-1]['id']")
[ "$(ctl checkpoint list --verify -o json | field "['snapshots'][-1]['state']")" = whole ] || fail "checkpoint state"
[ "$id" -ge 1 ] || fail "checkpoint id $id"
code 0 ctl savepoint create one
says out "savepoint 'one'"
says out '--from-savepoint .*/savepoints/one'
code 0 ctl savepoint create two -o json
[ "$(field "['result']['state']" <"$work/out")" = present ] || fail "savepoint as JSON: $(cat "$work/out")"
code 2 ctl savepoint create one
says err 'exists already'
code 2 ctl savepoint create ../one
code 0 ctl savepoint list
says out '^two .* present'
code 0 ctl savepoint verify one
says out '^one: whole'
[ "$(ctl savepoint verify two -o json | field "['state']")" = whole ] || fail "verify as JSON"
code 4 ctl savepoint verify three
code 4 "$weirctl" savepoint verify "$work/a/checkpoints/ssh-guard/savepoints/three/x"

# --- rules and decisions ---
count=$(ctl rules list -o json | field "['total']")
[ "$count" = "$(count a auth.decisions)" ] || fail "$count rules, $(count a auth.decisions) decisions"
code 0 ctl rules list --contains 91.197.232.109
says out 'active .*91.197.232.109'
rule=$(ctl rules list --contains 91.197.232.109 -o json | field "['rules'][0]['rule']['id']")
code 0 ctl rules show "${rule:0:8}"
says out "^rule  *$rule version 1"
code 4 ctl rules show ffffffffffffffff
says err 'weirctl rules list'
code 2 ctl rules show XYZ
decision=$(head -1 "$work/a/log/auth.decisions/0.ndjson" | field "['request_id']")
code 0 ctl decisions show "$decision"
says out '^verdict  *quarantine'
says out "^rule  *[0-9a-f]* version 1"
[ "$(ctl decisions show "${decision:0:16}" -o json | field "['decision']['request_id']")" = "$decision" ] || fail decision
code 4 ctl decisions show ffffffffffffffffffff

# --- the kill switch ---
blocked=$(count a auth.blocked)
append 100001 91.197.232.109 2
wait_field "['events_in']" 4002
wait_field "['agent']['blocked']" "$((blocked + 2))"
code 0 ctl rules disable "$rule" --reason 'false alarm' --by ada
says out 'effective on 2/2 subtasks'
append 100011 91.197.232.109 3
wait_field "['agent']['disabled_passed']" 3
[ "$(count a auth.blocked)" = $((blocked + 2)) ] || fail "blocked although disabled: $(count a auth.blocked)"
code 0 ctl rules show "$rule"
says out '^state  *disabled'
says out '^disabled  *.* by ada: false alarm'
code 0 ctl status
says out '1 of them DISABLED'
code 0 ctl rules disable "$rule" --reason again --by ada -o json
[ "$(field "['changed']" <"$work/out")" = False ] || fail "disabled twice"
code 0 ctl rules enable "$rule" --reason 'it was none' --by ada
append 100021 91.197.232.109 2
wait_field "['agent']['blocked']" "$((blocked + 4))"
code 0 ctl rules disable "$rule" --reason 'for good' --by bob
code 0 ctl checkpoint trigger -o json # so that nothing is replayed and counted again
kill -9 $pid
wait $pid 2>/dev/null || :
code 3 ctl status
says err 'nobody answers at 127.0.0.1:.*admin.addr'
code 0 ctl savepoint list
says err 'does not answer'
says out '^one '
start a
[ "$(ctl rules show "$rule" -o json | field "['state']")" = disabled ] || fail "the switch did not survive kill -9"
wait_field "['agent']['rules_disabled']" 1
append 100031 91.197.232.109 3
wait_field "['agent']['disabled_passed']" 3
code 0 ctl rules enable "$rule" --reason 'over' --by bob
append 100041 91.197.232.109 1
for _ in $(seq 400); do [ "$(count a auth.blocked)" = $((blocked + 5)) ] && break; nap; done
expect "blocked after enable" "$(count a auth.blocked)" $((blocked + 5))

# --- stop with a savepoint; damage ---
code 0 ctl stop --savepoint final
says out "savepoint 'final'"
wait $pid || fail "stop: exit status $?"
pid=
[ ! -e "$work/a/checkpoints/ssh-guard/admin.addr" ] || fail "the address file is still there"
code 3 ctl status
says err 'not running'
code 0 ctl savepoint verify final
code 0 "$weirctl" savepoint verify "$work/a/checkpoints/ssh-guard/savepoints/final"
file=$(find "$work/a/checkpoints/ssh-guard/savepoints/final" -type f ! -name MANIFEST | sort | head -1)
python3 - "$file" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    f.seek(len(data) // 2)
    f.write(bytes([data[len(data) // 2] ^ 1]))
PY
code 7 ctl savepoint verify final
says err "damaged: $file"
code 7 ctl savepoint verify final -o json
[ "$(field "['damaged'][0]['path']" <"$work/out")" = "$file" ] || fail "damage as JSON: $(cat "$work/out")"
code 7 ctl savepoint list --verify

# --- a savepoint under load, restored at another parallelism ---
current=b
fresh b
head -4000 "$events" >"$work/b/log/auth.raw/0.ndjson"
start b
code 0 ctl stop --savepoint half
wait $pid || fail "stop: exit status $?"
pid=
tail -n +4001 "$events" >>"$work/b/log/auth.raw/0.ndjson"
run b --from-savepoint half --set job.parallelism=4
expect_guard b

# --- access ---
current=c
fresh c
status=0
run c --set admin.listen=0.0.0.0:0 2>"$work/err" || status=$?
expect "exit status without a token" $status 1
says err 'WEIR-8002.*token_file'
head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$work/token"
start c --set admin.listen=0.0.0.0:0 --set admin.token_file="$work/token"
code 5 ctl status
says err 'WEIR-8003.*--token-file'
echo 0123456789abcdef0 >"$work/wrong"
code 5 ctl --token-file "$work/wrong" status
code 0 ctl --token-file "$work/token" status
WEIR_ADMIN_TOKEN_FILE=$work/token code 0 ctl cancel --yes
wait $pid || fail "cancel: exit status $?"
pid=
current=d
fresh d
run d --set admin.listen=off
code 3 ctl status

# --- pages ---
"$weirctl" reference | cmp - docs/weirctl.md || fail "docs/weirctl.md is stale: $weirctl reference > docs/weirctl.md"
"$weirctl" completion bash >"$work/completion"
bash -n "$work/completion" || fail "completion"
words=$(bash -c '. "$1"; COMP_WORDS=(weirctl rules "") COMP_CWORD=2; _weirctl; echo "${COMPREPLY[@]}"' - "$work/completion")
[[ $words == *disable* && $words == *show* ]] || fail "completion of rules: $words"
echo ok
